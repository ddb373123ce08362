//! What the web client does with bookmarks: stars beside messages of a room, and the archive of all of them.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::learner::{FRIEND, Learner, ok, refused};
use super::stream::keys;

const BOOKMARKS: &str = "/api/store/bookmarks";

/// Bookmarks of one room.
pub(super) struct Archive {
    room: String,
    /// The newest one first.
    bookmarks: Vec<Value>,
}

/// Keeps the greeting and two answers, and changes its mind about one of them.
pub(super) async fn keeps_what_was_said(learner: &Learner, room: &Value, history: &[Value]) -> Archive {
    let id = room["id"].as_str().expect("an id").to_owned();
    let of_room = format!("{BOOKMARKS}/chatroom/{id}");
    assert_eq!(ok(learner.get(&of_room)).await, json!([]), "no star is lit yet");
    let mut bookmarks = Vec::new();
    for message in [&history[0], &history[3], &history[5]] {
        let sent = bookmark(learner, room, message);
        let kept = answered(saving(learner, &sent), StatusCode::CREATED).await;
        check(&kept, &sent, room);
        let again = answered(saving(learner, &sent), StatusCode::OK).await;
        assert_eq!(again, kept, "a star that is lit twice is one star");
        bookmarks.insert(0, kept);
    }
    assert_eq!(ok(learner.get(&of_room)).await, json!(bookmarks));

    let second = bookmarks.remove(1);
    deleted(learner.delete(&format!("{BOOKMARKS}/{}", text(&second["id"])))).await;
    assert_eq!(ok(learner.get(&of_room)).await, json!(bookmarks));
    refused(learner.delete(&format!("{BOOKMARKS}/{}", text(&second["id"]))), 404, "E002").await;
    // The star is lit again.
    let sent = bookmark(learner, room, &history[3]);
    let anew = answered(saving(learner, &sent), StatusCode::CREATED).await;
    assert_ne!(anew["id"], second["id"]);
    bookmarks.insert(0, anew);
    Archive { room: id, bookmarks }
}

impl Archive {
    pub(super) async fn outlives_the_room_until_it_is_emptied(&self, learner: &Learner, stranger: &Learner) {
        assert!(ok(learner.get(&format!("{BOOKMARKS}/chatroom/{}", self.room))).await.is_array());
        let mut last_id = String::new();
        for (nth, bookmark) in self.bookmarks.iter().enumerate() {
            let page = ok(learner.get(&format!("{BOOKMARKS}/cursor?lastId={last_id}&size=1"))).await;
            assert_eq!(page["content"], json!([bookmark]), "by scrolling, one after the other");
            assert_eq!(page["last"], nth + 1 == self.bookmarks.len());
            text(&bookmark["id"]).clone_into(&mut last_id);
        }

        let theirs = answered(
            saving(
                stranger,
                &json!({ "messageId": learner.id, "chatroomId": self.room,
            "chatbotId": FRIEND, "content": "엿들은 말", "aiResponse": null }),
            ),
            StatusCode::CREATED,
        )
        .await;
        assert_eq!(theirs["chatroomName"], Value::Null, "a stranger does not learn what the room is called");
        assert_eq!(theirs["aiResponse"], json!({}));
        refused(learner.delete(&format!("{BOOKMARKS}/{}", text(&theirs["id"]))), 403, "A003").await;
        let every: Vec<_> = self.bookmarks.iter().chain([&theirs]).map(|bookmark| &bookmark["id"]).collect();
        deleted(learner.delete(BOOKMARKS).json(&every)).await;
        for query in ["?size=20", &format!("?lastId={last_id}&size=20")] {
            let page = ok(learner.get(&format!("{BOOKMARKS}/cursor{query}"))).await;
            assert_eq!((&page["content"], &page["last"]), (&json!([]), &json!(true)), "{query}");
        }
        let page = ok(stranger.get(&format!("{BOOKMARKS}/cursor?size=20"))).await;
        assert_eq!(page["content"], json!([theirs]), "what was somebody else's is still there");
    }
}

/// What the web client makes of a message that it shows.
fn bookmark(learner: &Learner, room: &Value, message: &Value) -> Value {
    let analysis = &message["metadata"]["userMessageAnalysis"]["intimacy"];
    let words = message["metadata"]["botResponseAnalysis"]["vocabulary"]["words"].as_array();
    let vocabulary: Vec<_> = words
        .into_iter()
        .flatten()
        .map(|word| {
            let context = &word["context"];
            json!({
                "word": word["word"], "pronunciation": context["roma"], "explanation": context["en"],
                "korExplanation": context["ko"],
            })
        })
        .collect();
    json!({
        "userId": learner.id, "messageId": message["id"], "chatroomId": room["id"], "chatbotId": room["chatbotId"],
        "content": message["content"], "correctedContent": analysis["correctedSentence"],
        "aiResponse": {
            "vocabulary": vocabulary, "intimacyLevel": analysis["detectedLevel"],
            "description": analysis["feedback"]["en"], "corrections": [analysis["corrections"]],
        },
    })
}

fn check(kept: &Value, sent: &Value, room: &Value) {
    let all = [
        "aiResponse",
        "botType",
        "chatroomId",
        "chatroomName",
        "content",
        "correctedContent",
        "createdAt",
        "id",
        "messageId",
    ];
    assert_eq!(keys(kept), all);
    for key in ["messageId", "chatroomId", "content", "correctedContent", "aiResponse"] {
        assert_eq!(kept[key], sent[key], "{key}");
    }
    assert_eq!((&kept["botType"], &kept["chatroomName"]), (&json!("friend"), &room["name"]));
}

fn saving(learner: &Learner, bookmark: &Value) -> RequestBuilder {
    learner.post(BOOKMARKS).json(bookmark)
}

async fn answered(request: RequestBuilder, status: StatusCode) -> Value {
    let response = request.send().await.expect("an answer");
    let (found, body) = (response.status(), response.text().await.expect("a whole answer"));
    assert_eq!(found, status, "{body}");
    serde_json::from_str(&body).unwrap_or_else(|_| panic!("this is no JSON: {body}"))
}

async fn deleted(request: RequestBuilder) {
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
