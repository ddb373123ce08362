//! The room's WebSocket, as somebody else's client finds it.

use super::learner::HONEY;
use super::stack::Stack;
use crate::fixture::finish;
use crate::outside::{Python, say};

pub(super) async fn a_strangers_client_talks_over_a_websocket(stack: &Stack) {
    let Some(python) = Python::find() else { return };
    let learner = stack.learner("socket").await;
    let foreign = stack.learner("foreign").await.room().await;
    let rooms = [learner.room().await, learner.room_with(HONEY).await, foreign];
    let gateway = stack.gateway().replacen("http://", "", 1);
    let mut command = python.program("room_socket.py");
    command.arg(gateway).args(rooms).env("TOKEN", &learner.token);
    let said = finish(command.spawn().expect("start a program")).exits(0);
    say(said.stderr.trim());
}
