//! The state of rate limits that all gateways share: in Redis, decided there and on its clock.

use std::time::Duration;

use chassis::redis::{Link, Lost};
use redis::{RedisResult, Script};

use super::gcra::{Limit, Outcome, Verdict};
use super::store::Caller;

/// What a request may wait for the verdict; then this gateway decides by itself.
const BUDGET: Duration = Duration::from_millis(20);

/// One core's access: a connection is of use only on the runtime that made it.
pub(crate) struct SharedLimiter {
    link: Link,
    script: Script,
}

impl SharedLimiter {
    pub(crate) fn new(link: Link) -> Self {
        Self { link, script: Script::new(include_str!("gcra.lua")) }
    }

    /// Counts one request of `caller` on `route`.
    pub(crate) async fn check(&self, route: &str, limit: &Limit, caller: Caller) -> Result<Verdict, Lost> {
        let (verdict, _at) = self.decide(route, limit, caller).await?;
        Ok(verdict)
    }

    /// The verdict, and when it was reached: microseconds since 1970 on Redis' clock.
    async fn decide(&self, route: &str, limit: &Limit, caller: Caller) -> Result<(Verdict, u64), Lost> {
        // By the route's name, so that all gateways mean the same, and a reload keeps the counts.
        let mut call = self.script.key(format!("gateway:v1:limit:{route}:{caller}"));
        call.arg(limit.interval()).arg(limit.window());
        let ask = async |mut connection| -> RedisResult<(bool, u32, u64, u64, u64)> {
            call.invoke_async(&mut connection).await
        };
        let (admitted, remaining, after, full_after, at) = self.link.ask("EVALSHA", BUDGET, ask).await?;
        let outcome = if admitted { Outcome::Admitted } else { Outcome::Refused { after } };
        Ok((Verdict { outcome, remaining, full_after }, at))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chassis::{Platform, Reader};
    use testkit::{TestRedis, eventually};
    use uuid::Uuid;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);
    const CALLER: Caller = Caller::User(Uuid::nil());
    /// Between what is left of 1,000 after [`spend`] and all of it; a lost connection costs a second or two, which
    /// earn as many.
    const ENOUGH: u32 = 975;

    /// The limiter, with the platform that keeps its connection.
    async fn limiter(redis: &TestRedis) -> (SharedLimiter, Platform) {
        let env = BTreeMap::from([("REDIS_URL".to_owned(), redis.url())]);
        let base = Reader::new(&env).base("gateway", 8080);
        let platform = Platform::quiet(base).unwrap();
        let link = platform.redis().link().unwrap().clone();
        eventually(PATIENCE, || async { link.is_up() }).await;
        (SharedLimiter::new(link), platform)
    }

    /// Asks again when this machine was too busy for the budget.
    async fn check(limiter: &SharedLimiter, route: &str, limit: &Limit) -> Verdict {
        eventually(PATIENCE, || limiter.check(route, limit, CALLER)).await
    }

    /// Takes 50.
    async fn spend(limiter: &SharedLimiter, route: &str, limit: &Limit) {
        for _ in 0..50 {
            let _ = check(limiter, route, limit).await;
        }
    }

    /// The rule is the oracle: fed with the times that Redis decided at, it must come to the same verdicts.
    #[tokio::test]
    async fn redis_decides_as_the_rule_does_to_the_nanosecond() {
        let Some(redis) = TestRedis::start().await else { return };
        let (limiter, _platform) = limiter(&redis).await;
        let (mut admitted, mut refused) = (0, 0);
        // From far faster than the questions come to far slower, with intervals that are no whole microseconds.
        for per_second in [1, 7, 300, 999, 3_000, 7_777, 12_345, 30_000, 70_001, 300_000, 3_000_000] {
            for burst in [1, 2, 3, 10, 100] {
                let limit = Limit::new(per_second, burst).unwrap();
                let route = format!("{per_second}-{burst}");
                let (mut arrival, mut last) = (0, 0);
                for _ in 0..60 {
                    // Asked once: a question that was lost may have been counted all the same.
                    let Ok((verdict, at)) = limiter.decide(&route, &limit, CALLER).await else {
                        let link = limiter.link.clone();
                        eventually(PATIENCE, || async { link.is_up() }).await;
                        break;
                    };
                    assert!(at > last, "time passes");
                    last = at;
                    let (expected, next) = limit.decide(arrival, at * 1000);
                    assert_eq!(verdict, expected, "{limit:?} at {at}");
                    arrival = next;
                    match expected.outcome {
                        Outcome::Admitted => admitted += 1,
                        Outcome::Refused { .. } => refused += 1,
                    }
                }
            }
        }
        assert!(admitted > 500 && refused > 500, "{admitted} admitted, {refused} refused");
    }

    #[tokio::test]
    async fn keys_go_when_their_buckets_are_full() {
        let Some(redis) = TestRedis::start().await else { return };
        let (limiter, _platform) = limiter(&redis).await;
        let (slow, fast) = (Limit::new(1, 100).unwrap(), Limit::new(20, 5).unwrap());
        let look = redis.connect().await;
        let key = |route: &str| format!("gateway:v1:limit:{route}:{CALLER}");
        // Asked again when this machine was so busy that the key had gone before it was looked at.
        let (left, full_after) = eventually(PATIENCE, || async {
            let verdict = check(&limiter, "slow", &slow).await;
            let left: i64 =
                ::redis::cmd("PTTL").arg(key("slow")).query_async(&mut look.clone()).await.unwrap();
            u64::try_from(left).ok().map(|left| (left, verdict.full_after))
        })
        .await;
        assert!(left <= full_after.div_ceil(1_000_000), "{left} ms, but full after {full_after} ns");
        let _ = check(&limiter, "fast", &fast).await;
        eventually(PATIENCE, || async {
            let exists: bool =
                ::redis::cmd("EXISTS").arg(key("fast")).query_async(&mut look.clone()).await.unwrap();
            !exists
        })
        .await;
    }

    #[tokio::test]
    async fn a_flushed_script_is_loaded_again_and_flushed_counts_begin_anew() {
        let Some(redis) = TestRedis::start().await else { return };
        let (limiter, _platform) = limiter(&redis).await;
        let limit = Limit::new(1, 1_000).unwrap();
        spend(&limiter, "a", &limit).await;
        redis.run("SCRIPT FLUSH").await;
        assert!(check(&limiter, "a", &limit).await.remaining < ENOUGH, "counted on");
        redis.run("FLUSHALL").await;
        assert!(check(&limiter, "a", &limit).await.remaining > ENOUGH, "counted anew");
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_costs_one_interval() {
        let Some(redis) = TestRedis::start().await else { return };
        let (limiter, _platform) = limiter(&redis).await;
        let limit = Limit::new(1, 3).unwrap();
        let key = format!("gateway:v1:limit:a:{CALLER}");
        // An arrival in the year 2100.
        let () = ::redis::cmd("SET")
            .arg(key)
            .arg("4102444800000000 7")
            .query_async(&mut redis.connect().await)
            .await
            .unwrap();
        let outcome = check(&limiter, "a", &limit).await.outcome;
        assert_eq!(outcome, Outcome::Refused { after: limit.interval() });
    }

    #[tokio::test]
    async fn a_redis_that_stands_still_is_waited_for_once_and_asked_again_when_it_goes_on() {
        let Some(redis) = TestRedis::start().await else { return };
        let (limiter, _platform) = limiter(&redis).await;
        let limit = Limit::new(1, 1_000).unwrap();
        spend(&limiter, "a", &limit).await;
        redis.pause();
        assert!(matches!(limiter.check("a", &limit, CALLER).await, Err(Lost::Slow { limit: BUDGET })));
        for _ in 0..100 {
            assert!(matches!(limiter.check("a", &limit, CALLER).await, Err(Lost::Away)));
        }
        redis.resume();
        assert!(
            check(&limiter, "a", &limit).await.remaining < ENOUGH,
            "what was counted before still counts"
        );
    }

    #[tokio::test]
    async fn a_redis_that_was_stopped_is_used_again_when_it_is_back() {
        let Some(mut redis) = TestRedis::start().await else { return };
        let (limiter, _platform) = limiter(&redis).await;
        let limit = Limit::new(1, 10).unwrap();
        let _ = check(&limiter, "a", &limit).await;
        redis.stop();
        assert!(matches!(limiter.check("a", &limit, CALLER).await, Err(Lost::Failed(_) | Lost::Away)));
        assert!(matches!(limiter.check("a", &limit, CALLER).await, Err(Lost::Away)));
        redis.restart().await;
        let _ = check(&limiter, "a", &limit).await;
    }
}
