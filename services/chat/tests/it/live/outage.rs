//! Streams while their database is away, and while its connections are cut.

use futures_util::FutureExt as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use testkit::{TestDb, eventually};

use super::fixture::{PATIENCE, Station};
use crate::stack::room;

/// Whoever decides whether the service may use its database.
struct Gate {
    admin: PgConnection,
    database: String,
}

impl Gate {
    async fn of(db: &TestDb) -> Self {
        let admin = PgConnection::connect_with(&db.superuser()).await.unwrap();
        Self { admin, database: db.name().to_owned() }
    }

    async fn close(&mut self) {
        self.run("revoke connect on database \"{}\" from chat_app").await;
        self.cut().await;
    }

    async fn open(&mut self) {
        self.run("grant connect on database \"{}\" to chat_app").await;
    }

    /// Ends every session of the service.
    async fn cut(&mut self) {
        self.run(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and usename = 'chat_app'",
        )
        .await;
    }

    async fn run(&mut self, statement: &str) {
        let statement = statement.replace("{}", &self.database);
        self.admin.execute(AssertSqlSafe(statement)).await.unwrap();
    }

    async fn write(&mut self, room: contract::id::RoomId, count: i32) {
        sqlx::query(
            "with room as (
               update chat_room set last_seq = last_seq + $2 where id = $1 returning last_seq - $2 as base, user_id
             )
             insert into message (room_id, seq, id, sender_type, sender_id, content)
             select $1, room.base + n, gen_random_uuid(), 'user', room.user_id, 'x'
             from room, generate_series(1, $2) n",
        )
        .bind(room.as_uuid())
        .bind(count)
        .execute(&mut self.admin)
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn streams_outlive_a_database_that_is_away_and_miss_nothing() {
    let db = TestDb::new("chat_db").await;
    let mut gate = Gate::of(&db).await;
    let station = Station::new(&db, None);
    let (quiet, busy) =
        (room(&db.pool(), chassis::fresh_id()).await, room(&db.pool(), chassis::fresh_id()).await);
    station.write(busy, 500, false).await;
    let mut streams = [station.follow(quiet, 0), station.follow(busy, 500)];
    // One that has to catch up, in the middle of it.
    let mut behind = station.follow(busy, 0);
    behind.take_until(10).await;
    gate.close().await;
    assert!(PgConnection::connect(&db.url()).await.is_err(), "nobody gets in");
    gate.write(quiet, 5).await;
    gate.write(busy, 5).await;
    let mut new = station.follow(quiet, 0);
    for stream in &mut streams {
        assert!(stream.subscription.next().now_or_never().is_none(), "open, and waiting");
    }
    assert!(new.subscription.next().now_or_never().is_none());
    gate.open().await;
    streams[0].take_until(5).await;
    streams[1].take_until(505).await;
    new.take_until(5).await;
    behind.take_until(505).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_again_and_again_cost_no_message() {
    let db = TestDb::new("chat_db").await;
    let mut gate = Gate::of(&db).await;
    let (here, there) = (Station::new(&db, None), Station::new(&db, None));
    let room = room(&db.pool(), chassis::fresh_id()).await;
    let mut streams = [here.follow(room, 0), there.follow(room, 0)];
    for round in 1..=20 {
        gate.write(room, 10).await;
        here.live.changed(room);
        gate.cut().await;
        for stream in &mut streams {
            stream.take_until((round - 1) * 10 + 1).await;
        }
    }
    for stream in &mut streams {
        stream.take_until(200).await;
    }
    let stats = || async { (here.live.stats().messages <= 64).then_some(()) };
    eventually(PATIENCE, stats).await;
}
