//! Sessions and profiles over a real Redis that is stopped, paused and flushed.

use std::time::Duration;

use contract::user::UserStatus;
use http::StatusCode;
use redis::aio::MultiplexedConnection;
use serde_json::Value;
use testkit::{TestRedis, eventually};
use uuid::Uuid;

use crate::service::{Auth, EMAIL, Tokens};

const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody who is logged in, and a look into Redis.
struct Login {
    auth: Auth,
    tokens: Tokens,
    session_key: String,
    profile_key: String,
    look: MultiplexedConnection,
}

impl Login {
    async fn over(redis: &TestRedis) -> Self {
        let auth = Auth::with_redis(redis).await;
        let user = auth.account(EMAIL).await;
        let tokens = auth.logged_in(EMAIL).await;
        let session: Uuid = sqlx::query_scalar("select id from session").fetch_one(&auth.db).await.unwrap();
        Self {
            auth,
            tokens,
            session_key: format!("auth:v1:session:{session}"),
            profile_key: format!("auth:v1:profile:{user}"),
            look: redis.connect().await,
        }
    }

    async fn me(&self) -> Result<Value, StatusCode> {
        let answer = self.auth.me(&self.tokens.access).send().await;
        if answer.status == StatusCode::OK { Ok(answer.json()) } else { Err(answer.status) }
    }

    async fn log_out(&self) {
        let request = self.auth.app.post("/api/auth/logout").bearer(&self.tokens.access);
        let _ = request.send().await.expect(StatusCode::OK);
    }

    async fn held(&self, key: &str) -> Option<String> {
        redis::cmd("GET").arg(key).query_async(&mut self.look.clone()).await.unwrap()
    }

    /// Asks until both are in Redis, and then keeps them there for good.
    async fn cached_for_good(&self) {
        eventually(PATIENCE, || async {
            self.me().await.unwrap();
            let mut kept = true;
            for key in [&self.session_key, &self.profile_key] {
                kept &= self.kept_for_good(key).await;
            }
            kept
        })
        .await;
    }

    /// Keeps a value. A lease that a reader gave up has to end by itself.
    async fn kept_for_good(&self, key: &str) -> bool {
        if !self.held(key).await.is_some_and(|held| held.starts_with('V')) {
            return false;
        }
        let _: bool = redis::cmd("PERSIST").arg(key).query_async(&mut self.look.clone()).await.unwrap();
        let life: i64 = redis::cmd("TTL").arg(key).query_async(&mut self.look.clone()).await.unwrap();
        life == -1
    }
}

#[tokio::test]
async fn who_is_cached_needs_neither_the_database_nor_user() {
    let Some(redis) = TestRedis::start().await else { return };
    let mut login = Login::over(&redis).await;
    login.cached_for_good().await;
    let session = login.held(&login.session_key).await.unwrap();
    assert!(session.contains(EMAIL) && !session.contains("argon2"), "no hash leaves the database: {session}");
    login.auth.stop_user().await;
    login.auth.connected().await;
    login.auth.state.db.close().await;
    // Again when Redis was too slow once. The whole profile, not auth's copy of a part.
    eventually(PATIENCE, || async {
        let me = login.me().await;
        if me.as_ref().is_ok_and(|me| me["data"]["info"] == "안녕") { Ok(()) } else { Err(me) }
    })
    .await;
}

#[tokio::test]
async fn a_logout_takes_the_session_out_of_redis() {
    let Some(redis) = TestRedis::start().await else { return };
    let login = Login::over(&redis).await;
    login.cached_for_good().await;
    login.log_out().await;
    assert_eq!(login.me().await, Err(StatusCode::UNAUTHORIZED));
    if login.auth.platform.redis().link().unwrap().is_up() {
        assert!(!login.held(&login.session_key).await.is_some_and(|held| held.starts_with('V')));
    }
}

#[tokio::test]
async fn a_reused_refresh_token_takes_the_session_out_of_redis() {
    let Some(redis) = TestRedis::start().await else { return };
    let login = Login::over(&redis).await;
    login.auth.refreshed(&login.tokens.refresh).await;
    sqlx::query("update token set rotated_at = now() - interval '1 minute' where rotated_at is not null")
        .execute(&login.auth.db)
        .await
        .unwrap();
    login.cached_for_good().await;
    let _ = login.auth.refresh(&login.tokens.refresh).send().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(login.me().await, Err(StatusCode::UNAUTHORIZED));
}

/// Redis dies between the commit and the invalidation, or another replica never hears of it.
#[tokio::test]
async fn an_end_that_redis_was_never_told_of_bites_within_a_second() {
    let Some(redis) = TestRedis::start().await else { return };
    let login = Login::over(&redis).await;
    let life = eventually(PATIENCE, || async {
        login.me().await.unwrap();
        let held = login.held(&login.session_key).await;
        let life: i64 =
            redis::cmd("PTTL").arg(&login.session_key).query_async(&mut login.look.clone()).await.unwrap();
        (held.is_some_and(|held| held.starts_with('V')) && life > 0).then_some(life)
    })
    .await;
    assert!(life <= 770, "with the 200 ms that a read may be joined, below a second: {life}");
    sqlx::query("update session set ended_at = now(), end_reason = 'LOGOUT'")
        .execute(&login.auth.db)
        .await
        .unwrap();
    eventually(PATIENCE, || async { login.me().await.is_err() }).await;
}

#[tokio::test]
async fn a_suspension_bites_although_session_and_profile_are_cached() {
    let Some(redis) = TestRedis::start().await else { return };
    let login = Login::over(&redis).await;
    eventually(PATIENCE, || async {
        login.me().await.unwrap();
        login.kept_for_good(&login.profile_key).await
    })
    .await;
    // As the event of user leaves it.
    for record in login.auth.records.lock().unwrap().values_mut() {
        record.user.status = UserStatus::Suspended;
        record.version = 2;
    }
    sqlx::query("update auth_user set profile_version = 2, status = 'SUSPENDED'")
        .execute(&login.auth.db)
        .await
        .unwrap();
    eventually(PATIENCE, || async { login.me().await.is_err() }).await;
}

#[tokio::test]
async fn a_change_that_auth_knows_of_is_shown_although_the_old_profile_is_cached() {
    let Some(redis) = TestRedis::start().await else { return };
    let login = Login::over(&redis).await;
    login.cached_for_good().await;
    for record in login.auth.records.lock().unwrap().values_mut() {
        record.user.info = Some("새 소개".to_owned());
        record.version = 2;
    }
    // Whoever asks now when Redis is slow tells auth of the change.
    let held = login.held(&login.profile_key).await.unwrap();
    assert!(held.starts_with("V1 ") && held.contains("안녕"), "nobody has told auth: {held}");
    sqlx::query("update auth_user set profile_version = 2").execute(&login.auth.db).await.unwrap();
    let _: bool =
        redis::cmd("DEL").arg(&login.session_key).query_async(&mut login.look.clone()).await.unwrap();
    eventually(PATIENCE, || async { login.me().await.unwrap()["data"]["info"] == "새 소개" }).await;
}

#[tokio::test]
async fn a_redis_that_stands_still_between_login_and_logout_lets_nobody_stay() {
    let Some(redis) = TestRedis::start().await else { return };
    let login = Login::over(&redis).await;
    eventually(PATIENCE, || async {
        login.me().await.unwrap();
        login.held(&login.session_key).await.is_some_and(|held| held.starts_with('V'))
    })
    .await;
    redis.pause();
    login.log_out().await;
    assert_eq!(login.me().await, Err(StatusCode::UNAUTHORIZED), "the database knows");
    redis.resume();
    login.auth.connected().await;
    // Redis is not asked for longer than an entry lives after it missed an invalidation.
    assert_eq!(login.me().await, Err(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn without_redis_everything_goes_on_from_the_database() {
    let Some(mut redis) = TestRedis::start().await else { return };
    let login = Login::over(&redis).await;
    login.cached_for_good().await;
    redis.stop();
    // Auth's own copy has no such thing; it answers when user takes too long.
    eventually(PATIENCE, || async { login.me().await.unwrap()["data"]["info"] == "안녕" }).await;
    let again = login.auth.logged_in(EMAIL).await;
    login.log_out().await;
    assert_eq!(login.me().await, Err(StatusCode::UNAUTHORIZED));
    let _ = login.auth.me(&again.access).send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_flushed_redis_brings_nobody_back_and_throws_nobody_out() {
    let Some(redis) = TestRedis::start().await else { return };
    let login = Login::over(&redis).await;
    login.cached_for_good().await;
    redis.run("FLUSHALL").await;
    redis.run("SCRIPT FLUSH").await;
    login.me().await.unwrap();
    login.log_out().await;
    redis.run("FLUSHALL").await;
    assert_eq!(login.me().await, Err(StatusCode::UNAUTHORIZED));
}
