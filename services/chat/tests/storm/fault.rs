//! What can go wrong, and how it is made to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use sqlx::PgPool;
use testkit::{TestRedis, eventually};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::authority::Authority;
use super::process::{Run, Unit};
use super::world::World;

/// For progress under a fault, and for what has to follow it.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// What happens to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// SIGKILL, and it is started again.
    Kill,
    /// SIGTERM, and it is started again.
    Drain,
    /// SIGSTOP, and after others have got on, SIGCONT.
    Freeze,
}

/// What happens to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outage {
    RedisKilled,
    RedisFrozen,
    /// Every connection to the database is ended by the server.
    DatabaseCut,
    /// A learner logs out, and is back with another login.
    LogOut,
}

impl Blow {
    pub(crate) const ALL: [Self; 3] = [Self::Kill, Self::Drain, Self::Freeze];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "instance killed",
            Self::Drain => "instance drained",
            Self::Freeze => "instance frozen",
        }
    }
}

impl Outage {
    pub(crate) const ALL: [Self; 4] = [Self::RedisKilled, Self::RedisFrozen, Self::DatabaseCut, Self::LogOut];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::RedisKilled => "Redis killed",
            Self::RedisFrozen => "Redis frozen",
            Self::DatabaseCut => "database connections cut",
            Self::LogOut => "learner logged out",
        }
    }
}

/// An instance, and how to hurt it.
pub(crate) struct Target {
    pub(crate) number: usize,
    unit: Unit,
    run: Option<Run>,
    world: Arc<World>,
    memory: u64,
}

impl Target {
    pub(crate) fn new(number: usize, unit: Unit, run: Run, world: Arc<World>) -> Self {
        Self { number, unit, run: Some(run), world, memory: 0 }
    }

    pub(crate) const fn unit(&self) -> &Unit {
        &self.unit
    }

    /// Completes when the instance works again.
    pub(crate) async fn strike(&mut self, blow: Blow, random: &mut StdRng) {
        self.look();
        let run = self.run.take().unwrap();
        let door = &self.world.instances[self.number];
        match blow {
            Blow::Kill => {
                run.kill();
                door.is_up.store(false, Ordering::Relaxed);
            }
            Blow::Drain => {
                door.is_up.store(false, Ordering::Relaxed);
                run.stop().await;
            }
            Blow::Freeze => {
                // Two would leave a third of all attempts with an answer, and three none.
                let _the_only_one = self.world.freezer.acquire().await.unwrap();
                let began = Instant::now();
                run.freeze();
                // Now and then for longer than a turn's lease.
                let others = if random.random_ratio(1, 7) { 120..200 } else { 5..40 };
                progress(&self.world, random.random_range(others)).await;
                run.thaw();
                self.world.late.frozen(began.elapsed());
                self.run = Some(run);
                return;
            }
        }
        self.run = Some(self.unit.start());
        self.unit.ready().await;
        self.world.instances[self.number].is_up.store(true, Ordering::Relaxed);
    }

    /// Until it has brought so many more messages to clients.
    pub(crate) async fn works(&self, messages: u64) {
        let delivered = &self.world.instances[self.number].delivered;
        until_more(delivered, messages).await;
    }

    /// The most memory that any run has had, in bytes.
    pub(crate) fn look(&mut self) -> u64 {
        let now = self.run.as_ref().map_or(0, Run::memory);
        self.memory = self.memory.max(now);
        self.memory
    }
}

/// What all instances need, and how to take it away.
pub(crate) struct Surroundings {
    pub(crate) world: Arc<World>,
    pub(crate) redis: Mutex<TestRedis>,
    /// The superuser's, which is spared.
    pub(crate) database: PgPool,
    pub(crate) authority: Authority,
}

impl Surroundings {
    pub(crate) async fn strike(&self, outage: Outage, random: &mut StdRng) {
        let world = &*self.world;
        let meanwhile = random.random_range(5..50);
        match outage {
            Outage::RedisKilled => {
                let mut redis = self.redis.lock().await;
                redis.stop();
                progress(world, meanwhile).await;
                redis.restart().await;
            }
            Outage::RedisFrozen => {
                let redis = self.redis.lock().await;
                redis.pause();
                progress(world, meanwhile).await;
                redis.resume();
            }
            Outage::DatabaseCut => self.cut_connections().await,
            Outage::LogOut => self.log_out(random.random_range(0..world.rooms.len())).await,
        }
    }

    async fn cut_connections(&self) {
        let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                   where datname = current_database() and usename = 'chat_app'";
        // The last cut may have been a moment ago.
        eventually(LIMIT, || async {
            let cut = sqlx::query_scalar::<_, i64>(cut).fetch_one(&self.database);
            cut.await.unwrap() > 0
        })
        .await;
    }

    /// Streams of the old login have to end, wherever they are.
    async fn log_out(&self, room: usize) {
        let world = &*self.world;
        let user = world.rooms[room].user;
        let old = world.rooms[room].log_in(self.authority.token(user));
        let (login, _) = world.rooms[room].token();
        self.authority.revoke(user, old.session).await;
        let seats = || world.clients.iter().filter(|seat| seat.room == room);
        eventually(LIMIT, || async {
            // Who is told to read nothing does not notice.
            let noticed = seats().filter(|seat| seat.habit != super::client::Habit::Slow);
            noticed.into_iter().all(|seat| seat.login.load(Ordering::SeqCst) >= login)
        })
        .await;
    }
}

/// Until so many more messages are acknowledged.
pub(crate) async fn progress(world: &World, messages: u64) {
    until_more(&world.counts.acknowledged, messages).await;
}

async fn until_more(counter: &AtomicU64, more: u64) {
    let until = counter.load(Ordering::Relaxed) + more;
    eventually(LIMIT, || async {
        let now = counter.load(Ordering::Relaxed);
        if now >= until { Ok(()) } else { Err(format!("{now} of {until}")) }
    })
    .await;
}
