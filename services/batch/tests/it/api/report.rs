//! Reports, in the form that the caller takes.

use contract::batch::{Execution, ReportList, path};
use contract::id::ReportId;
use http::{StatusCode, header};
use serde_json::json;
use testkit::TestResponse;

use super::desk::{Desk, JOB, STRICT, problem};

const JSON: &str = "{\"job\":\"count\"}\n";
const CSV: &str = "id,name\r\n1,하나\r\n";

impl Desk {
    /// About a day of November 2026.
    async fn report(&self, job: &str, day: i32) -> ReportId {
        self.report_of(job, day, false).await
    }

    async fn report_of(&self, job: &str, day: i32, dry_run: bool) -> ReportId {
        let body = json!({ "parameters": { "day": format!("2026-11-{day:02}") }, "dryRun": dry_run });
        let request = self.post(&path::trigger(job)).json(&body);
        let execution: Execution = request.send().await.expect(StatusCode::ACCEPTED).parsed();
        let id: ReportId = chassis::fresh_id();
        for (form, content) in [("json", JSON), ("csv", CSV)] {
            let directory = self.objects.path().join("reports").join(job);
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(directory.join(format!("{id}.{form}")), content).unwrap();
        }
        sqlx::query(
            "insert into report (
               id, job_name, execution_id, instance_id, dry_run, period_start, period_end, summary, row_count,
               json_path, csv_path, created_at
             )
             select
               $1, $2, id, instance_id, dry_run, make_timestamptz(2026, 11, $3, 0, 0, 0, 'UTC'),
               make_timestamptz(2026, 11, $3 + 1, 0, 0, 0, 'UTC'), '{\"rows\": 1}', 1,
               'reports/' || $2 || '/' || $1 || '.json', 'reports/' || $2 || '/' || $1 || '.csv',
               '2026-11-22T03:04:05Z'
             from execution
             where id = $4",
        )
        .bind(id.as_uuid())
        .bind(job)
        .bind(day)
        .bind(execution.id.as_uuid())
        .execute(&self.db)
        .await
        .unwrap();
        id
    }

    async fn reports(&self, query: &str) -> Vec<ReportId> {
        let path = format!("{}?{query}", path::REPORTS);
        let page: ReportList = self.get(&path).send().await.expect(StatusCode::OK).parsed();
        page.content.iter().map(|report| report.id).collect()
    }

    async fn in_form(&self, id: ReportId, accept: &str) -> TestResponse {
        self.get(&path::report(id)).header(header::ACCEPT, accept).send().await
    }
}

#[tokio::test]
async fn reports_are_listed_by_what_they_are_about() {
    let desk = Desk::idle().await;
    // Not in the order in which they are made.
    let (second, first) = (desk.report(JOB, 2).await, desk.report(JOB, 1).await);
    let (third, strict) = (desk.report(JOB, 3).await, desk.report(STRICT, 4).await);
    assert_eq!(desk.reports("").await, [strict, third, second, first]);
    assert_eq!(desk.reports(&format!("job={JOB}")).await, [third, second, first]);
    assert_eq!(desk.reports("from=2026-11-03").await, [strict, third]);
    assert_eq!(desk.reports("from=2026-11-03T00:00:00Z").await, [strict, third]);
    assert_eq!(desk.reports("from=2026-11-03T00:00:01Z").await, [strict]);
    assert_eq!(desk.reports(&format!("from=2026-11-03&job={JOB}")).await, [third]);
    let dry = desk.report_of(JOB, 9, true).await;
    assert_eq!(desk.reports("").await, [strict, third, second, first], "real ones only");
    assert_eq!(desk.reports("dryRun=true").await, [dry]);
    let page: ReportList = desk.get(&format!("{}?size=3", path::REPORTS)).send().await.parsed();
    let cursor = page.next_cursor.unwrap();
    // What comes meanwhile does not move what is behind.
    desk.report(JOB, 5).await;
    assert_eq!(desk.reports(&format!("size=3&cursor={cursor}")).await, [first]);
    for (query, code) in [("from=yesterday", "E003"), ("cursor=x", "E003"), ("to=2026-11-22", "E002")] {
        let refused = desk.get(&format!("{}?{query}", path::REPORTS)).send().await;
        problem(refused, StatusCode::BAD_REQUEST, code);
    }
}

#[tokio::test]
async fn a_report_in_a_list_has_every_key() {
    let desk = Desk::idle().await;
    let id = desk.report(JOB, 1).await;
    let shown = desk.ask(path::REPORTS).await;
    let report = json!({
        "id": id,
        "job": "count",
        "executionId": shown["content"][0]["executionId"],
        "dryRun": false,
        "periodStart": "2026-11-01T00:00:00.000000Z",
        "periodEnd": "2026-11-02T00:00:00.000000Z",
        "summary": { "rows": 1 },
        "rowCount": 1,
        "createdAt": "2026-11-22T03:04:05.000000Z",
    });
    assert_eq!(shown, json!({ "content": [report], "nextCursor": null }));
    assert!(shown["content"][0]["executionId"].is_string());
}

#[tokio::test]
async fn a_report_comes_as_json_or_as_a_table() {
    let desk = Desk::idle().await;
    let id = desk.report(JOB, 1).await;
    let plain = desk.get(&path::report(id)).send().await;
    for (answer, kind, content, name) in [
        (plain, "application/json", JSON, "json"),
        (desk.in_form(id, "*/*").await, "application/json", JSON, "json"),
        (desk.in_form(id, "text/csv").await, "text/csv; charset=utf-8", CSV, "csv"),
        (
            desk.in_form(id, "application/json;q=0.3, text/*;q=0.9").await,
            "text/csv; charset=utf-8",
            CSV,
            "csv",
        ),
    ] {
        let answer = answer.expect(StatusCode::OK);
        assert_eq!((answer.header("content-type"), answer.text()), (Some(kind), content.to_owned()));
        let file = format!("inline; filename=\"count-{id}.{name}\"");
        assert_eq!(answer.header("content-disposition"), Some(&*file));
        assert!(varies(&answer));
    }
    let refused = desk.in_form(id, "text/html, application/xml;q=0.9").await;
    assert!(varies(&refused));
    problem(refused, StatusCode::NOT_ACCEPTABLE, "E002");
}

fn varies(answer: &TestResponse) -> bool {
    answer.headers.get_all(header::VARY).iter().any(|vary| vary.as_bytes().eq_ignore_ascii_case(b"accept"))
}

#[tokio::test]
async fn a_report_that_there_is_not_or_no_more_is_404() {
    let desk = Desk::idle().await;
    let none = desk.get(&path::report(chassis::fresh_id())).send().await;
    problem(none, StatusCode::NOT_FOUND, "E002");
    let id = desk.report(JOB, 1).await;
    std::fs::remove_dir_all(desk.objects.path().join("reports")).unwrap();
    let gone = desk.in_form(id, "text/csv").await;
    problem(gone, StatusCode::NOT_FOUND, "E002");
}
