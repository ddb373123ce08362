//! What the storm goes over: databases, Redis, auth, three instances, rooms, and those who read and write in them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

use contract::chat::Room as RoomView;
use contract::id::UserId;
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use testkit::{ServiceKeys, TestDb, TestRedis};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::authority::Authority;
use super::client::{Client, Habit};
use super::fault::{Surroundings, Target};
use super::process::{Run, Unit};
use super::room::Room;
use super::stream::Way;
use super::world::{Dice, Seat, World};
use super::writer::Writer;

pub(crate) const INSTANCES: usize = 3;
const ROOMS: usize = 20;
/// Ten a room; 200 together.
const CLIENTS: [(Way, Habit); 10] = [
    (Way::EventStream, Habit::Steady),
    (Way::EventStream, Habit::Steady),
    (Way::EventStream, Habit::Restless),
    (Way::EventStream, Habit::Restless),
    (Way::EventStream, Habit::Fresh),
    (Way::EventStream, Habit::Slow),
    (Way::Socket, Habit::Steady),
    (Way::Socket, Habit::Restless),
    (Way::Socket, Habit::Fresh),
    (Way::Socket, Habit::Slow),
];
/// Two a room.
const WRITERS: [Way; 2] = [Way::EventStream, Way::Socket];
const BOT: &str = "22222222-2222-2222-2222-222222222221";

pub(crate) struct Scene {
    pub(crate) world: Arc<World>,
    pub(crate) around: Surroundings,
    pub(crate) targets: Vec<Target>,
    /// Gone with the scene.
    _keys: ServiceKeys,
    _database: TestDb,
}

impl Scene {
    /// `None` where there is no Redis, which is said.
    pub(crate) async fn set() -> Option<Self> {
        let redis = TestRedis::start().await?;
        let keys = testkit::keys();
        let (database, authority) = tokio::join!(TestDb::new("chat_db"), Authority::start(&keys));
        let options = database.superuser().application_name("storm");
        let pool = PgPoolOptions::new().max_connections(4).connect_lazy_with(options);
        let unit = |n| {
            let environment = environment(&database, &redis, authority.address, &keys);
            Unit::new(format!("chat-{n}"), environment)
        };
        let units: Vec<_> = (1..=INSTANCES).map(unit).collect();
        let runs: Vec<_> = units.iter().map(Unit::start).collect();
        for unit in &units {
            unit.ready().await;
        }
        let world = Arc::new(world(&units, &authority, &pool).await);
        let around =
            Surroundings { world: world.clone(), redis: Mutex::new(redis), database: pool, authority };
        let target = |(n, (unit, run)): (usize, (Unit, Run))| Target::new(n, unit, run, world.clone());
        let targets = units.into_iter().zip(runs).enumerate().map(target).collect();
        Some(Self { world, around, targets, _keys: keys, _database: database })
    }

    pub(crate) fn clients(&self, dice: &Dice) -> JoinSet<()> {
        let client = |n| Client::new(n, self.world.clone(), dice.next()).run();
        (0..self.world.clients.len()).map(client).collect()
    }

    pub(crate) fn writers(&self, dice: &Dice) -> JoinSet<()> {
        let mut writers = JoinSet::new();
        for room in 0..ROOMS {
            for (n, way) in WRITERS.into_iter().enumerate() {
                let name = format!("r{room}w{n}");
                writers.spawn(Writer::new(name, room, way, self.world.clone(), dice.next()).run());
            }
        }
        writers
    }
}

/// What `doran` would set.
fn environment(
    database: &TestDb,
    redis: &TestRedis,
    auth: SocketAddr,
    keys: &ServiceKeys,
) -> Vec<(&'static str, String)> {
    vec![
        ("DATABASE_URL", database.url()),
        ("REDIS_URL", redis.url()),
        ("DORAN_AUTH_URLS", format!("http://{auth}")),
        ("DORAN_SERVICE_JWKS_FILE", keys.jwks_file().display().to_string()),
        ("DORAN_SERVICE_KEY_FILE", keys.key_file("chat").display().to_string()),
        ("DORAN_LOG", "info".to_owned()),
    ]
}

async fn world(units: &[Unit], authority: &Authority, db: &PgPool) -> World {
    let bot = "insert into chatbot (id, name, bot_type, concept, description)
               values ($1::uuid, '다정한 이음', 'friend', 'FRIEND', '')";
    sqlx::query(bot).bind(BOT).execute(db).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut rooms = Vec::new();
    for _ in 0..ROOMS {
        let user: UserId = chassis::fresh_id();
        let token = authority.token(user);
        let body = json!({ "chatbotId": BOT, "concept": "friend" });
        let url = format!("http://{}/api/chat/chatrooms", units[0].address());
        let answer = http.post(url).bearer_auth(&token.text).json(&body).send().await.unwrap();
        let room: RoomView = answer.error_for_status().unwrap().json().await.unwrap();
        rooms.push(Room::new(room.id, user, token));
    }
    let seat = |room, (way, habit)| Seat {
        room,
        habit,
        way,
        place: AtomicI64::new(0),
        login: AtomicU64::new(u64::MAX),
    };
    let clients = (0..ROOMS).flat_map(|room| CLIENTS.map(|kind| seat(room, kind))).collect();
    World::new(rooms, units.iter().map(Unit::address).collect(), clients)
}
