//! Months of messages are copied, compared and dropped.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use contract::chat::maintenance::{ArchiveChunk, ArchivedMessage, DroppedPartition, MessagePartition, path};
use http::{HeaderName, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use testkit::{TestResponse, eventually};

use crate::operator::Operated;

const MONTH: &str = "2024-02";
const LIMIT: Duration = Duration::from_secs(30);

impl Operated {
    /// Messages of three rooms in February 2024 and around it.
    async fn with_february() -> Self {
        let chat = Self::new().await;
        sqlx::raw_sql(
            r#"
            select create_message_partition(make_date(2024, month, 1)) from generate_series(1, 3) month;
            insert into message
              (room_id, seq, id, sender_type, sender_id, content, content_type, metadata, edited_at, created_at)
            select
              ('00000000-0000-0000-0000-00000000000' || room)::uuid, seq, gen_random_uuid(),
              case seq % 3 when 0 then 'bot' when 1 then 'user' else 'system' end,
              case when seq % 3 <> 2 then gen_random_uuid() end,
              E'줄\n"따옴표" \\ 😀 ' || seq,
              case when seq % 3 = 2 then 'system' else 'text' end,
              case when seq % 3 = 0 then '{"b": [1.50, "가"], "a": null}'::jsonb end,
              case when seq = 4 then now() end,
              timestamptz '2024-01-31T23:00:00Z' + seq * interval '1 day' + room * interval '1 microsecond'
            from generate_series(1, 3) room, generate_series(0, 39) day, lateral (select day + 1 as seq) numbered
            "#,
        )
        .execute(&chat.db)
        .await
        .unwrap();
        chat
    }

    /// The archive that batch would write, through chunks of so many.
    async fn archive(&self, limit: usize) -> Vec<u8> {
        #[derive(Deserialize)]
        struct Raw {
            content: Vec<Box<RawValue>>,
            next: Option<String>,
        }
        let (mut archive, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("{}?limit={limit}{after}", path::messages(MONTH));
            let chunk: Raw = self.get(&path).send().await.expect(StatusCode::OK).parsed();
            for message in &chunk.content {
                archive.extend_from_slice(message.get().as_bytes());
                archive.push(b'\n');
            }
            match chunk.next {
                Some(next) => after = format!("&after={next}"),
                None => return archive,
            }
        }
    }

    async fn drop_month(&self, month: &str, query: &str, rows: usize, checksum: &str) -> TestResponse {
        let body = json!({ "rows": rows, "checksum": checksum });
        self.post(&format!("{}{query}", path::drop(month)), &body).send().await
    }

    async fn months(&self) -> Vec<String> {
        let partitions: Vec<MessagePartition> =
            self.get(path::PARTITIONS).send().await.expect(StatusCode::OK).parsed();
        partitions.into_iter().map(|one| one.month).collect()
    }
}

fn checksum(archive: &[u8]) -> String {
    let digest: [u8; 32] = digest(&SHA256, archive).as_ref().try_into().unwrap();
    format!("{:032x}{:032x}", high(&digest), high(&digest[16..]))
}

fn high(bytes: &[u8]) -> u128 {
    u128::from_be_bytes(bytes[..16].try_into().unwrap())
}

fn lines(archive: &[u8]) -> Vec<ArchivedMessage> {
    archive
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

#[tokio::test]
async fn the_months_that_there_are_say_whether_they_are_over() {
    let chat = Operated::with_february().await;
    sqlx::query("analyze message_2024_02").execute(&chat.db).await.ok();
    let partitions: Value = chat.get(path::PARTITIONS).send().await.expect(StatusCode::OK).json();
    let february = &partitions[1];
    assert_eq!((&february["month"], &february["sealed"]), (&json!(MONTH), &json!(true)));
    assert_eq!(
        (&february["from"], &february["to"]),
        (&json!("2024-02-01T00:00:00.000000Z"), &json!("2024-03-01T00:00:00.000000Z"))
    );
    assert!(february["bytes"].as_i64().unwrap() > 0);
    let open = partitions.as_array().unwrap().iter().filter(|one| one["sealed"] == false).count();
    assert_eq!((partitions.as_array().unwrap().len(), open), (6, 3), "{partitions}");
}

#[tokio::test]
async fn a_month_reads_the_same_in_chunks_of_any_size() {
    let chat = Operated::with_february().await;
    let whole = chat.archive(2000).await;
    let messages = lines(&whole);
    assert_eq!(messages.len(), 29 * 3, "February of a leap year, three rooms");
    assert!(messages.is_sorted_by_key(|message| (message.room_id, message.seq)));
    for limit in [1, 7, 29, 87, 88] {
        assert_eq!(chat.archive(limit).await, whole, "{limit}");
    }
    let made: Vec<u8> = messages.iter().flat_map(|message| message.line().into_bytes()).collect();
    assert_eq!(made, whole, "a reader of ours writes the same bytes");
    let answer = messages.iter().find(|message| message.metadata.is_some()).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(answer.metadata.as_ref().unwrap().get()).unwrap(),
        json!({ "a": null, "b": [1.5, "가"] })
    );
}

#[tokio::test]
async fn long_messages_make_short_chunks() {
    let chat = Operated::with_february().await;
    sqlx::query("update message set content = repeat('가', 10000) where created_at < '2024-03-01'")
        .execute(&chat.db)
        .await
        .unwrap();
    // 87 messages of 30 kB are below the bound; with twice as much again in metadata, which doubles in JSON, they are not.
    sqlx::query("update message set metadata = jsonb_build_object('x', repeat(E'\n', 30000)) where created_at < '2024-03-01'")
        .execute(&chat.db)
        .await
        .unwrap();
    let path = format!("{}?limit=2000", path::messages(MONTH));
    let answer = chat.get(&path).send().await.expect(StatusCode::OK);
    assert!(answer.text().len() < 4 * 1024 * 1024, "more than that our clients do not read");
    let chunk: ArchiveChunk = answer.parsed();
    assert!(chunk.next.is_some() && chunk.processed < 60, "{}", chunk.processed);
    assert_eq!(chunk.next, chunk.content.last().map(ArchivedMessage::place));
    assert_eq!(lines(&chat.archive(2000).await).len(), 87);
}

#[tokio::test]
async fn a_month_is_dropped_when_its_archive_is_complete() {
    let chat = Operated::with_february().await;
    let archive = chat.archive(50).await;
    let (rows, checksum) = (87, checksum(&archive));
    let before = chat.months().await;
    for (rows, checksum) in [(86, &*checksum), (87, &*"0".repeat(64)), (0, &*"0".repeat(64))] {
        let refused = chat.drop_month(MONTH, "", rows, checksum).await.expect(StatusCode::CONFLICT);
        assert!(refused.json()["message"].as_str().unwrap().contains("87"));
    }
    let rehearsed: DroppedPartition =
        chat.drop_month(MONTH, "?dryRun=true", rows, &checksum).await.expect(StatusCode::OK).parsed();
    assert!(rehearsed.dry_run && !rehearsed.dropped);
    assert_eq!((rehearsed.rows, rehearsed.checksum.as_ref()), (87, Some(&checksum)));
    assert_eq!((chat.months().await, chat.count("message").await), (before.clone(), 120));

    let done: DroppedPartition =
        chat.drop_month(MONTH, "", rows, &checksum).await.expect(StatusCode::OK).parsed();
    assert!(done.dropped);
    let rest: Vec<_> = before.into_iter().filter(|month| month != MONTH).collect();
    assert_eq!((chat.months().await, chat.count("message").await), (rest, 33));
    let again: DroppedPartition =
        chat.drop_month(MONTH, "", rows, &checksum).await.expect(StatusCode::OK).parsed();
    assert_eq!((again.dropped, again.rows), (false, 0));
}

#[tokio::test]
async fn what_changed_since_it_was_archived_is_not_dropped() {
    let chat = Operated::with_february().await;
    let sum = checksum(&chat.archive(100).await);
    sqlx::query("update message set content = '바뀐 말' where seq = 10").execute(&chat.db).await.unwrap();
    let _ = chat.drop_month(MONTH, "", 87, &sum).await.expect(StatusCode::CONFLICT);
    let sum = checksum(&chat.archive(100).await);
    let _ = chat.drop_month(MONTH, "", 87, &sum).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_month_that_goes_on_is_never_dropped() {
    let chat = Operated::new().await;
    let now = chrono::Utc::now();
    let empty = checksum(b"");
    for month in [now, now + chrono::Months::new(1)] {
        let month = month.format("%Y-%m").to_string();
        let _ = chat.drop_month(&month, "", 0, &empty).await.expect(StatusCode::CONFLICT);
    }
    for month in ["2024", "2024-2", "2024-13", "x"] {
        let _ = chat.drop_month(month, "", 0, &empty).await.expect(StatusCode::BAD_REQUEST);
    }
    let _ = chat.drop_month("2024-02", "", 0, "short").await.expect(StatusCode::BAD_REQUEST);
    assert_eq!(chat.months().await.len(), 3);
}

#[tokio::test]
async fn a_month_without_a_partition_of_its_own_waits_for_upkeep() {
    let chat = Operated::new().await;
    sqlx::query(
        "insert into message (room_id, seq, id, sender_type, content, created_at)
         values (gen_random_uuid(), 1, gen_random_uuid(), 'system', '옛말', '2024-02-10')",
    )
    .execute(&chat.db)
    .await
    .unwrap();
    let sum = checksum(&chat.archive(100).await);
    let _ = chat.drop_month(MONTH, "", 1, &sum).await.expect(StatusCode::CONFLICT);
    chat::upkeep::round(&chat.db).await.unwrap();
    let done: DroppedPartition = chat.drop_month(MONTH, "", 1, &sum).await.expect(StatusCode::OK).parsed();
    assert!(done.dropped);
}

#[tokio::test]
async fn drops_at_once_drop_once() {
    let chat = Operated::with_february().await;
    let sum = checksum(&chat.archive(100).await);
    let every = futures_util::future::join_all((0..4).map(|_| chat.drop_month(MONTH, "", 87, &sum))).await;
    let dropped = every
        .into_iter()
        .map(|answer| answer.expect(StatusCode::OK).parsed::<DroppedPartition>().dropped)
        .filter(|dropped| *dropped)
        .count();
    assert_eq!(dropped, 1);
}

#[tokio::test]
async fn a_month_that_is_being_read_is_dropped_later() {
    let chat = Operated::with_february().await;
    let sum = checksum(&chat.archive(100).await);
    let mut reader = chat.db.begin().await.unwrap();
    sqlx::query("select count(*) from message").execute(&mut *reader).await.unwrap();
    let busy = chat.drop_month(MONTH, "", 87, &sum).await.expect(StatusCode::SERVICE_UNAVAILABLE);
    assert!(busy.header("retry-after").is_some());
    reader.rollback().await.unwrap();
    let _ = chat.drop_month(MONTH, "", 87, &sum).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_month_may_take_longer_than_a_request() {
    let chat = Operated::with_february().await;
    sqlx::query(
        "insert into message (room_id, seq, id, sender_type, content, created_at)
         select md5((n % 100)::text)::uuid, n, gen_random_uuid(), 'system', '말', timestamptz '2024-02-02' + n * interval '1 s'
         from generate_series(1, 30000) n",
    )
    .execute(&chat.db)
    .await
    .unwrap();
    let sum = checksum(&chat.archive(2000).await);
    let body = json!({ "rows": 30_087, "checksum": sum });
    // So little that nothing is left for counting.
    let hasty = || {
        let timeout = HeaderName::from_static(chassis::deadline::HEADER);
        chat.post(&path::drop(MONTH), &body).header(timeout, "2500").send()
    };
    let counting = hasty().await.expect(StatusCode::ACCEPTED);
    assert!(counting.header("retry-after").is_some());
    let counting: DroppedPartition = counting.parsed();
    assert_eq!((counting.dropped, counting.checksum), (false, None));
    eventually(LIMIT, || async { hasty().await.status == StatusCode::OK }).await;
    assert!(!chat.months().await.contains(&MONTH.to_owned()));
}
