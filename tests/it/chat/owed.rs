//! Turns whose stream was not there, or not for long enough.

use super::learner::{Learner, number};
use super::stack::Stack;
use super::stream::Stream;
use super::turn::{Turn, message, whole};

/// Nobody listens while the bot answers.
pub(super) async fn a_stream_that_opens_late_gets_the_whole_turn(stack: &Stack) {
    let learner = stack.learner("late").await;
    let room = learner.room().await;
    let said = learner.say(&room, "조금 늦었어요").await;
    learner.answered(&room, &said).await;
    let (mut stream, last) = Stream::ready(learner.stream_of(&room)).await;
    assert_eq!(last, number(&said) + 1, "the answer is stored");
    let turn = Turn::read(&mut stream).await;
    stack.all_delivered(&room);
    nothing_is_owed(&learner, &room, &mut learner.stream(&room).await).await;
    turn.assert_answers(&said, &learner.history(&room).await[3]);
    // It is still there, and has missed nothing of the second turn.
    message(&mut stream).await;
    Turn::read(&mut stream).await;
}

/// A reload shows the answer: no stream has to bring it again.
pub(super) async fn history_brings_what_no_stream_did(stack: &Stack) {
    let learner = stack.learner("reader").await;
    let room = learner.room().await;
    let said = learner.say(&room, "나중에 읽을게요").await;
    learner.answered(&room, &said).await;
    assert_eq!(learner.history(&room).await.len(), 4);
    stack.all_delivered(&room);
    nothing_is_owed(&learner, &room, &mut learner.stream(&room).await).await;
}

/// The next thing that the stream brings is the next message.
async fn nothing_is_owed(learner: &Learner, room: &str, stream: &mut Stream) {
    let said = learner.say(room, "다시 왔어요").await;
    whole(stream, &said).await;
}

/// A connection that breaks between the first of the three events and the last, for each way to come back.
pub(super) async fn a_turn_that_was_cut_comes_again_as_a_whole(stack: &Stack) {
    let gateway = stack.gateway();
    let [first, second, third] = &stack.instances[..] else {
        panic!("three instances: {:?}", stack.instances)
    };
    for (name, cut, again) in [("gate", &gateway, &gateway), ("one", first, second), ("two", second, third)] {
        let learner = stack.learner(&format!("cut-{name}")).await;
        let room = learner.room().await;
        // As the web client comes back: it knows of no last event.
        let said = cut_off(&learner.at(cut), &room).await;
        let (mut stream, last) = Stream::ready(learner.at(again).stream_of(&room)).await;
        assert_eq!(last, number(&said) + 1);
        let turn = Turn::read(&mut stream).await;
        turn.assert_answers(&said, &learner.history(&room).await[3]);
        nothing_is_owed(&learner, &room, &mut stream).await;
        drop(stream);
        assert_eq!(learner.history(&room).await.len(), 6, "nothing is owed behind this");

        // As browsers do: the last thing with an id was the message of the user.
        let said = cut_off(&learner.at(cut), &room).await;
        let mut stream = learner.at(again).stream_after(&room, number(&said)).await;
        let turn = Turn::read(&mut stream).await;
        turn.assert_answers(&said, &message(&mut stream).await);
        nothing_is_owed(&learner, &room, &mut stream).await;
    }
}

/// A message whose answer begins to arrive and is cut off.
async fn cut_off(learner: &Learner, room: &str) -> serde_json::Value {
    let mut stream = learner.stream(room).await;
    let said = learner.say(room, "끊어질 거예요").await;
    while !stream.next().await.expect("an event").is("intimacy_analysis") {}
    said
}
