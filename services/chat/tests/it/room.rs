//! Rooms through the router.

use chat::domain::bot::Bot;
use chat::responder::canned_opening;
use contract::chat::{Concept, Level, Message, Room, SenderType};
use contract::id::BotId;
use contract::response::Page;
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::TestDb;
use uuid::Uuid;

use crate::learner::{Chat, bot};

#[tokio::test]
async fn a_new_room_begins_with_a_greeting_and_a_guide() {
    let db = TestDb::new("chat_db").await;
    let (chat, bot) = (Chat::new(&db), bot(&db.pool(), 1).await);
    let learner = chat.learner();
    let body = json!({ "chatbotId": bot, "concept": "Friend", "intimacyLevel": 2.6, "userId": "" });
    let room: Room = learner.post("/api/chat/chatrooms", &body).send().await.expect(StatusCode::OK).parsed();
    assert_eq!((room.user_id, room.chatbot_id, room.intimacy_level), (learner.id, bot, 3));
    assert_eq!(room.name, "다정한 이음과의 대화");
    let page = learner.history(room.id, "?page=0&size=50").await;
    let [greeting, guide] = &page.content[..] else { panic!("{page:?}") };
    assert_eq!((greeting.sequence_number, greeting.sender_type), (1, SenderType::Bot));
    assert_eq!((guide.sequence_number, guide.sender_type), (2, SenderType::System));
    assert!(greeting.metadata.is_none() && guide.metadata.is_none());
    assert_eq!(room.last_message_id, Some(guide.id));
    assert!(page.last);
    let raw = learner.get(&format!("/api/chat/chatrooms/{}/messages", room.id)).send().await.json();
    assert_eq!(raw["content"][0].get("metadata"), Some(&Value::Null), "there, and null");
}

#[tokio::test]
async fn a_room_is_greeted_in_the_part_that_was_asked_for() {
    let db = TestDb::new("chat_db").await;
    let (chat, id) = (Chat::new(&db), bot(&db.pool(), 1).await);
    let learner = chat.learner();
    let body = json!({ "chatbotId": id, "concept": "SENIOR", "intimacyLevel": 2 });
    let room: Room = learner.post("/api/chat/chatrooms", &body).send().await.expect(StatusCode::OK).parsed();
    let opening = |concept| canned_opening(&Bot { id, name: String::new(), concept }, Level::Polite);
    let page = learner.history(room.id, "").await;
    assert_ne!(opening(Concept::Senior).greeting, opening(Concept::Friend).greeting);
    assert_eq!(page.content[0].content, opening(Concept::Senior).greeting);
    assert_eq!(page.content[1].content, opening(Concept::Senior).guide);
}

#[tokio::test]
async fn entering_again_gives_the_same_room_with_the_new_concept_and_level() {
    let db = TestDb::new("chat_db").await;
    let (chat, bot) = (Chat::new(&db), bot(&db.pool(), 2).await);
    let learner = chat.learner();
    let first = learner.enter(bot).await;
    let body = json!({ "chatbotId": bot, "concept": "BOSS", "intimacyLevel": -4 });
    let second: Room = learner.post("/api/chat/rooms", &body).send().await.expect(StatusCode::OK).parsed();
    assert_eq!(second.id, first.id);
    assert_eq!((second.concept.as_str(), second.intimacy_level), ("BOSS", 1));
    assert_eq!(learner.history(first.id, "").await.content.len(), 2, "no second greeting");
}

#[tokio::test]
async fn many_who_enter_at_once_get_one_room_and_one_greeting() {
    let db = TestDb::new("chat_db").await;
    let (chat, bot) = (Chat::new(&db), bot(&db.pool(), 1).await);
    let (learner, other) = (chat.learner(), Chat::new(&db));
    let there = learner.at(&other);
    let rooms = join_all((0..20).map(|n| if n % 2 == 0 { learner.enter(bot) } else { there.enter(bot) }));
    let mut ids: Vec<_> = rooms.await.into_iter().map(|room| room.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(learner.history(ids[0], "").await.content.len(), 2);
}

#[tokio::test]
async fn a_left_room_is_gone_but_remembered() {
    let db = TestDb::new("chat_db").await;
    let (chat, bot) = (Chat::new(&db), bot(&db.pool(), 1).await);
    let learner = chat.learner();
    let room = learner.enter(bot).await;
    let said = learner.note(room.id, "안녕").await;
    let leave = || chat.app.post(&format!("/api/chat/chatrooms/{}/leave", room.id)).bearer(&learner.token);
    for _ in 0..2 {
        let _ = leave().send().await.expect(StatusCode::NO_CONTENT);
    }
    let path = format!("/api/chat/chatrooms/{}", room.id);
    let gone = learner.get(&path).send().await.expect(StatusCode::NOT_FOUND).json();
    assert_eq!(gone["errorCode"], "C001");
    let _ = learner.say(room.id, &json!({ "content": "?" })).send().await.expect(StatusCode::NOT_FOUND);
    let last = "/api/chat/chatrooms/last-interactions?limit=4";
    let items = learner.get(last).send().await.expect(StatusCode::OK).json();
    assert_eq!(items.as_array().unwrap().len(), 1);
    assert_eq!(items[0]["lastRoomId"], json!(room.id));
    assert_eq!(items[0]["lastInteractionAt"], json!(contract::time::format(said.created_at)));
    let next = learner.enter(bot).await;
    assert_ne!(next.id, room.id);
}

#[tokio::test]
async fn last_interactions_have_one_item_for_each_bot_the_newest_first() {
    let db = TestDb::new("chat_db").await;
    let chat = Chat::new(&db);
    let learner = chat.learner();
    let none = learner.get("/api/chat/chatrooms/last-interactions").send().await;
    assert_eq!(none.expect(StatusCode::OK).json(), json!([]));
    let mut rooms = Vec::new();
    for digit in 1..=3 {
        rooms.push(learner.enter(bot(&db.pool(), digit).await).await);
    }
    learner.note(rooms[0].id, "다시 왔어").await;
    let path = format!("/api/chat/chatrooms/last-interactions?userId={}", learner.id);
    let items = learner.get(&path).send().await.expect(StatusCode::OK).json();
    let order: Vec<_> = items.as_array().unwrap().iter().map(|item| item["lastRoomId"].clone()).collect();
    assert_eq!(order, [json!(rooms[0].id), json!(rooms[2].id), json!(rooms[1].id)]);
    let foreign = format!("/api/chat/chatrooms/last-interactions?userId={}", Uuid::now_v7());
    let _ = learner.get(&foreign).send().await.expect(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn rooms_are_listed_with_the_newest_activity_first() {
    let db = TestDb::new("chat_db").await;
    let chat = Chat::new(&db);
    let learner = chat.learner();
    let mut ids = Vec::new();
    for digit in 1..=4 {
        ids.push(learner.enter(bot(&db.pool(), digit).await).await.id);
    }
    learner.note(ids[1], "여기").await;
    let page: Page<Room> = learner.get("/api/chat/chatrooms?page=0&size=3").send().await.parsed();
    let listed: Vec<_> = page.content.iter().map(|room| room.id).collect();
    assert_eq!(listed, [ids[1], ids[3], ids[2]]);
    assert_eq!((page.total_elements, page.total_pages, page.last), (4, 2, false));
    let all: Vec<Room> = learner.get("/api/chat/chatrooms/all").send().await.parsed();
    assert_eq!(all.len(), 4);
    let stranger: Page<Room> = chat.learner().get("/api/chat/chatrooms").send().await.parsed();
    assert!(stranger.empty);
}

#[tokio::test]
async fn a_room_is_renamed_described_archived_and_its_level_set() {
    let db = TestDb::new("chat_db").await;
    let (chat, bot) = (Chat::new(&db), bot(&db.pool(), 1).await);
    let learner = chat.learner();
    let id = learner.enter(bot).await.id;
    let path = format!("/api/chat/rooms/{id}");
    let change = json!({ "name": " 우리 방 ", "description": "매일", "archived": true });
    let room: Room = learner.patch(&path, &change).send().await.expect(StatusCode::OK).parsed();
    assert_eq!((room.name.as_str(), room.description.as_deref()), ("우리 방", Some("매일")));
    assert!(room.is_archived);
    let change = json!({ "description": "", "archived": false });
    let room: Room = learner.patch(&path, &change).send().await.expect(StatusCode::OK).parsed();
    assert_eq!((room.name.as_str(), room.description, room.is_archived), ("우리 방", None, false));
    for wrong in [json!({ "name": "" }), json!({ "colour": "red" }), json!({ "archived": "yes" })] {
        let _ = learner.patch(&path, &wrong).send().await.expect(StatusCode::BAD_REQUEST);
    }
    let level = format!("/api/chat/chatrooms/{id}/intimacy");
    let set = learner.patch(&level, &json!({ "intimacyLevel": 2.7 })).send().await.expect(StatusCode::OK);
    assert_eq!((&set.json()["success"], &set.json()["intimacyLevel"]), (&json!(true), &json!(3)));
    let _ = learner.patch(&level, &json!({})).send().await.expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_strangers_room_is_closed_and_an_unknown_one_not_found() {
    let db = TestDb::new("chat_db").await;
    let (chat, bot) = (Chat::new(&db), bot(&db.pool(), 1).await);
    let room = chat.learner().enter(bot).await;
    let stranger = chat.learner();
    let routes = |id: &str| {
        let room = format!("/api/chat/chatrooms/{id}");
        [
            stranger.get(&room),
            stranger.get(&format!("{room}/messages")),
            stranger.post(&format!("{room}/messages"), &json!({ "content": "안녕" })),
            stranger.post(&format!("{room}/leave"), &json!({})),
            stranger.patch(&format!("{room}/intimacy"), &json!({ "intimacyLevel": 1 })),
            stranger.patch(&format!("/api/chat/rooms/{id}"), &json!({ "name": "내 방" })),
        ]
    };
    for request in routes(&room.id.to_string()) {
        let answer = request.send().await;
        assert_eq!((answer.status, &answer.json()["errorCode"]), (StatusCode::FORBIDDEN, &json!("A003")));
    }
    for request in routes(&Uuid::now_v7().to_string()) {
        let answer = request.send().await;
        assert_eq!((answer.status, &answer.json()["errorCode"]), (StatusCode::NOT_FOUND, &json!("C001")));
    }
    let _ = chat.app.get("/api/chat/chatrooms").send().await.expect(StatusCode::UNAUTHORIZED);
    let _ = stranger.get("/api/chat/chatrooms/not-an-id").send().await.expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_entry_that_makes_no_sense_is_refused() {
    let db = TestDb::new("chat_db").await;
    let (chat, bot) = (Chat::new(&db), bot(&db.pool(), 1).await);
    let learner = chat.learner();
    for (body, status) in [
        (json!({ "concept": "FRIEND" }), StatusCode::BAD_REQUEST),
        (json!({ "chatbotId": "", "concept": "FRIEND" }), StatusCode::BAD_REQUEST),
        (json!({ "chatbotId": bot }), StatusCode::BAD_REQUEST),
        (json!({ "chatbotId": bot, "concept": "ENEMY" }), StatusCode::BAD_REQUEST),
        (json!({ "chatbotId": bot, "concept": "FRIEND", "intimacyLevel": "high" }), StatusCode::BAD_REQUEST),
        (json!({ "chatbotId": bot, "concept": "FRIEND", "name": "가".repeat(101) }), StatusCode::BAD_REQUEST),
        (json!({ "chatbotId": bot, "concept": "FRIEND", "userId": Uuid::now_v7() }), StatusCode::FORBIDDEN),
        (json!({ "chatbotId": Uuid::now_v7(), "concept": "FRIEND" }), StatusCode::NOT_FOUND),
    ] {
        let answer = learner.post("/api/chat/chatrooms", &body).send().await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    let known: BotId = bot;
    let extra = json!({ "chatbotId": known, "concept": "friend", "theme": "dark", "userId": learner.id });
    let _ = learner.post("/api/chat/chatrooms", &extra).send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn history_is_read_by_page_and_by_number() {
    let db = TestDb::new("chat_db").await;
    let (chat, bot) = (Chat::new(&db), bot(&db.pool(), 1).await);
    let learner = chat.learner();
    let room = learner.enter(bot).await.id;
    for n in 3..=9 {
        learner.note(room, &format!("말 {n}")).await;
    }
    let numbers = |page: &Page<Message>| page.content.iter().map(|m| m.sequence_number).collect::<Vec<_>>();
    let newest = learner.history(room, "?page=0&size=4").await;
    assert_eq!((numbers(&newest), newest.last, newest.total_elements), (vec![6, 7, 8, 9], false, 9));
    let oldest = learner.history(room, "?page=2&size=4").await;
    assert_eq!((numbers(&oldest), oldest.last), (vec![1], true));
    let after = learner.history(room, "?after=5&limit=2").await;
    assert_eq!((numbers(&after), after.last), (vec![6, 7], false));
    assert!(learner.history(room, "?after=9").await.empty);
    assert_eq!(learner.history(room, "?size=1000").await.size, 100);
    let path = format!("/api/chat/chatrooms/{room}/messages?page=-1");
    let _ = learner.get(&path).send().await.expect(StatusCode::BAD_REQUEST);
}
