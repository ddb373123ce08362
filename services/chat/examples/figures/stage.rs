//! One process of the service with everything it needs, and rooms with their owners.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use contract::id::{RoomId, UserId};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use testkit::{ServiceKeys, TestDb, TestRedis, eventually};
use uuid::Uuid;

use crate::authority::Authority;

const LIMIT: Duration = Duration::from_mins(1);
/// Connections that may wait to be accepted: what a service that opens its own socket asks for.
const BACKLOG: u32 = 1024;
/// Ten thousand streams, and what else is open.
const FILES: u64 = 16_384;
/// What `doran` gives a service, and what plain SQL gets for comparison.
pub(crate) const CONNECTIONS: u32 = 10;

pub(crate) struct Room {
    pub(crate) id: RoomId,
    pub(crate) user: UserId,
    pub(crate) token: String,
}

pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) db: PgPool,
    pub(crate) rooms: Vec<Room>,
    child: Child,
    listener: TcpListener,
    environment: Vec<(&'static str, String)>,
    _redis: Option<TestRedis>,
    _keys: ServiceKeys,
    _authority: Authority,
    _database: TestDb,
}

/// Raises the limit of open files, also for the service.
pub(crate) fn allow_many_files() {
    let now = getrlimit(Resource::Nofile);
    let wanted = FILES.min(now.maximum.unwrap_or(FILES)).max(now.current.unwrap_or(FILES));
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..now }).unwrap();
}

/// Built by `cargo build --release -p chat`, which `cargo run --example` does not do.
fn binary() -> PathBuf {
    let example = std::env::current_exe().unwrap();
    let binary = example.parent().unwrap().parent().unwrap().join("chat");
    assert!(binary.exists(), "no {}: cargo build --release -p chat", binary.display());
    binary
}

impl Stage {
    pub(crate) async fn set(rooms: usize) -> Self {
        let redis = TestRedis::start().await;
        let keys = testkit::keys();
        let (database, authority) = tokio::join!(TestDb::new("chat_db"), Authority::start(&keys));
        let mut environment = vec![
            ("DATABASE_URL", database.url()),
            ("DORAN_AUTH_URLS", format!("http://{}", authority.address)),
            ("DORAN_SERVICE_JWKS_FILE", keys.jwks_file().display().to_string()),
            ("DORAN_SERVICE_KEY_FILE", keys.key_file("chat").display().to_string()),
            ("DORAN_DB_CONNECTIONS", CONNECTIONS.to_string()),
            ("DORAN_LISTENER", "stdin".to_owned()),
            ("DORAN_LOG", "error".to_owned()),
        ];
        environment.extend(redis.as_ref().map(|redis| ("REDIS_URL", redis.url())));
        let db = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect_lazy_with(database.superuser().application_name("figures"));
        let listener = listen();
        let stage = Self {
            address: listener.local_addr().unwrap(),
            rooms: rooms_of(&db, &authority, rooms).await,
            db,
            child: start(&listener, &environment),
            listener,
            environment,
            _redis: redis,
            _keys: keys,
            _authority: authority,
            _database: database,
        };
        stage.ready().await;
        stage
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        self.child = start(&self.listener, &self.environment);
    }

    pub(crate) async fn ready(&self) {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(1)).build().unwrap();
        let url = format!("http://{}/actuator/health/readiness", self.address);
        eventually(LIMIT, || async {
            let answer = http.get(&url).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    /// What the process holds, in bytes: resident, and its proportional share of what it shares.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id())).unwrap();
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
        };
        (of("Rss:"), of("Pss:"))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.kill();
    }
}

fn listen() -> TcpListener {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket.listen(BACKLOG).unwrap().into_std().unwrap()
}

fn start(listener: &TcpListener, environment: &[(&'static str, String)]) -> Child {
    Command::new(binary())
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())))
        .spawn()
        .unwrap()
}

/// Each with an owner of its own, and empty.
async fn rooms_of(db: &PgPool, authority: &Authority, count: usize) -> Vec<Room> {
    let bot = Uuid::now_v7();
    sqlx::query(
        "insert into chatbot (id, name, bot_type, concept, description) values ($1, '친구', 'friend', 'FRIEND', '')",
    )
    .bind(bot)
    .execute(db)
    .await
    .unwrap();
    let room = |_| {
        let user = chassis::fresh_id();
        Room { id: chassis::fresh_id(), user, token: authority.token(user).text }
    };
    let rooms: Vec<Room> = (0..count).map(room).collect();
    let ids: Vec<Uuid> = rooms.iter().map(|room| room.id.as_uuid()).collect();
    let users: Vec<Uuid> = rooms.iter().map(|room| room.user.as_uuid()).collect();
    sqlx::query(
        "insert into chat_room (id, user_id, chatbot_id, name, concept)
         select id, user_id, $3, '방', 'FRIEND' from unnest($1::uuid[], $2::uuid[]) as room (id, user_id)",
    )
    .bind(ids)
    .bind(users)
    .bind(bot)
    .execute(db)
    .await
    .unwrap();
    rooms
}
