//! Following auth's revocations: what is accepted and when the service is ready, as auth comes and goes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use chassis::Platform;
use chassis::identity::{TokenError, follow_revocations};
use contract::auth::{JWKS_PATH, RevocationReason, TokenRevoked, event::TOKEN_REVOKED};
use contract::claims::AccessClaims;
use contract::event::{HEAD_HEADER, path, schema_urn};
use contract::user::Role;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Issuer, eventually};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::fixture::{claims, platform, serve};

const LIMIT: Duration = Duration::from_secs(10);

/// Keys and a feed, as auth serves them.
#[derive(Clone)]
struct FakeAuth {
    issuer: Arc<Issuer>,
    events: watch::Sender<Vec<Value>>,
}

impl FakeAuth {
    fn new() -> Self {
        Self { issuer: Arc::new(Issuer::new()), events: watch::Sender::default() }
    }

    async fn serve(&self) -> String {
        let keys = self.issuer.jwks();
        let router = Router::new()
            .route(JWKS_PATH, get(move || async move { Json(keys) }))
            .route(path::FEED, get(feed))
            .with_state(self.clone());
        format!("http://{}", serve(router).await)
    }

    fn revoke(&self, claims: &AccessClaims) {
        let revoked = TokenRevoked::session(claims.sub, claims.sid, RevocationReason::Logout);
        self.events.send_modify(|events| {
            let position = (events.len() + 1).to_string();
            let session = claims.sid.to_string();
            events.push(json!({
                "specversion": "1.0", "id": uuid::Uuid::now_v7(), "source": "/auth", "type": TOKEN_REVOKED,
                "subject": session, "time": chrono::Utc::now(), "datacontenttype": "application/json",
                "dataschema": schema_urn(TOKEN_REVOKED), "sequence": "1", "position": position,
                "partitionkey": session, "data": revoked,
            }));
        });
    }
}

/// Waits for an event as the real one does.
async fn feed(State(auth): State<FakeAuth>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    let (after, wait) = (number("after"), number("wait"));
    let mut events = auth.events.subscribe();
    let limit = Duration::from_secs(u64::try_from(wait).unwrap_or_default());
    // Nothing new within the limit is an answer, too.
    let _ = timeout(limit, events.wait_for(|events| events.len() > after)).await;
    let events = events.borrow().clone();
    let head = events.len().max(after).to_string();
    ([(HEAD_HEADER, head)], Json(events[after.min(events.len())..].to_vec())).into_response()
}

/// A service that follows auth, wherever the registry says it is.
struct Service {
    platform: Platform,
    directory: TempDir,
}

impl Service {
    fn start(auth: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        register(directory.path(), auth);
        let registry = directory.path().join("registry.json").display().to_string();
        let platform = platform(&[("DORAN_REGISTRY", registry)]);
        follow_revocations(&platform);
        Self { platform, directory }
    }

    fn auth_is(&self, auth: &[&str]) {
        register(self.directory.path(), auth);
    }

    async fn verify(&self, token: &str) -> Result<(), TokenError> {
        self.platform.identity().access.verify(token).await.map(|_| ())
    }

    /// The same, once the list is there: while it is still loaded, verifying waits a moment only.
    async fn verify_once_loaded(&self, token: &str) -> Result<(), TokenError> {
        eventually(LIMIT, || async {
            let verdict = self.verify(token).await;
            (verdict != Err(TokenError::Unavailable)).then_some(verdict)
        })
        .await
    }

    fn is_ready(&self) -> bool {
        self.platform.readiness().check().is_ok()
    }

    fn lacks_revocations(&self) -> bool {
        self.platform.readiness().check().is_err_and(|missing| missing.contains_key("revocations"))
    }
}

fn register(directory: &Path, auth: &[&str]) {
    let instances: Vec<_> = auth.iter().map(|url| json!({ "id": url, "url": url })).collect();
    let aside = directory.join("registry.new");
    fs::write(&aside, json!({ "services": { "auth": instances } }).to_string()).unwrap();
    fs::rename(aside, directory.join("registry.json")).unwrap();
}

/// Takes connections and says nothing.
fn hanging() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn what_was_revoked_before_the_start_and_what_is_later_is_refused() {
    let auth = FakeAuth::new();
    let (before, later) = (claims(Role::User), claims(Role::User));
    auth.revoke(&before);
    let service = Service::start(&[&auth.serve().await]);
    let [before, later_token] = [&before, &later].map(|claims| auth.issuer.sign(claims));
    let refused = Err(TokenError::Invalid("revoked"));
    assert_eq!(service.verify_once_loaded(&before).await, refused);
    assert_eq!(service.verify(&later_token).await, Ok(()));
    auth.revoke(&later);
    eventually(LIMIT, || async { service.verify(&later_token).await == refused }).await;
    assert!(service.is_ready());
}

#[tokio::test]
async fn a_service_without_auth_gets_ready_and_one_that_lacks_the_list_does_not() {
    let (_listener, mute) = hanging();
    let service = Service::start(&[&mute]);
    assert!(service.lacks_revocations());
    // Whatever the token is worth: nobody is logged out for this.
    let auth = FakeAuth::new();
    let token = auth.issuer.sign(&claims(Role::User));
    service.platform.identity().access.set_keys(&auth.issuer.jwks());
    assert_eq!(service.verify(&token).await, Err(TokenError::Unavailable));

    service.auth_is(&[]);
    eventually(LIMIT, || async { service.is_ready() }).await;
    assert_eq!(service.verify(&token).await, Err(TokenError::Unavailable), "ready, but not for tokens");
    service.auth_is(&[&mute]);
    eventually(LIMIT, || async { service.lacks_revocations() }).await;
    service.auth_is(&[&auth.serve().await]);
    eventually(LIMIT, || async { service.is_ready() }).await;
    assert_eq!(service.verify(&token).await, Ok(()));
    service.auth_is(&[]);
    assert_eq!(service.verify(&token).await, Ok(()), "what is known stays known");
    assert!(service.is_ready());
}

#[tokio::test]
async fn a_revocation_that_cannot_be_read_does_not_hide_those_behind_it() {
    let auth = FakeAuth::new();
    let claims = claims(Role::User);
    for _ in 0..3 {
        auth.revoke(&claims);
    }
    let odd = [json!({ "sub": "nobody" }), json!({ "sub": claims.sub, "reason": "LOGOUT" })];
    auth.events.send_modify(|events| {
        for (event, data) in events.iter_mut().zip(odd) {
            event["data"] = data;
        }
    });
    let service = Service::start(&[&auth.serve().await]);
    let token = auth.issuer.sign(&claims);
    assert_eq!(service.verify_once_loaded(&token).await, Err(TokenError::Invalid("revoked")));
}
