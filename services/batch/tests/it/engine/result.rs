//! What executions leave behind, and what their works are told.

use std::sync::{Arc, Mutex};

use batch::engine::{Chunk, Effect, NewArchive, NewReport, Place, Sizes};
use chrono::{DateTime, Utc};
use contract::batch::ExecutionStatus;
use serde_json::{Value, json};

use super::stage::{QUICK, Says, Stage, job, step};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn archive(path: &str, sha256: u8) -> Effect {
    Effect::Archive(NewArchive {
        id: chassis::fresh_id(),
        path: path.to_owned(),
        period_start: at("2026-01-01T00:00:00Z"),
        period_end: at("2026-02-01T00:00:00Z"),
        parts: 2,
        rows: 10_500,
        bytes: 1 << 20,
        sha256: [sha256; 32],
    })
}

fn report(rows: u64) -> Effect {
    Effect::Report(NewReport {
        period_start: at("2026-01-01T00:00:00Z"),
        period_end: at("2026-02-01T00:00:00Z"),
        summary: [("sum".to_owned(), 7)].into(),
        row_count: rows,
        json_path: "a.json".to_owned(),
        csv_path: "a.csv".to_owned(),
    })
}

/// A step that leaves these effects, a chunk each.
fn leaving(effects: Vec<Effect>) -> batch::engine::Registry {
    let says = Says(move |place: &Place| {
        let chunk = usize::try_from(place.chunk).unwrap();
        let next = (chunk + 1 < effects.len()).then(|| json!({ "after": chunk }));
        Ok(Chunk { next, effects: vec![effects[chunk].clone()], ..Chunk::default() })
    });
    job(vec![step("leaves", says, Sizes::fixed(1))])
}

#[tokio::test]
async fn archives_and_reports_are_listed_with_the_chunk_that_made_them() {
    let stage = Stage::set().await;
    let effects = vec![
        archive("m/2026-01", 1),
        archive("m/2026-01", 2),
        report(3),
        report(4),
        Effect::ArchiveDropped { path: "m/2026-01".to_owned() },
        Effect::ExitCode("COMPLETED_WITH_DIFFERENCES"),
    ];
    let instance = stage.instance(leaving(effects), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Completed).await;
    assert_eq!(ended.exit_code, "COMPLETED_WITH_DIFFERENCES");
    let listed: Value = sqlx::query_scalar(
        "select jsonb_build_object(
           'rows', row_count, 'parts', part_count, 'sha256', left(encode(sha256, 'hex'), 2),
           'verified', verified_at is not null, 'dropped', dropped_at is not null, 'mine', execution_id = $1
         ) from archive",
    )
    .bind(id)
    .fetch_one(&stage.db.pool())
    .await
    .unwrap();
    let expected = json!({ "rows": 10_500, "parts": 2, "sha256": "02", "verified": true, "dropped": true, "mine": true });
    assert_eq!(listed, expected);
    let rows: Vec<i64> =
        sqlx::query_scalar("select row_count from report").fetch_all(&stage.db.pool()).await.unwrap();
    assert_eq!(rows, [4], "an instance has one report");
}

#[tokio::test]
async fn an_archive_whose_rows_are_gone_is_never_replaced() {
    let stage = Stage::set().await;
    let effects = vec![
        archive("m/2026-01", 1),
        Effect::ArchiveDropped { path: "m/2026-01".to_owned() },
        archive("m/2026-01", 1),
        archive("m/2026-01", 2),
    ];
    let instance = stage.instance(leaving(effects), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Failed).await;
    assert_eq!(
        ended.exit_message.as_deref(),
        Some("leaves: the rows of another archive m/2026-01 are gone, so it stays as it is")
    );
    assert_eq!(stage.step(id).await.commit_count, 3);
}

#[tokio::test]
async fn dropping_what_is_no_archive_fails() {
    let stage = Stage::set().await;
    let effects = vec![Effect::ArchiveDropped { path: "nowhere".to_owned() }];
    let instance = stage.instance(leaving(effects), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Failed).await;
    assert_eq!(ended.exit_message.as_deref(), Some("leaves: there is no archive nowhere"));
}

#[tokio::test]
async fn a_work_is_told_its_parameters_its_now_and_what_was_counted_before_it() {
    let stage = Stage::set().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = || {
        let told = told.clone();
        let says = Says(move |place: &Place| {
            told.lock().unwrap().push(place.clone());
            Ok(Chunk { next: (place.chunk == 0).then(|| json!({ "후": [1, null] })), ..Chunk::default() })
        });
        step("hears", says, Sizes::fixed(7))
    };
    let instance = stage.instance(job(vec![stage.counting(5, 10), hears()]), QUICK);
    let id = stage.try_start("1", true).await.unwrap();
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Completed).await;
    assert_eq!(ended.summary, json!({ "sum": 10 }));
    assert_eq!(stage.world.written(), [""; 0], "a dry run changes nothing");
    let places = std::mem::take(&mut *told.lock().unwrap());
    let [first, second] = <[Place; 2]>::try_from(places).unwrap();
    assert_eq!((first.cursor, second.cursor), (None, Some(json!({ "후": [1, null] }))));
    assert_eq!((first.chunk, second.chunk, second.size), (0, 1, 7));
    let run = second.run;
    assert_eq!((run.execution, run.job, run.step, run.dry_run), (id, "count", "hears", true));
    assert_eq!(run.as_of, at("2026-03-01T00:00:00Z"));
    assert_eq!((run.parsed::<u32>("pages"), run.text("run"), run.text("none")), (Some(7), Some("1"), None));
    assert_eq!(run.summary.get("sum"), Some(&10));
}

#[tokio::test]
async fn the_log_tells_the_whole_story() {
    let stage = Stage::set().await;
    let instance = stage.instance(job(vec![stage.counting(15, 10)]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    stage.becomes(id, ExecutionStatus::Completed).await;
    let log = stage.log(id).await;
    assert!(log[1].starts_with("INFO taken up by batch/"), "{log:?}");
    assert_eq!(log[0], "INFO asked for by operator");
    assert_eq!(
        log[2..],
        [
            "INFO write: begun",
            "INFO write: complete: 15 read, 0 filtered, 15 written, 0 skipped in 2 chunks",
            "INFO COMPLETED",
        ]
    );
}
