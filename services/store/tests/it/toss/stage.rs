//! A charge, and the provider that the fake stands for, as the service makes it from its environment.

use std::collections::BTreeMap;

use chassis::{HasBase as _, Platform};
use contract::id::OrderId;
use store::Config;
use store::payment::{Charge, Provider};
use uuid::Uuid;

use super::expected::Expected;
use super::fake::FakeToss;

pub(crate) const SECRET: &str = "test_sk_doran0123456789";
/// As in the recorded answers.
pub(crate) const TOKEN: &str = "tdora20251101101530Hk7Q2";
pub(crate) const ORDER_ID: &str = "01890000-0000-7000-8000-000000000001";
pub(crate) const AMOUNT: i64 = 15_000;

pub(crate) struct Stage {
    pub(crate) fake: FakeToss,
    pub(crate) provider: Provider,
}

impl Stage {
    /// The fake is asked for this, in this order, and nothing else.
    pub(crate) async fn new(expected: impl IntoIterator<Item = Expected>) -> Self {
        Self::with(expected, &[]).await
    }

    pub(crate) async fn with(expected: impl IntoIterator<Item = Expected>, more: &[(&str, &str)]) -> Self {
        let fake = FakeToss::start(expected).await;
        let provider = provider(&fake.url, more);
        Self { fake, provider }
    }
}

pub(crate) fn provider(url: &str, more: &[(&str, &str)]) -> Provider {
    let least = [
        ("DATABASE_URL", "postgres://localhost/store_db"),
        ("DORAN_PAYMENT_PROVIDER", "toss"),
        ("DORAN_PAYMENT_TOSS_URL", url),
        ("DORAN_PAYMENT_TOSS_SECRET_KEY", SECRET),
    ];
    let env: BTreeMap<_, _> =
        least.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let config = Config::from_env(&env).expect("the test's environment is complete");
    let platform = Platform::quiet(config.base().clone()).expect("nothing can be missing");
    Provider::new(&config.payment, &platform).expect("a client without root certificates can be set up")
}

/// Nothing is known of it but what the customer sent.
pub(crate) fn charge() -> Charge {
    Charge {
        payment: ORDER_ID.parse().unwrap(),
        order: OrderId::from_uuid(Uuid::nil()),
        amount: AMOUNT,
        currency: "KRW".to_owned(),
        method: "card".to_owned(),
        token: TOKEN.to_owned(),
        reference: None,
    }
}

/// Its money was taken.
pub(crate) fn paid() -> Charge {
    Charge { reference: Some(TOKEN.to_owned()), ..charge() }
}
