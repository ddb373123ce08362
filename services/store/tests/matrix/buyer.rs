//! Somebody who buys: asks with a key until there is an answer, and remembers what was promised.

use std::sync::Arc;
use std::time::Duration;

use contract::id::{ItemId, OrderId, UserId};
use contract::store::{Order, OrderStatus, PaymentStatus};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::ask::{Again, Answer, Question, read};
use super::world::{END, PRICE, World};

const ORDERS: &str = "/api/store/orders";
/// Between two looks at an order.
const PACE: Duration = Duration::from_millis(100);
/// How long somebody waits who wants to cancel at once.
const HURRY: Duration = Duration::from_millis(300);

/// What somebody wants.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) lines: Vec<(ItemId, i32)>,
    /// Says what happens at the provider.
    pub(crate) token: &'static str,
    pub(crate) then: Then,
    /// Where it is asked for, attempts taking turns.
    pub(crate) at: Vec<String>,
}

/// What happens to the order afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Keep,
    /// It is cancelled while it is being paid for.
    CancelAtOnce,
    /// It is cancelled once it is confirmed.
    Cancel,
    /// So much of the money goes back; none is all.
    Refund(Option<i64>),
}

/// What was promised.
#[derive(Debug)]
pub(crate) struct Receipt {
    pub(crate) wish: Wish,
    pub(crate) user: UserId,
    pub(crate) order: OrderId,
    /// As the last answer said.
    pub(crate) status: OrderStatus,
    /// Attempts that were needed for all of it.
    pub(crate) attempts: u32,
}

pub(crate) struct Buyer {
    world: Arc<World>,
    user: UserId,
    token: String,
    wish: Wish,
    attempts: u32,
}

impl Buyer {
    pub(crate) fn new(world: Arc<World>, wish: Wish) -> Self {
        let (user, token) = world.user();
        Self { world, user, token, wish, attempts: 0 }
    }

    pub(crate) async fn buy(mut self) -> Receipt {
        let placed =
            if self.wish.then == Then::CancelAtOnce { self.begin().await } else { self.place().await };
        let order = match (self.wish.then, placed.status) {
            (Then::Keep, _) | (_, OrderStatus::Failed) => placed,
            (Then::CancelAtOnce | Then::Cancel, _) => self.cancel(placed).await,
            (Then::Refund(amount), _) => self.refund(placed, amount).await,
        };
        let Self { user, wish, attempts, .. } = self;
        Receipt { wish, user, order: order.id, status: order.status, attempts }
    }

    fn body(&self) -> Value {
        let line = |(item, quantity): &(ItemId, i32)| json!({ "itemId": item, "quantity": quantity });
        let lines: Vec<_> = self.wish.lines.iter().map(line).collect();
        json!({ "items": lines, "payment": { "method": "card", "token": self.wish.token } })
    }

    /// The order as it is when it is no longer pending.
    async fn place(&mut self) -> Order {
        let answer = self.post(ORDERS, &self.token.clone(), &new_key(), &self.body()).await;
        match answer.status {
            StatusCode::CREATED => answer.read(),
            StatusCode::ACCEPTED => {
                self.awaited(&answer.place.unwrap(), |order| order.status != OrderStatus::Pending).await
            }
            status => panic!("an order is answered with {status}: {}", answer.body),
        }
    }

    /// The order as soon as it is to be seen; nobody waits for its end.
    async fn begin(&mut self) -> Order {
        let (key, token, body) = (new_key(), self.token.clone(), self.body());
        let began = Instant::now();
        while began.elapsed() < END {
            let question = Question { token: &token, path: ORDERS, order: Some((&key, &body)) };
            let door = self.door();
            // The answer would come when the order has its end.
            if let Ok(Ok(answer)) = timeout(HURRY, question.ask(&self.world.http, &door)).await {
                return answer.read();
            }
            let question = Question { order: None, ..question };
            if let Ok(page) = question.ask(&self.world.http, &door).await
                && let Some(order) = page.body["content"].get(0)
            {
                return read(order);
            }
        }
        panic!("no order with the key {key}");
    }

    async fn cancel(&mut self, order: Order) -> Order {
        let place = format!("{ORDERS}/{}", order.id);
        let answer = self.post(&format!("{place}/cancel"), &self.token.clone(), &new_key(), &json!({})).await;
        match answer.status {
            StatusCode::OK => answer.read(),
            StatusCode::ACCEPTED => {
                let over = [OrderStatus::Cancelled, OrderStatus::Failed];
                self.awaited(&place, |order| over.contains(&order.status)).await
            }
            // It had failed by then.
            StatusCode::CONFLICT => self.awaited(&place, |_| true).await,
            status => panic!("a cancellation is answered with {status}: {}", answer.body),
        }
    }

    async fn refund(&mut self, order: Order, amount: Option<i64>) -> Order {
        let place = format!("{ORDERS}/{}", order.id);
        // Before that there is nothing to give back.
        let paid = |order: &Order| order.payment.as_ref().map(|paid| paid.status);
        self.awaited(&place, |order| paid(order) == Some(PaymentStatus::Captured)).await;
        let body = json!({ "amount": amount, "reason": "a page was missing" });
        let admin = self.world.admin();
        let answer = self.post(&format!("{place}/refund"), &admin, &new_key(), &body).await;
        let status = answer.status;
        assert!(status.is_success(), "a refund is answered with {status}: {}", answer.body);
        let wanted = amount.unwrap_or(order.total_amount);
        let refunded = |order: &Order| order.payment.as_ref().map(|paid| paid.refunded_amount);
        self.awaited(&place, |order| refunded(order) == Some(wanted)).await
    }

    /// Until there is an answer that says something about what was asked.
    async fn post(&mut self, path: &str, token: &str, key: &str, body: &Value) -> Answer {
        let began = Instant::now();
        loop {
            let question = Question { token, path, order: Some((key, body)) };
            let door = self.door();
            let Again { why, pause } = match question.ask(&self.world.http, &door).await {
                Ok(answer) => return answer,
                Err(again) => again,
            };
            assert!(began.elapsed() < END, "no answer to {path}: {why}");
            sleep(pause).await;
        }
    }

    /// Until it is there and as it should be.
    async fn awaited(&mut self, path: &str, is_it: impl Fn(&Order) -> bool) -> Order {
        let began = Instant::now();
        loop {
            let question = Question { token: &self.token.clone(), path, order: None };
            let door = self.door();
            let (last, pause) = match question.ask(&self.world.http, &door).await {
                Ok(answer) if answer.status != StatusCode::OK => {
                    panic!("{path} is answered with {}: {}", answer.status, answer.body)
                }
                Ok(answer) if is_it(&answer.read()) => return answer.read(),
                Ok(answer) => (answer.body.to_string(), PACE),
                Err(Again { why, pause }) => (why, pause),
            };
            assert!(began.elapsed() < END, "{path} never comes to its end: {last}");
            sleep(pause).await;
        }
    }

    fn door(&mut self) -> String {
        self.attempts += 1;
        self.wish.at[self.attempts as usize % self.wish.at.len()].clone()
    }
}

impl Wish {
    /// What the whole of it costs.
    pub(crate) fn total(&self) -> i64 {
        self.lines.iter().map(|(_, quantity)| i64::from(*quantity) * PRICE).sum()
    }
}

fn new_key() -> String {
    Uuid::now_v7().to_string()
}
