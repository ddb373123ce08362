//! Months of messages become archives, and only what is proven to be in one is dropped.

use aws_lc_rs::digest::{SHA256, digest};
use batch::engine::work::Run;
use batch::engine::{Fault, Job, Place};
use batch::jobs::message_archiving::{self, Manifest, NAME};
use batch::objects::Objects;
use contract::batch::ExecutionStatus;

use super::chat::{Chat, step};
use super::instance::{Ground, below};

const FEBRUARY: &str = "archives/messages/2024-02";
const AGE: (&str, &str) = ("olderThanMonths", "12");

impl Chat {
    /// 12,000 messages in February 2024, 5 in March, none in April; two months that go on.
    pub(super) async fn with_old_months() -> Self {
        let chat = Self::start().await;
        chat.run(
            r#"
            select create_message_partition(make_date(2024, month, 1)) from generate_series(2, 4) month;
            insert into message (room_id, seq, id, sender_type, content, metadata, created_at)
            select
              md5((n % 7)::text)::uuid, n, md5('m' || n)::uuid, 'system', E'줄\n"따옴표" \\ 😀 ' || n,
              case when n % 3 = 0 then '{"b": [1.50, "가"], "a": null}'::jsonb end,
              case when n <= 12000 then timestamptz '2024-02-01' else '2024-03-01' end + n * interval '1 minute'
            from generate_series(1, 12005) n
            "#,
        )
        .await;
        chat
    }

    async fn months(&self) -> i64 {
        let count = "select count(*) from pg_inherits join pg_class on pg_class.oid = inhrelid
             where inhparent = 'message'::regclass and relname like 'message_2024_%'";
        self.count(count).await
    }

    fn archiving(&self, ground: &Ground) -> Job {
        message_archiving::job(&self.means(ground))
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The manifest of an archive, which says what is there.
async fn manifest(objects: &Objects, directory: &str) -> Manifest {
    let found = below(objects, directory).await;
    let manifest: Manifest = serde_json::from_slice(&found[&format!("{directory}/manifest.json")]).unwrap();
    let mut all = Vec::new();
    for part in &manifest.parts {
        let bytes = &found[&format!("{directory}/{}", part.name)];
        assert_eq!((hex(bytes), bytes.len() as u64), (part.sha256.clone(), part.bytes), "{}", part.name);
        all.extend_from_slice(bytes);
    }
    assert_eq!(found.len(), manifest.parts.len() + 1, "nothing else is there");
    assert_eq!((hex(&all), all.len() as u64), (manifest.sha256.clone(), manifest.bytes));
    assert_eq!(all.split(|byte| *byte == b'\n').count() as u64 - 1, manifest.messages);
    manifest
}

#[tokio::test]
async fn old_months_are_archived_and_dropped() {
    let (ground, chat) = (Ground::new().await, Chat::with_old_months().await);
    let platform = chat.platform();
    let _runner = ground.runner(&platform, chat.archiving(&ground));
    let ended = ground.ended(ground.begin(NAME, &[AGE], false).await).await;
    assert_eq!((ended.status, &*ended.message), (ExecutionStatus::Completed, ""));
    let numbers = ["messages", "parts", "archives", "dropped"].map(|name| ended.summary[name]);
    assert_eq!(numbers, [12_005, 3, 2, 3]);

    let february = manifest(&ground.objects, FEBRUARY).await;
    let parts: Vec<_> = february.parts.iter().map(|part| (&*part.name, part.messages)).collect();
    assert_eq!(parts, [("part-000001.ndjson", 10_000), ("part-000002.ndjson", 2_000)]);
    assert_eq!(manifest(&ground.objects, "archives/messages/2024-03").await.messages, 5);
    assert_eq!((chat.months().await, chat.count("select count(*) from message").await), (0, 0));

    let archives: Vec<(String, i64, i32, bool)> = sqlx::query_as(
        "select path, row_count, part_count, dropped_at is not null and verified_at is not null
         from archive order by path",
    )
    .fetch_all(&ground.pool)
    .await
    .unwrap();
    let expected = [(FEBRUARY, 12_000, 2, true), ("archives/messages/2024-03", 5, 1, true)];
    assert_eq!(archives, expected.map(|(path, rows, parts, done)| (path.to_owned(), rows, parts, done)));
    let csv = ground.table("reports").await;
    let states: Vec<_> = csv.lines().skip(1).map(|line| line.rsplit(',').next().unwrap()).collect();
    assert_eq!(states.len(), 9, "{csv}");
    assert_eq!(states.iter().filter(|state| **state == "DROPPED").count(), 3, "{csv}");
}

#[tokio::test]
async fn a_run_that_is_done_twice_leaves_the_same_bytes() {
    let chat = Chat::with_old_months().await;
    let (once, twice) = (Ground::new().await, Ground::new().await);
    for (ground, times) in [(&once, 1), (&twice, 2)] {
        let run = ground.instance(NAME, &[AGE]).await;
        let job = chat.archiving(ground);
        ground.work(&run, step(&job, "export"), times).await.unwrap();
        ground.work(&run, step(&job, "verify"), times).await.unwrap();
    }
    let expected = once.objects_below("archives").await;
    assert_eq!(expected.len(), 5);
    assert!(twice.objects_below("archives").await == expected);

    let run = twice.instance(NAME, &[AGE]).await;
    let job = chat.archiving(&twice);
    let error = twice.work(&run, step(&job, "export"), 1).await.unwrap_err();
    assert!(error.to_string().contains("archives messages already"), "{error}");
}

#[tokio::test]
async fn a_run_whose_process_dies_in_the_middle_leaves_the_same_bytes() {
    let chat = Chat::with_old_months().await;
    let (calm, killed) = (Ground::new().await, Ground::new().await);
    let quiet = chat.platform();
    let _runner = calm.runner(&quiet, chat.archiving(&calm));
    assert_eq!(calm.ended(calm.begin(NAME, &[AGE], false).await).await.status, ExecutionStatus::Completed);

    let chat = Chat::with_old_months().await;
    let id = killed.begin(NAME, &[AGE], false).await;
    let committed = "select count(*) from step where execution_id = $1 and commit_count > $2";
    for commits in 0..2_i64 {
        let platform = chat.platform();
        let runner = killed.runner(&platform, chat.archiving(&killed));
        testkit::eventually(std::time::Duration::from_secs(30), || async {
            let found: i64 =
                sqlx::query_scalar(committed).bind(id).bind(commits).fetch_one(&killed.pool).await.unwrap();
            found > 0
        })
        .await;
        // As SIGKILL: nothing is given back.
        platform.drain().end();
        drop(runner);
    }
    let platform = chat.platform();
    let _runner = killed.runner(&platform, chat.archiving(&killed));
    let ended = killed.ended(id).await;
    assert_eq!((ended.status, ended.summary["messages"]), (ExecutionStatus::Completed, 12_005), "{ended:?}");
    assert!(killed.objects_below("archives").await == calm.objects_below("archives").await);
    assert_eq!(chat.count("select count(*) from message").await, 0);
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let (ground, chat) = (Ground::new().await, Chat::with_old_months().await);
    let platform = chat.platform();
    let _runner = ground.runner(&platform, chat.archiving(&ground));
    let ended = ground.ended(ground.begin(NAME, &[AGE], true).await).await;
    assert_eq!(ended.status, ExecutionStatus::Completed, "{ended:?}");
    assert_eq!(
        (ended.summary["messages"], ended.summary["parts"]),
        (12_005, 3),
        "it says what would be done"
    );
    assert_eq!(ground.objects_below("archives").await.len(), 0);
    assert_eq!((chat.months().await, chat.count("select count(*) from message").await), (3, 12_005));
    let archives: i64 =
        sqlx::query_scalar("select count(*) from archive").fetch_one(&ground.pool).await.unwrap();
    assert_eq!((archives, ground.objects_below("reports/message-archiving/dry-run").await.len()), (0, 2));
}

#[tokio::test]
async fn what_came_late_stays_until_the_next_run_archives_it_beside() {
    let (ground, chat) = (Ground::new().await, Chat::with_old_months().await);
    let job = chat.archiving(&ground);
    let late = "insert into message (room_id, seq, id, sender_type, content, created_at)
                values (gen_random_uuid(), 1, gen_random_uuid(), 'system', '늦은 말', '2024-02-10')";
    let run = ground.instance(NAME, &[AGE]).await;
    for name in ["export", "verify"] {
        ground.work(&run, step(&job, name), 1).await.unwrap();
    }
    let first = ground.objects_below(FEBRUARY).await;
    chat.run(late).await;
    let fault = ground.work(&run, step(&job, "drop"), 1).await.unwrap_err();
    assert!(matches!(fault, Fault::Fatal { .. }), "{fault:?}");
    let text = fault.to_string();
    assert!(text.contains("2024-02: ") && text.contains("Start a new run"), "{text}");
    assert_eq!((chat.months().await, chat.count("select count(*) from message").await), (1, 12_001));
    ground.end(&run).await;

    // The next night; and once more, when something comes even later.
    for (path, messages) in [("archives/messages/2024-02-2", 12_001), ("archives/messages/2024-02-3", 1)] {
        let run = ground.instance(NAME, &[AGE]).await;
        for name in ["export", "verify", "drop"] {
            ground.work(&run, step(&job, name), 1).await.unwrap();
        }
        assert_eq!(manifest(&ground.objects, path).await.messages, messages);
        assert_eq!(chat.count("select count(*) from message").await, 0);
        ground.end(&run).await;
        chat.run("select create_message_partition('2024-02-01')").await;
        chat.run(late).await;
    }
    assert!(ground.objects_below(FEBRUARY).await == first, "what was archived is never written to again");
}

#[tokio::test]
async fn a_part_that_is_not_what_was_written_is_found() {
    for what in ["flipped", "longer", "gone"] {
        let (ground, chat) = (Ground::new().await, Chat::with_old_months().await);
        let job = chat.archiving(&ground);
        let run = ground.instance(NAME, &[AGE]).await;
        ground.work(&run, step(&job, "export"), 1).await.unwrap();
        let path = ground.directory.path().join(FEBRUARY).join("part-000002.ndjson");
        let mut bytes = std::fs::read(&path).unwrap();
        match what {
            "flipped" => bytes[1000] ^= 1,
            "longer" => bytes.push(b'\n'),
            _ => {}
        }
        std::fs::write(&path, bytes).unwrap();
        if what == "gone" {
            std::fs::remove_file(&path).unwrap();
        }
        let fault = ground.work(&run, step(&job, "verify"), 1).await.unwrap_err();
        assert!(matches!(fault, Fault::Fatal { .. }), "{what}: {fault:?}");
        assert!(fault.to_string().contains("part-000002.ndjson is not what was written"), "{what}: {fault}");
        let archives: i64 =
            sqlx::query_scalar("select count(*) from archive").fetch_one(&ground.pool).await.unwrap();
        assert_eq!((archives, chat.count("select count(*) from message").await), (0, 12_005));

        // What came to nothing does not stand in the way of the next run.
        ground.end(&run).await;
        std::fs::write(ground.directory.path().join(FEBRUARY).join("part-000003.ndjson"), "left over")
            .unwrap();
        let run = ground.instance(NAME, &[AGE]).await;
        for name in ["export", "verify", "drop"] {
            ground.work(&run, step(&job, name), 1).await.unwrap();
        }
        assert_eq!(manifest(&ground.objects, FEBRUARY).await.messages, 12_000);
    }
}

#[tokio::test]
async fn a_run_that_is_restarted_never_writes_into_an_archive_that_another_has_made() {
    for is_over in [false, true] {
        let (ground, chat) = (Ground::new().await, Chat::with_old_months().await);
        let job = chat.archiving(&ground);
        let export = step(&job, "export");
        let run = Run { step: export.name, ..ground.instance(NAME, &[AGE]).await };
        let part = export.work.parts(&run).await.unwrap().swap_remove(0).name;
        let size = export.sizes.first;
        let first = Place { run: run.clone(), part, chunk: 0, cursor: None, size, prepared: None };
        let done = export.work.chunk(&first).await.unwrap();
        ground.commit(&run, &done).await;
        ground.end(&run).await;

        let other = ground.instance(NAME, &[AGE]).await;
        for name in ["export", "verify"] {
            ground.work(&other, step(&job, name), 1).await.unwrap();
        }
        let theirs = ground.objects_below(FEBRUARY).await;
        if is_over {
            ground.end(&other).await;
        }
        // What is read now is not what was read then.
        chat.run(
            "delete from message where ctid in (select ctid from message order by room_id, seq limit 3000)",
        )
        .await;
        let again = Place { run: ground.again(&run).await, chunk: 1, cursor: done.next, ..first };
        let fault = export.work.chunk(&again).await.unwrap_err();
        assert!(matches!(fault, Fault::Fatal { .. }), "{fault:?}");
        assert!(ground.objects_below(FEBRUARY).await == theirs, "{is_over}: {fault}");
    }
}

#[tokio::test]
async fn long_messages_make_parts_that_fit_into_memory() {
    let (ground, chat) = (Ground::new().await, Chat::with_old_months().await);
    chat.run(
        "update message set content = repeat('가', 5000) where created_at < '2024-03-01' and seq <= 2000",
    )
    .await;
    let job = chat.archiving(&ground);
    let run = ground.instance(NAME, &[AGE, ("month", "2024-02")]).await;
    for name in ["export", "verify", "drop"] {
        ground.work(&run, step(&job, name), 1).await.unwrap();
    }
    let february = manifest(&ground.objects, FEBRUARY).await;
    assert!(february.parts.len() > 3, "{february:?}");
    assert!(february.parts.iter().all(|part| part.bytes <= 8 * 1024 * 1024));
    assert_eq!((february.messages, chat.months().await), (12_000, 2), "only this month was asked for");
}
