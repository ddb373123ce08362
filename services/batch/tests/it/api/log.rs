//! What was written down about an execution.

use contract::batch::{LogLevel, LogList, path};
use contract::id::ExecutionId;
use http::StatusCode;
use serde_json::json;

use super::desk::{Desk, problem};

impl Desk {
    async fn log(&self, id: ExecutionId, query: &str) -> LogList {
        self.get(&format!("{}?{query}", path::logs(id))).send().await.expect(StatusCode::OK).parsed()
    }

    async fn note(&self, id: ExecutionId, message: &str) {
        let insert =
            "insert into log (execution_id, step_name, level, message) values ($1, 'write', 'WARN', $2)";
        sqlx::query(insert).bind(id.as_uuid()).bind(message).execute(&self.db).await.unwrap();
    }
}

#[tokio::test]
async fn lines_are_read_behind_the_last_one() {
    let desk = Desk::idle().await;
    let (id, other) = (desk.run().await, desk.run().await);
    for number in 0..4 {
        desk.note(id, &format!("line {number}")).await;
        desk.note(other, "of another").await;
    }
    // One line says who asked for it.
    let all = desk.log(id, "").await;
    assert_eq!((all.content.len(), all.next_after), (5, None));
    assert!(all.content[0].message.starts_with("asked for by user:"), "{all:?}");
    let last = &all.content[4];
    assert_eq!((last.level, last.step.as_deref(), &*last.message), (LogLevel::Warn, Some("write"), "line 3"));
    let first = desk.log(id, "size=2").await;
    assert_eq!(first.next_after, Some(first.content[1].id));
    let second = desk.log(id, &format!("size=3&after={}", first.content[1].id)).await;
    assert_eq!((second.content.len(), second.next_after), (3, None));
    let nothing = desk.log(id, &format!("after={}", last.id)).await;
    assert_eq!((nothing.content, nothing.next_after), (vec![], None));
    desk.note(id, "line 4").await;
    let news = desk.log(id, &format!("after={}", last.id)).await;
    assert_eq!(news.content[0].message, "line 4");
}

#[tokio::test]
async fn a_line_has_every_key() {
    let desk = Desk::idle().await;
    let id = desk.run().await;
    sqlx::query("update log set created_at = '2026-11-22T03:04:05.678901Z', message = 'm'")
        .execute(&desk.db)
        .await
        .unwrap();
    let shown = desk.ask(&path::logs(id)).await;
    let line = json!({
        "id": shown["content"][0]["id"],
        "time": "2026-11-22T03:04:05.678901Z",
        "level": "INFO",
        "step": null,
        "message": "m",
    });
    assert_eq!(shown, json!({ "content": [line], "nextAfter": null }));
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused() {
    let desk = Desk::idle().await;
    let id = desk.run().await;
    for query in ["after=x", "size=x", "cursor=1"] {
        let refused = desk.get(&format!("{}?{query}", path::logs(id))).send().await;
        problem(refused, StatusCode::BAD_REQUEST, "E002");
    }
    let none = desk.get(&path::logs(chassis::fresh_id())).send().await;
    problem(none, StatusCode::NOT_FOUND, "E002");
}
