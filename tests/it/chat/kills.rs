//! Streams whose instance dies.

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::follower::{Outsider, Seen, follow};
use super::learner::{Learner, number};
use super::stack::Stack;
use super::turn::{Turn, message};
use crate::fixture::{LIMIT, eventually, signal};
use crate::outside::Python;

/// The newest message of a room that nobody has talked in.
const BEGINNING: i64 = 2;

/// A stream at the instance itself, which comes back to another one.
pub(super) async fn who_comes_back_after_a_kill_goes_on_where_it_was_cut(stack: &Stack) {
    let learner = stack.learner("killed").await;
    let room = learner.room().await;
    let [first, second, _] = &stack.instances[..] else { panic!("three instances: {:?}", stack.instances) };
    let mut stream = learner.at(second).stream(&room).await;
    let said = learner.at(first).say(&room, "거기 있어요?").await;
    while !stream.next().await.expect("an event").is("message_created") {}
    let former = kill(stack, "chat-2");
    while stream.next().await.is_some() {}
    let mut stream = learner.at(first).stream_after(&room, number(&said)).await;
    let turn = Turn::read(&mut stream).await;
    turn.assert_answers(&said, &message(&mut stream).await);
    back(stack, "chat-2", former);
    let mut stream = learner.at(second).stream_after(&room, number(&said)).await;
    Turn::read(&mut stream).await;
    assert_eq!(message(&mut stream).await, learner.history(&room).await[3], "it knows the room");
}

/// Streams through the gateway, which come back as browsers do, while every instance is killed and
/// restarted once.
pub(super) async fn streams_outlive_every_instance(stack: &Stack) {
    let learner = stack.learner("survivor").await;
    let room = learner.room().await;
    let ours = Seen::default();
    let mut following = JoinSet::new();
    following.spawn(follow(learner.clone(), room.clone(), BEGINNING, ours.clone()));
    let outsiders = outsiders(&learner, &room);
    let all: Vec<_> = [ours.clone()].into_iter().chain(outsiders.iter().map(Outsider::seen)).collect();
    testkit::eventually(LIMIT, async || all.iter().all(|seen| seen.look().connections > 0)).await;
    let mut count = 0;
    let mut send = async || {
        count += 1;
        resend(&learner, &room, count).await
    };
    for name in Stack::names() {
        send().await;
        let former = kill(stack, &name);
        send().await;
        back(stack, &name, former);
    }
    for name in Stack::names() {
        stack.fixture.doran(&["restart", &name]).exits(0);
        send().await;
    }
    let last = number(&send().await) + 1;
    let got_all = testkit::eventually(LIMIT, async || {
        let reached: Vec<_> = all.iter().map(|seen| seen.look().messages.last().map(number)).collect();
        if reached.iter().all(|number| *number >= Some(last)) { Ok(()) } else { Err(reached) }
    });
    tokio::select! {
        () = got_all => {}
        Some(end) = following.join_next() => panic!("our own follower gave up: {end:?}"),
    }
    following.shutdown().await;
    let history = learner.history(&room).await;
    check_order(&history);
    for seen in outsiders.into_iter().map(Outsider::end).chain([ours]) {
        let seen = seen.look();
        assert_eq!(seen.messages, history[2..], "every message once, in order, as it is stored");
        assert!(seen.connections > 1, "its instance was killed");
    }
}

/// An `EventSource` and a `WebSocket` that others wrote.
fn outsiders(learner: &Learner, room: &str) -> Vec<Outsider> {
    let Some(python) = Python::find() else { return Vec::new() };
    let socket = format!("{}/ws/chat/{room}", learner.at.replacen("http", "ws", 1));
    let stream = format!("{}/api/chat/stream/{room}", learner.at);
    [("follow_events.py", stream), ("follow_socket.py", socket)]
        .map(|(name, url)| Outsider::start(&mut python.program(name), learner, &url, BEGINNING))
        .into()
}

/// Without a gap, and each message with its answer, whoever had to give it.
fn check_order(history: &[Value]) {
    assert!(history.iter().map(number).eq(1..=i64::try_from(history.len()).expect("not that many")));
    for pair in history[2..].chunks(2) {
        assert_eq!(pair[1]["metadata"]["userMessageAnalysis"]["userMessageId"], pair[0]["id"]);
    }
}

/// Sends until it is known to be stored, which its id keeps harmless.
async fn resend(learner: &Learner, room: &str, number: u32) -> Value {
    let body = json!({ "content": format!("{number}번째 말이에요"), "clientMessageId": number.to_string() });
    let stored = testkit::eventually(LIMIT, async || {
        let response = learner.sending(room, &body).send().await.map_err(|error| error.to_string())?;
        let (status, text) = (response.status(), response.text().await.map_err(|error| error.to_string())?);
        if status.is_success() { Ok(text) } else { Err(text) }
    });
    serde_json::from_str(&stored.await).expect("a message")
}

/// Which process it was.
fn kill(stack: &Stack, name: &str) -> i32 {
    let pid = stack.fixture.pid(name);
    signal(pid, Signal::KILL);
    pid
}

fn back(stack: &Stack, name: &str, former: i32) {
    eventually("the instance is back", || {
        let unit = stack.fixture.unit(name);
        (unit["state"] == "ready" && unit["pid"] != former).then_some(())
    });
}
