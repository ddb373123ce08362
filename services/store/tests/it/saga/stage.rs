//! A database, a provider, and instances of store's sagas that can be killed.

use std::collections::BTreeMap;
use std::time::Duration;

use chassis::Platform;
use chassis::idempotency::Key;
use contract::id::{ItemId, OrderId, PaymentId, SagaId, UserId};
use contract::store::{Order, OrderStatus, SagaState};
use sqlx::PgPool;
use store::saga::{Line, NewOrder, NewRefund, Sagas, Settings, Settled};
use store::stock_low::Threshold;
use store::{AppState, Config};
use testkit::{TestDb, eventually};
use tokio::runtime::Runtime;

use super::proof;
use super::provider::FakeProvider;

pub(crate) const LIMIT: Duration = Duration::from_secs(20);
pub(crate) const PRICE: i64 = 12_000;

/// As patient as a test can be.
pub(crate) const QUICK: Settings = Settings {
    deadline: Duration::from_mins(1),
    lease: Duration::from_secs(15),
    poll: Duration::from_millis(50),
    backoff: Duration::from_millis(20),
    low_stock: Threshold(0),
};

pub(crate) struct Stage {
    pub(crate) db: TestDb,
    pub(crate) provider: FakeProvider,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        Self { db: TestDb::new("store_db").await, provider: FakeProvider::start().await }
    }

    /// An instance with settings of the test's.
    pub(crate) async fn instance(&self, settings: Settings) -> Instance {
        Instance::start(&self.db, &self.provider, settings).await
    }

    /// An item with so many pieces.
    pub(crate) async fn item(&self, price: i64, pieces: i64) -> ItemId {
        let id = chassis::fresh_id::<ItemId>();
        let simple = id.as_uuid().simple().to_string().to_uppercase();
        sqlx::query(
            "with item as (
               insert into store_item (id, sku, name, category, price)
               values ($1, $2, '단어장', 'BOOK', $3)
             ),
             booked as (
               insert into stock_ledger (item_id, kind, initial_delta, available_delta)
               values ($1, 'ADJUST', $4, $4)
             )
             insert into stock (item_id, initial, available) values ($1, $4, $4)",
        )
        .bind(id.as_uuid())
        .bind(format!("T-{simple}"))
        .bind(price)
        .bind(pieces)
        .execute(&self.db.pool())
        .await
        .unwrap();
        id
    }

    pub(crate) async fn order(&self, order: OrderId) -> Order {
        let mut db = self.db.pool().acquire().await.unwrap();
        store::repository::order::view(&mut db, order).await.unwrap()
    }

    pub(crate) async fn payment_of(&self, order: OrderId) -> PaymentId {
        self.order(order).await.payment.unwrap().id
    }

    /// Waits until the order has this status.
    pub(crate) async fn becomes(&self, order: OrderId, status: OrderStatus) -> Order {
        eventually(LIMIT, || async {
            let order = self.order(order).await;
            if order.status == status { Ok(order) } else { Err(order.status) }
        })
        .await
    }

    /// The order's first saga.
    pub(crate) async fn saga_of(&self, order: OrderId) -> SagaId {
        let id: uuid::Uuid =
            sqlx::query_scalar("select id from saga where order_id = $1 order by created_at limit 1")
                .bind(order.as_uuid())
                .fetch_one(&self.db.pool())
                .await
                .unwrap();
        id.into()
    }

    pub(crate) async fn state_of(&self, saga: SagaId) -> SagaState {
        store::repository::saga::state(&self.db.pool(), saga).await.unwrap().unwrap()
    }

    pub(crate) async fn reaches(&self, saga: SagaId, state: SagaState) {
        eventually(LIMIT, || async {
            let now = self.state_of(saga).await;
            if now == state { Ok(()) } else { Err(now) }
        })
        .await;
    }

    /// Waits until every saga has ended, and checks the books.
    pub(crate) async fn proven(&self) {
        eventually(LIMIT, || async { proof::unfinished(&self.db.pool()).await == 0 }).await;
        proof::check(&self.db.pool(), &self.provider).await;
    }

    /// Of the item: available, held, sold.
    pub(crate) async fn stock(&self, item: ItemId) -> (i64, i64, i64) {
        sqlx::query_as("select available, held, sold from stock where item_id = $1")
            .bind(item.as_uuid())
            .fetch_one(&self.db.pool())
            .await
            .unwrap()
    }
}

/// One process of the service, as far as the others can tell.
pub(crate) struct Instance {
    state: AppState,
    runtime: Option<Runtime>,
}

impl Instance {
    async fn start(db: &TestDb, provider: &FakeProvider, settings: Settings) -> Self {
        let variables = BTreeMap::from([
            ("DATABASE_URL".to_owned(), db.url()),
            ("DORAN_PAYMENT_SANDBOX_URLS".to_owned(), provider.url.clone()),
        ]);
        let config = Config { saga: settings, ..Config::from_env(&variables).unwrap() };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let started = runtime.spawn(async move {
            let platform = Platform::quiet(config.base.clone()).unwrap();
            store::state(&config, &platform).unwrap()
        });
        Self { state: started.await.unwrap(), runtime: Some(runtime) }
    }

    /// Does something in the instance, as one of its handlers would.
    pub(crate) async fn run<F, T>(&self, work: impl FnOnce(Sagas, PgPool) -> F) -> T
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.spawn(work(self.state.sagas.clone(), self.state.db.clone())).await.unwrap()
    }

    /// Orders one piece, and waits so long for the end.
    pub(crate) async fn buy(
        &self,
        user: UserId,
        item: ItemId,
        token: &str,
        wait: Duration,
    ) -> (OrderId, Settled) {
        self.place(user, &[(item, 1)], token, wait).await
    }

    pub(crate) async fn place(
        &self,
        user: UserId,
        lines: &[(ItemId, i32)],
        token: &str,
        wait: Duration,
    ) -> (OrderId, Settled) {
        let lines = lines.iter().map(|(item, quantity)| Line { item: *item, quantity: *quantity }).collect();
        let (method, token) = ("card".to_owned(), token.to_owned());
        self.begin(NewOrder { user, lines, method, token, payment: None, answer: None }, wait).await
    }

    pub(crate) async fn begin(&self, new: NewOrder, wait: Duration) -> (OrderId, Settled) {
        self.run(move |sagas, db| async move {
            let mut tx = db.begin().await.unwrap();
            let begun = sagas.place(&mut tx, new).await.unwrap();
            tx.commit().await.unwrap();
            let order = begun.order;
            (order, sagas.settled(begun, wait).await)
        })
        .await
    }

    pub(crate) async fn cancel(
        &self,
        order: OrderId,
        user: UserId,
        wait: Duration,
    ) -> Result<Settled, store::error::Error> {
        self.cancel_with(order, user, None, wait).await
    }

    pub(crate) async fn cancel_with(
        &self,
        order: OrderId,
        user: UserId,
        answer: Option<Key>,
        wait: Duration,
    ) -> Result<Settled, store::error::Error> {
        self.run(move |sagas, db| async move {
            let mut tx = db.begin().await.unwrap();
            let begun = sagas.cancel(&mut tx, order, user, answer).await?;
            tx.commit().await.unwrap();
            Ok(sagas.settled(begun, wait).await)
        })
        .await
    }

    pub(crate) async fn refund(
        &self,
        order: OrderId,
        amount: Option<i64>,
        wait: Duration,
    ) -> Result<Settled, store::error::Error> {
        let by = chassis::fresh_id();
        let new = NewRefund { amount, reason: "the cover was torn".to_owned(), by, answer: None };
        self.run(move |sagas, db| async move {
            let mut tx = db.begin().await.unwrap();
            let (begun, _) = sagas.refund(&mut tx, order, new).await?;
            tx.commit().await.unwrap();
            Ok(sagas.settled(begun, wait).await)
        })
        .await
    }

    /// SIGKILL: every task is gone and every connection broken off.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.kill();
    }
}
