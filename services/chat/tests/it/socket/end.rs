//! How connections end, and that nothing of them is left.

use futures_util::future::join_all;
use http::StatusCode;
use testkit::TestApp;

use super::stage::Stage;

#[tokio::test]
async fn a_revoked_token_ends_the_connection_and_stores_nothing_more() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let (mut idle, mut talking) = (stage.client(&instance).await, stage.client(&instance).await);
    instance.revoke(&stage.claims);
    talking.say("늦었어요", "late").await;
    for client in [&mut idle, &mut talking] {
        assert_eq!(client.close_code().await, Some(4401));
    }
    let stored: i64 = sqlx::query_scalar("select count(*) from message").fetch_one(&stage.db).await.unwrap();
    assert_eq!(stored, 0);
    stage.deserted().await;
}

#[tokio::test]
async fn leaving_the_room_ends_its_connections_everywhere() {
    let stage = Stage::set().await;
    let (here, there) = (stage.instance().await, stage.instance().await);
    let mut clients = [stage.client(&here).await, stage.client(&there).await];
    let app = TestApp::new(chat::app(&here.platform, here.state.clone()));
    let leave = app.post(&format!("/api/chat/chatrooms/{}/leave", stage.room)).bearer(&stage.token);
    let _ = leave.send().await.expect(StatusCode::NO_CONTENT);
    for client in &mut clients {
        assert_eq!(client.close_code().await, Some(4404));
    }
    stage.deserted().await;
}

#[tokio::test]
async fn an_instance_that_stops_tells_its_clients_to_come_back_and_waits_for_them() {
    let stage = Stage::set().await;
    let (mut here, there) = (stage.instance().await, stage.instance().await);
    let mut clients = join_all((0..20).map(|_| stage.client(&here))).await;
    for (n, client) in clients.iter_mut().enumerate() {
        client.say("말", &n.to_string()).await;
    }
    let stopping = here.stop();
    let told = join_all(clients.iter_mut().map(async |client| client.close_code().await));
    let ((), codes) = tokio::join!(stopping, told);
    assert!(codes.iter().all(|code| *code == Some(1012)), "{codes:?}");
    assert_eq!(stage.connections().await, 0, "told before the instance was gone");
    let left: i64 =
        sqlx::query_scalar("select count(*) from live_instance").fetch_one(&stage.db).await.unwrap();
    assert_eq!(left, 0, "and so is its lease");
    let stored: i64 = sqlx::query_scalar("select count(*) from message").fetch_one(&stage.db).await.unwrap();
    let mut again = stage.client_after(&there, 0).await;
    let count = usize::try_from(stored).unwrap();
    assert_eq!(again.sequences(count).await, (1..=stored).collect::<Vec<_>>());
}

#[tokio::test]
async fn clients_that_leave_in_any_way_leave_nothing_behind() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let mut polite = stage.client(&instance).await;
    let rude = stage.client(&instance).await;
    let mut talking = stage.client(&instance).await;
    talking.say("말", "a").await;
    testkit::eventually(crate::client::LIMIT, || async { stage.connections().await == 3 }).await;
    polite.socket.close(None).await.unwrap();
    assert_eq!(polite.close_code().await, None, "the farewell is answered");
    drop(rude);
    drop(talking);
    stage.deserted().await;
}
