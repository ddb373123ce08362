//! The processes over a world, and the buyers that are under way in it.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::buyer::{Buyer, Receipt, Wish};
use super::check;
use super::cluster::{Cluster, PATIENCE};
use super::process::Run;
use super::world::{Way, World};

/// The longest that who was killed stays away before it is started again.
const AWAY_MS: u64 = 300;

/// A scene is four processes and a database: more than two at once only wait for each other.
static SCENES: Semaphore = Semaphore::const_new(2);

pub(crate) struct Scene {
    pub(crate) world: Arc<World>,
    pub(crate) cluster: Cluster,
    pub(crate) provider: Option<Run>,
    pub(crate) stores: [Option<Run>; 2],
    buyers: JoinSet<Receipt>,
    receipts: Vec<Receipt>,
    _permit: SemaphorePermit<'static>,
}

impl Scene {
    /// With the provider and both instances of the store.
    pub(crate) async fn set(way: Way) -> Self {
        let permit = SCENES.acquire().await.unwrap();
        let (world, cluster) = World::new(way).await;
        let world = Arc::new(world);
        let provider = Some(world.provider.start());
        let stores = [0, 1].map(|n| Some(world.stores[n].start()));
        world.provider.ready().await;
        for store in &world.stores {
            store.ready().await;
        }
        Self {
            world,
            cluster,
            provider,
            stores,
            buyers: JoinSet::new(),
            receipts: Vec::new(),
            _permit: permit,
        }
    }

    /// Where both instances of the store are asked.
    pub(crate) fn doors(&self) -> Vec<String> {
        self.world.stores.iter().map(super::process::Unit::url).collect()
    }

    pub(crate) fn send(&mut self, wish: Wish) {
        self.buyers.spawn(Buyer::new(self.world.clone(), wish).buy());
    }

    /// Until so many more of the buyers have an answer, or all of them.
    pub(crate) async fn some_end(&mut self, count: usize) {
        for _ in 0..count {
            let Some(receipt) = self.buyers.join_next().await else { return };
            self.receipts.push(receipt.unwrap());
        }
    }

    /// Until every buyer has an answer and every saga its end. Everything that is wrong then, and what was promised.
    pub(crate) async fn end(&mut self) -> (Vec<Receipt>, Vec<String>) {
        self.some_end(usize::MAX).await;
        let receipts = std::mem::take(&mut self.receipts);
        self.world.settled().await;
        let wrongs = check::wrongs(&self.world, &receipts).await;
        (receipts, wrongs)
    }

    /// Has every instance stop at `point`.
    pub(crate) async fn arm(&mut self, point: &str) {
        for store in self.stores.iter_mut().flatten() {
            store.arm(point).await;
        }
    }

    /// The instance that stands at the point now. The other does not stop there any more.
    pub(crate) async fn reached(&mut self) -> Option<usize> {
        let [first, second] = &mut self.stores;
        let first = async { first.as_mut().unwrap().reached().await };
        let second = async {
            match second {
                Some(second) => second.reached().await,
                None => pending().await,
            }
        };
        let which = tokio::select! {
            reached = timeout(PATIENCE, first) => reached.ok().flatten().map(|_| 0),
            reached = second => reached.map(|_| 1),
        };
        if let Some(other) = which.and_then(|which| self.stores[1 - which].as_mut()) {
            other.go().await;
        }
        which
    }

    /// The instance may leave the point.
    pub(crate) async fn go(&mut self, which: usize) {
        self.stores[which].as_mut().unwrap().go().await;
    }

    pub(crate) async fn kill_store(&mut self, which: usize, random: &mut StdRng) {
        self.stores[which].take().unwrap().kill().await;
        away(random).await;
        self.stores[which] = Some(self.world.stores[which].start());
        self.world.stores[which].ready().await;
    }

    pub(crate) async fn kill_provider(&mut self) {
        self.provider.take().unwrap().kill().await;
    }

    pub(crate) async fn restart_provider(&mut self, random: &mut StdRng) {
        away(random).await;
        self.provider = Some(self.world.provider.start());
        self.world.provider.ready().await;
    }

    pub(crate) async fn restart_database(&mut self, random: &mut StdRng) {
        away(random).await;
        self.cluster.restart().await;
    }

    /// The second instance runs, or it does not.
    pub(crate) async fn second(&mut self, runs: bool) {
        match (runs, self.stores[1].take()) {
            (true, None) => {
                self.stores[1] = Some(self.world.stores[1].start());
                self.world.stores[1].ready().await;
            }
            (false, Some(run)) => run.kill().await,
            (_, run) => self.stores[1] = run,
        }
    }
}

/// How long a process is away is part of the plot.
async fn away(random: &mut StdRng) {
    tokio::time::sleep(Duration::from_millis(random.random_range(0..=AWAY_MS))).await;
}
