//! Messages that come twice, or too soon.

use serde_json::json;

use super::learner::{number, ok};
use super::stack::Stack;
use super::turn::{message, whole};

/// The second waits for the answer to the first.
pub(super) async fn two_messages_in_quick_succession_are_two_turns(stack: &Stack) {
    let learner = stack.learner("quick").await;
    let room = learner.room().await;
    let mut stream = learner.stream(&room).await;
    for greeting in ["greeting_bot_message", "greeting_guide_message"] {
        stream.expect(greeting).await;
    }
    let first = learner.say(&room, "첫 번째예요").await;
    let second = learner.say(&room, "두 번째예요").await;
    assert_eq!((number(&first), number(&second)), (3, 5));
    let replies = [whole(&mut stream, &first).await, whole(&mut stream, &second).await];
    let [_, _, history @ ..] = &learner.history(&room).await[..] else { panic!("there is a history") };
    assert_eq!(history, [&first, &replies[0], &second, &replies[1]].map(Clone::clone));
}

pub(super) async fn a_message_that_is_sent_again_is_stored_and_answered_once(stack: &Stack) {
    let learner = stack.learner("again").await;
    let room = learner.room().await;
    let body = json!({ "content": "들었어요?", "clientMessageId": "tab-1:7" });
    // At once by two instances, and later by the third.
    let [one, two, three] = &stack.instances[..] else { panic!("three instances: {:?}", stack.instances) };
    let (first, second) =
        tokio::join!(ok(learner.at(one).sending(&room, &body)), ok(learner.at(two).sending(&room, &body)),);
    assert_eq!(first, second);
    learner.answered(&room, &first).await;
    assert_eq!(ok(learner.at(three).sending(&room, &body)).await, first);
    let alone = json!({ "content": "혼잣말이에요", "respond": false });
    let alone = ok(learner.sending(&room, &alone)).await;
    assert_eq!(number(&alone), 5, "there was one turn");
    let mut stream = learner.stream_after(&room, 4).await;
    assert_eq!(message(&mut stream).await, alone);
    let said = learner.say(&room, "이제 대답해 주세요").await;
    assert_eq!(number(&said), 6, "who is told not to does not answer");
}
