//! The streams of several instances over one database, and writers that need no service.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chassis::{Platform, Reader};
use chat::live::{End, Live, Signal, Subscription, Update};
use contract::chat::{ContentType, Message, SenderType};
use contract::claims::AccessClaims;
use contract::id::{RoomId, UserId};
use contract::user::Role;
use sqlx::PgPool;
use testkit::{TestDb, TestRedis, access_claims};
use tokio::time::timeout;
use uuid::Uuid;

/// Far above what anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The streams of one instance.
pub(crate) struct Station {
    pub(crate) live: Live,
    pub(crate) platform: Platform,
    pub(crate) db: PgPool,
}

impl Station {
    pub(crate) fn new(db: &TestDb, redis: Option<&TestRedis>) -> Self {
        let env: BTreeMap<_, _> =
            redis.map(|redis| ("REDIS_URL".to_owned(), redis.url())).into_iter().collect();
        let platform = Platform::quiet(Reader::new(&env).base("chat", 8083)).unwrap();
        platform.identity().access.revocations().set_loaded();
        let live = Live::start(&platform, &db.pool());
        Self { live, platform, db: db.pool() }
    }

    /// A stream of somebody behind `after`.
    pub(crate) fn follow(&self, room: RoomId, after: i64) -> Follower {
        self.follow_as(room, after, anybody())
    }

    pub(crate) fn follow_as(&self, room: RoomId, after: i64, who: Arc<AccessClaims>) -> Follower {
        Follower { subscription: self.live.subscribe(room, who, after), seqs: vec![after] }
    }

    /// Stores messages, and tells the streams if `told`.
    pub(crate) async fn write(&self, room: RoomId, count: i64, told: bool) {
        let messages = write(&self.db, room, count).await;
        if told {
            self.live.stored(room, &messages);
        }
    }
}

pub(crate) fn anybody() -> Arc<AccessClaims> {
    Arc::new(access_claims(UserId::from(Uuid::now_v7()), Role::User))
}

/// A stream and what it has brought.
pub(crate) struct Follower {
    pub(crate) subscription: Subscription,
    /// Begins with what it follows from.
    seqs: Vec<i64>,
}

impl Follower {
    pub(crate) async fn next(&mut self) -> Update {
        let update = timeout(PATIENCE, self.subscription.next()).await.expect("something is brought");
        if let Update::Messages(entries) = &update {
            self.seqs.extend(entries.iter().map(|entry| entry.seq()));
        }
        update
    }

    /// Takes messages up to this one, and checks that none was missed, repeated or out of order.
    pub(crate) async fn take_until(&mut self, last: i64) {
        while self.last() < last {
            match self.next().await {
                Update::Messages(_) | Update::Signal(_) => {}
                Update::Ended(end) => panic!("ended at {} of {last}: {end:?}", self.last()),
            }
        }
        let first = self.seqs[0];
        assert_eq!(self.seqs, (first..=self.last()).collect::<Vec<_>>());
    }

    pub(crate) async fn signal(&mut self) -> Arc<Signal> {
        loop {
            if let Update::Signal(signal) = self.next().await {
                return signal;
            }
        }
    }

    pub(crate) async fn end(&mut self) -> End {
        loop {
            if let Update::Ended(end) = self.next().await {
                return end;
            }
        }
    }

    pub(crate) fn last(&self) -> i64 {
        self.seqs.last().copied().unwrap()
    }
}

pub(crate) async fn last_seq(db: &PgPool, room: RoomId) -> i64 {
    sqlx::query_scalar("select last_seq from chat_room where id = $1")
        .bind(room.as_uuid())
        .fetch_one(db)
        .await
        .unwrap()
}

/// Stores messages of the room's user in one transaction, as any instance would.
pub(crate) async fn write(db: &PgPool, room: RoomId, count: i64) -> Vec<Arc<Message>> {
    let rows: Vec<(i64, Uuid, Uuid, chrono::DateTime<chrono::Utc>)> = sqlx::query_as(
        "with room as (
           update chat_room
           set last_seq = last_seq + $2, last_user_message_at = now()
           where id = $1
           returning last_seq - $2 as base, user_id
         )
         insert into message (room_id, seq, id, sender_type, sender_id, content)
         select $1, room.base + n, gen_random_uuid(), 'user', room.user_id, '말 ' || room.base + n
         from room, generate_series(1, $2) n
         returning seq, id, sender_id, created_at",
    )
    .bind(room.as_uuid())
    .bind(count)
    .fetch_all(db)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(seq, id, sender, created_at)| {
            Arc::new(Message {
                id: id.into(),
                chatroom_id: room,
                sender_type: SenderType::User,
                sender_id: Some(sender),
                content: format!("말 {seq}"),
                content_type: ContentType::Text,
                sequence_number: seq,
                is_edited: false,
                is_deleted: false,
                created_at,
                metadata: None,
            })
        })
        .collect()
}
