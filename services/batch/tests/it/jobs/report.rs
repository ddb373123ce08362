//! Reports: what chunks found, in an order of its own, for people and for spreadsheets.

use std::sync::Arc;

use batch::engine::work::Run;
use batch::engine::{Effect, NewReport, Reporting};
use contract::batch::ReportBody;
use serde_json::{Value, json};

use super::instance::{Ground, done, first, period, summary};

impl Ground {
    fn reporting(&self) -> Reporting {
        let (db, objects) = (self.pool.clone(), self.objects.clone());
        Reporting { db, objects, columns: &["room", "messages", "note"], period }
    }

    async fn report(&self, run: &Run) -> NewReport {
        let chunk = done(&self.reporting(), &first(run)).await;
        assert_eq!(chunk.next, None);
        match &chunk.effects[..] {
            [Effect::Report(report)] => report.clone(),
            effects => panic!("{effects:?}"),
        }
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(path)).unwrap()
    }
}

fn row(room: &str, messages: i64, note: &str) -> Value {
    json!({ "note": note, "messages": messages, "room": room, "internal": true })
}

#[tokio::test]
async fn a_report_says_what_was_found_in_the_order_of_its_columns() {
    let ground = Ground::new().await;
    let mut run = ground.instance("chatroom-cleanup", &[("leftDays", "30")]).await;
    run.summary = Arc::new(summary(&[("rooms", 3)]));
    ground.add_rows(&run, &[row("b", 10, "=1+1"), row("b", 9, "say \"hi\""), row("a", -7, "한글, 글")]).await;
    let other = ground.instance("chatroom-cleanup", &[]).await;
    ground.add_rows(&other, &[row("c", 1, "of another instance")]).await;

    let report = ground.report(&run).await;
    assert_eq!((report.row_count, &report.summary), (3, &summary(&[("rooms", 3)])));
    assert_eq!(report.json_path, format!("reports/chatroom-cleanup/{}.json", run.instance));
    assert_eq!(
        ground.text(&report.csv_path),
        "room,messages,note\r\na,-7,\"한글, 글\"\r\nb,9,\"say \"\"hi\"\"\"\r\nb,10,'=1+1\r\n"
    );
    let body: ReportBody = serde_json::from_str(&ground.text(&report.json_path)).unwrap();
    let (start, end) = period(&run);
    assert_eq!((body.period_start, body.period_end), (start, end));
    assert_eq!(body.parameters["leftDays"], "30");
    assert_eq!(body.rows[0], json!({ "room": "a", "messages": -7, "note": "한글, 글" }));
    assert!(!body.truncated);
}

#[tokio::test]
async fn the_same_facts_make_the_same_bytes_whoever_was_faster() {
    let ground = Ground::new().await;
    let rows = [row("a", 1, "x"), row("a", 2, "y"), row("b", 1, "z")];
    let mut texts = Vec::new();
    for order in [[0, 1, 2], [2, 0, 1]] {
        let run = ground.instance("chatroom-cleanup", &[]).await;
        ground.add_rows(&run, &order.map(|index| rows[index].clone())).await;
        let report = ground.report(&run).await;
        assert_eq!(ground.report(&run).await, report, "the step may be done twice");
        texts.push([ground.text(&report.json_path), ground.text(&report.csv_path)]);
    }
    assert_eq!(texts[0], texts[1]);
}

#[tokio::test]
async fn a_dry_run_has_a_report_beside_the_real_ones() {
    let ground = Ground::new().await;
    let mut run = ground.instance("chatroom-cleanup", &[]).await;
    run.dry_run = true;
    let report = ground.report(&run).await;
    assert_eq!(report.json_path, format!("reports/chatroom-cleanup/dry-run/{}.json", run.instance));
    assert_eq!(ground.text(&report.csv_path), "room,messages,note\r\n", "nothing was found");
}

#[tokio::test]
async fn a_report_that_nobody_would_read_to_its_end_is_cut() {
    let ground = Ground::new().await;
    let run = ground.instance("chatroom-cleanup", &[]).await;
    sqlx::query(
        "insert into report_row (instance_id, content)
         select $1, jsonb_build_object('room', lpad((n % 10001)::text, 5, '0'), 'messages', n)
         from generate_series(0, 10000) n
         order by random()",
    )
    .bind(run.instance.as_uuid())
    .execute(&ground.pool)
    .await
    .unwrap();
    let report = ground.report(&run).await;
    let body: ReportBody = serde_json::from_str(&ground.text(&report.json_path)).unwrap();
    assert!(body.truncated);
    assert_eq!((report.row_count, body.rows.len()), (10_000, 10_000));
    assert_eq!(body.rows[9_999]["room"], "09999", "the first in order are there");
    assert_eq!(ground.text(&report.csv_path).lines().count(), 10_001);
}
