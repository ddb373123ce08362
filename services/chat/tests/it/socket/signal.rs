//! What only makes sense to those who are there: typing and read marks.

use contract::id::BotId;
use serde_json::json;
use uuid::Uuid;

use super::stage::Stage;
use chat::live::Signal;

#[tokio::test]
async fn the_others_see_who_types_at_any_instance_and_the_typist_does_not() {
    let stage = Stage::set().await;
    let (here, there) = (stage.instance().await, stage.instance().await);
    let mut typist = stage.client(&here).await;
    let mut others = [stage.client(&here).await, stage.client(&there).await];
    stage.hears(&mut others[1], &here).await;
    typist.send(json!({ "type": "typing", "typing": true })).await;
    for other in &mut others {
        let frame = other.until("typing").await;
        assert_eq!(frame, json!({ "type": "typing", "senderId": stage.user, "typing": true }));
    }
    typist.send(json!({ "type": "typing", "typing": false })).await;
    for other in &mut others {
        assert_eq!(other.until("typing").await["typing"], false);
    }
    typist.say("다 썼어요", "end").await;
    loop {
        let frame = typist.next().await;
        assert_ne!(frame["type"], "typing", "nobody is told of themselves");
        if frame["type"] == "message" {
            break;
        }
    }
}

#[tokio::test]
async fn who_vanishes_or_falls_silent_types_no_more() {
    let stage = Stage::set().await;
    let (here, there) = (stage.instance().await, stage.instance().await);
    let mut typist = stage.client(&here).await;
    let mut other = stage.client(&there).await;
    stage.hears(&mut other, &here).await;
    typist.send(json!({ "type": "typing", "typing": true })).await;
    assert_eq!(other.until("typing").await["typing"], true);
    drop(typist);
    assert_eq!(other.until("typing").await["typing"], false, "it has vanished");
    let mut silent = stage.client(&here).await;
    silent.send(json!({ "type": "typing", "typing": true })).await;
    assert_eq!(other.until("typing").await["typing"], true);
    assert_eq!(other.until("typing").await["typing"], false, "it has stopped without a word");
}

#[tokio::test]
async fn a_typist_whose_instance_dies_is_seen_to_stop() {
    let stage = Stage::set().await;
    let (mut here, there) = (stage.instance().await, stage.instance().await);
    let mut typist = stage.client(&here).await;
    let mut other = stage.client(&there).await;
    stage.hears(&mut other, &here).await;
    typist.send(json!({ "type": "typing", "typing": true })).await;
    assert_eq!(other.until("typing").await["typing"], true);
    here.kill();
    assert_eq!(other.until("typing").await["typing"], false);
}

#[tokio::test]
async fn a_bot_types_until_it_says_so_or_has_said_something() {
    let stage = Stage::set().await;
    let (here, there) = (stage.instance().await, stage.instance().await);
    let mut client = stage.client(&there).await;
    stage.hears(&mut client, &here).await;
    let bot: BotId = Uuid::from_u128(7).into();
    for typing in [true, false] {
        here.state.live.tell(stage.room, Signal::Typing { sender: bot.as_uuid(), typing });
        let frame = client.until("typing").await;
        assert_eq!(frame, json!({ "type": "typing", "senderId": bot, "typing": typing }));
    }
}

#[tokio::test]
async fn the_others_hear_how_far_somebody_has_read() {
    let stage = Stage::set().await;
    let (here, there) = (stage.instance().await, stage.instance().await);
    let mut reader = stage.client(&here).await;
    let mut other = stage.client(&there).await;
    stage.hears(&mut other, &here).await;
    for n in 0..3 {
        reader.say("말", &n.to_string()).await;
    }
    reader.sequences(3).await;
    for (sequence, told) in [(2, 2), (1, 2), (99, 3)] {
        reader.send(json!({ "type": "read", "sequence": sequence })).await;
        if sequence != 1 {
            let mut frame = other.until("read").await;
            while frame["userId"] == Uuid::nil().to_string() {
                frame = other.until("read").await;
            }
            assert_eq!(frame, json!({ "type": "read", "userId": stage.user, "sequence": told }));
        }
    }
}
