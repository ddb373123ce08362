//! Archives that jobs have made.

use contract::batch::{ArchiveList, path};
use http::StatusCode;
use serde_json::json;

use super::desk::{Desk, JOB, problem};

impl Desk {
    async fn archive(&self, month: i32) {
        sqlx::query(
            "insert into archive (
               id, job_name, path, period_start, period_end, part_count, row_count, byte_count, sha256,
               verified_at, created_at
             )
             values (
               gen_random_uuid(), $1, 'archives/messages/' || $2::int, make_timestamptz(2026, $2, 1, 0, 0, 0, 'UTC'),
               make_timestamptz(2026, $2 + 1, 1, 0, 0, 0, 'UTC'), 2, 20, 3000, sha256('x'),
               '2026-11-22T03:04:05Z', '2026-11-22T03:04:05Z'
             )",
        )
        .bind(JOB)
        .bind(month)
        .execute(&self.db)
        .await
        .unwrap();
    }

    async fn archives(&self, query: &str) -> ArchiveList {
        self.get(&format!("{}?{query}", path::ARCHIVES)).send().await.expect(StatusCode::OK).parsed()
    }
}

#[tokio::test]
async fn archives_are_listed_page_by_page() {
    let desk = Desk::idle().await;
    for month in 1..=3 {
        desk.archive(month).await;
    }
    let first = desk.archives("size=2").await;
    let rest = desk.archives(&format!("size=2&cursor={}", first.next_cursor.unwrap())).await;
    assert_eq!((first.content.len(), rest.content.len(), &rest.next_cursor), (2, 1, &None));
    let mut paths: Vec<_> = first.content.iter().chain(&rest.content).map(|archive| &*archive.path).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["archives/messages/1", "archives/messages/2", "archives/messages/3"]);
    let refused = desk.get(&format!("{}?cursor=x", path::ARCHIVES)).send().await;
    problem(refused, StatusCode::BAD_REQUEST, "E003");
}

#[tokio::test]
async fn an_archive_has_every_key() {
    let desk = Desk::idle().await;
    desk.archive(1).await;
    let shown = desk.ask(path::ARCHIVES).await;
    let archive = json!({
        "id": shown["content"][0]["id"],
        "job": "count",
        "executionId": null,
        "path": "archives/messages/1",
        "periodStart": "2026-01-01T00:00:00.000000Z",
        "periodEnd": "2026-02-01T00:00:00.000000Z",
        "parts": 2,
        "rows": 20,
        "bytes": 3000,
        "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        "verifiedAt": "2026-11-22T03:04:05.000000Z",
        "droppedAt": null,
        "createdAt": "2026-11-22T03:04:05.000000Z",
    });
    assert_eq!(shown, json!({ "content": [archive], "nextCursor": null }));
}
