//! Rooms that were left long ago go, each counted once.

use batch::jobs::chatroom_cleanup::{self, NAME};
use contract::batch::ExecutionStatus;

use super::chat::{Chat, step};
use super::instance::Ground;

const DAYS: (&str, &str) = ("leftDays", "30");

impl Chat {
    /// 250 rooms that were left 31 to 280 days ago, and 10 yesterday; 2 messages each.
    async fn with_left_rooms() -> Self {
        let chat = Self::start().await;
        chat.run(
            "insert into chatbot (id, name, bot_type, concept, description)
             values ('22222222-2222-2222-2222-222222222221', '하루', 'friend', 'FRIEND', '');
             insert into chat_room (id, user_id, chatbot_id, name, concept, intimacy_level, deleted_at)
             select md5('r' || n)::uuid, md5('u' || n)::uuid, '22222222-2222-2222-2222-222222222221', '방', 'FRIEND', 2,
               now() - interval '1 day' * case when n <= 250 then n + 30 else 1 end
             from generate_series(1, 260) n;
             insert into message (room_id, seq, id, sender_type, content)
             select id, seq, gen_random_uuid(), 'system', '말' from chat_room, generate_series(1, 2) seq",
        )
        .await;
        chat
    }

    async fn rooms(&self) -> i64 {
        self.count("select count(*) from chat_room").await
    }
}

#[tokio::test]
async fn rooms_that_were_left_long_ago_are_removed_and_reported() {
    let (ground, chat) = (Ground::new().await, Chat::with_left_rooms().await);
    let platform = chat.platform();
    let _runner = ground.runner(&platform, chatroom_cleanup::job(&chat.means(&ground)));
    let ended = ground.ended(ground.begin(NAME, &[DAYS], false).await).await;
    assert_eq!((ended.status, &*ended.message), (ExecutionStatus::Completed, ""));
    assert_eq!((ended.summary["rooms"], ended.summary["messages"]), (250, 500));
    assert_eq!((chat.rooms().await, chat.count("select count(*) from message").await), (10, 20));
    assert_eq!(ground.table("reports/chatroom-cleanup").await.lines().count(), 251);
}

#[tokio::test]
async fn a_chunk_that_is_done_twice_is_counted_once() {
    let (ground, chat) = (Ground::new().await, Chat::with_left_rooms().await);
    let run = ground.instance(NAME, &[DAYS]).await;
    let job = chatroom_cleanup::job(&chat.means(&ground));
    ground.work(&run, step(&job, "purge"), 2).await.unwrap();
    let rows: i64 = sqlx::query_scalar("select count(distinct content ->> 'room') from report_row")
        .fetch_one(&ground.pool)
        .await
        .unwrap();
    assert_eq!((rows, chat.rooms().await), (250, 10), "the second answer was that of the first");
}

#[tokio::test]
async fn a_dry_run_lists_rooms_and_removes_none() {
    let (ground, chat) = (Ground::new().await, Chat::with_left_rooms().await);
    let platform = chat.platform();
    let _runner = ground.runner(&platform, chatroom_cleanup::job(&chat.means(&ground)));
    let ended = ground.ended(ground.begin(NAME, &[DAYS], true).await).await;
    assert_eq!((ended.status, ended.summary["rooms"]), (ExecutionStatus::Completed, 250), "{ended:?}");
    assert_eq!((chat.rooms().await, chat.count("select count(*) from message").await), (260, 520));
}

#[tokio::test]
async fn days_that_are_none_fail_at_once() {
    let (ground, chat) = (Ground::new().await, Chat::with_left_rooms().await);
    let job = chatroom_cleanup::job(&chat.means(&ground));
    for days in ["0", "-1", "x", "99999999999999"] {
        let run = ground.instance(NAME, &[("leftDays", days)]).await;
        let fault = ground.work(&run, step(&job, "purge"), 1).await.unwrap_err();
        assert!(fault.to_string().contains("leftDays must be"), "{days}: {fault}");
    }
    assert_eq!(chat.rooms().await, 260);
}
