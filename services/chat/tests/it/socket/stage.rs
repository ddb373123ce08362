//! A room, its learner, and instances that serve it.

use std::time::Duration;

use chat::live::Signal;
use chat::socket::presence::Pace;
use chat::socket::{Sockets, Timing};
use contract::claims::AccessClaims;
use contract::id::{RoomId, UserId};
use contract::user::Role;
use serde_json::json;
use sqlx::PgPool;
use testkit::{Issuer, TestDb, access_claims, eventually};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::client::{Client, LIMIT};
use crate::stack::{Instance, room};

pub(crate) struct Stage {
    pub(crate) db: PgPool,
    pub(crate) issuer: Issuer,
    pub(crate) user: UserId,
    pub(crate) claims: AccessClaims,
    pub(crate) token: String,
    pub(crate) room: RoomId,
    pub(crate) database: TestDb,
}

/// Instances notice the death of another within a second or so.
pub(crate) const FAST: Pace = Pace {
    beat: Duration::from_millis(300),
    lease: Duration::from_secs(1),
    debounce: Duration::from_millis(20),
};

impl Stage {
    pub(crate) async fn set() -> Self {
        let (database, issuer) = (TestDb::new("chat_db").await, Issuer::new());
        let (db, user) = (database.pool(), chassis::fresh_id());
        let room = room(&db, user).await;
        let claims = access_claims(user, Role::User);
        let token = issuer.sign(&claims);
        Self { db, issuer, user, claims, token, room, database }
    }

    pub(crate) async fn instance(&self) -> Instance {
        self.instance_with(Timing::default(), Pace::default()).await
    }

    pub(crate) async fn instance_with(&self, timing: Timing, pace: Pace) -> Instance {
        let instance = Instance::with(&self.database, &self.issuer, &[], move |platform, mut state| {
            let (db, live, posting) = (state.db.clone(), state.live.clone(), state.posting.clone());
            state.sockets = Sockets::start(platform, db, live, posting, timing, pace);
            state
        })
        .await;
        // Signals that others send before that are lost.
        eventually(LIMIT, || async { instance.state.live.hears_others() }).await;
        instance
    }

    /// Connected, and told so.
    pub(crate) async fn client(&self, instance: &Instance) -> Client {
        let mut client = Client::open(instance, &format!("/ws/chat/{}", self.room), &self.token).await;
        assert_eq!(client.next().await["type"], "ready");
        client
    }

    /// From behind `after`.
    pub(crate) async fn client_after(&self, instance: &Instance, after: i64) -> Client {
        let path = format!("/ws/chat/{}?after={after}", self.room);
        let mut client = Client::open(instance, &path, &self.token).await;
        assert_eq!(client.next().await, json!({ "type": "ready", "lastSequence": after }));
        client
    }

    /// Instances that have just started do not hear each other yet, and signals are for those who listen.
    pub(crate) async fn hears(&self, client: &mut Client, from: &Instance) {
        let deadline = Instant::now() + LIMIT;
        loop {
            let probe = Signal::Read { user: Uuid::nil().into(), sequence: 1 };
            from.state.live.tell(self.room, probe);
            if timeout(Duration::from_millis(200), client.until("read")).await.is_ok() {
                return;
            }
            assert!(Instant::now() < deadline, "a signal arrives in the end");
        }
    }

    /// The connections that the database knows of.
    pub(crate) async fn connections(&self) -> i64 {
        sqlx::query_scalar("select coalesce(sum(connections), 0) from presence")
            .fetch_one(&self.db)
            .await
            .unwrap()
    }

    /// Nobody is left, and nothing of them.
    pub(crate) async fn deserted(&self) {
        eventually(LIMIT, || async { self.connections().await == 0 }).await;
    }
}
