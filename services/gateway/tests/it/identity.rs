//! Who passes, and what services are told about the caller.

use contract::auth::{RevocationReason, TokenRevoked};
use contract::user::Role;
use reqwest::Response;
use serde_json::Value;
use testkit::{Issuer, access_claims};

use crate::fixture::{Gateway, Options};

async fn problem(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let problem: Value = answer.json().await.unwrap();
    (status, problem["errorCode"].as_str().unwrap_or_else(|| panic!("{problem}")).to_owned())
}

fn header<'a>(echo: &'a Value, name: &str) -> Option<&'a str> {
    let headers = echo["headers"].as_array().expect("the fake echoes headers");
    headers.iter().find(|pair| pair[0] == name).and_then(|pair| pair[1].as_str())
}

#[tokio::test]
async fn a_good_token_passes_and_its_answers_are_not_stored() {
    let gateway = Gateway::start().await;
    let token = gateway.keys.somebody(Role::User);
    for _ in 0..2 {
        let answer = gateway.get("/api/users/1").bearer_auth(&token).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["cache-control"]),
            (200, &"no-store".parse().unwrap())
        );
        let echo: Value = answer.json().await.unwrap();
        assert_eq!(header(&echo, "authorization"), Some(&*format!("Bearer {token}")));
    }
    let public = gateway.get("/api/store/items").send().await.unwrap();
    assert!(!public.headers().contains_key("cache-control"));
}

#[tokio::test]
async fn a_token_that_is_no_good_is_answered_401_with_its_reason() {
    let gateway = Gateway::start().await;
    let expired = {
        let mut claims = access_claims(chassis::fresh_id(), Role::User);
        claims.exp = claims.iat - 1;
        gateway.keys.sign(&claims)
    };
    let foreign = {
        let mut claims = access_claims(chassis::fresh_id(), Role::User);
        claims.iss = "http://evil.example/api/auth".into();
        gateway.keys.sign(&claims)
    };
    let audience = {
        let mut claims = access_claims(chassis::fresh_id(), Role::User);
        claims.aud = "others".into();
        gateway.keys.sign(&claims)
    };
    let forged = Issuer::new().somebody(Role::User);
    let none =
        format!("{}.{}.", "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0", expired.split('.').nth(1).unwrap());
    for (token, code) in [
        (expired, "A001"),
        (foreign, "A002"),
        (audience, "A002"),
        (forged, "A002"),
        (none, "A002"),
        ("garbage".to_owned(), "A002"),
    ] {
        let answer = gateway.get("/api/users/1").bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.headers()["www-authenticate"], "Bearer error=\"invalid_token\"");
        assert_eq!(problem(answer).await, (401, code.to_owned()), "{token}");
    }
    let without = gateway.get("/api/users/1").send().await.unwrap();
    assert_eq!(problem(without).await, (401, "A002".to_owned()));
    assert_eq!(gateway.upstream.seen(), 0);
}

#[tokio::test]
async fn on_a_public_route_a_bad_token_makes_the_caller_anonymous() {
    let gateway = Gateway::start().await;
    for path in ["/api/auth/login", "/api/auth/refresh", "/api/auth/logout", "/api/users"] {
        let answer = gateway.post(path).bearer_auth("dead").body("{}").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert!(!answer.headers().contains_key("cache-control"), "{path}");
    }
    let email = gateway.get("/api/users/check-email/a%40b.c").bearer_auth("dead").send().await.unwrap();
    assert_eq!(email.status(), 200);
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once_although_it_was_good_before() {
    let gateway = Gateway::start().await;
    let claims = access_claims(chassis::fresh_id(), Role::User);
    let token = gateway.keys.sign(&claims);
    let ask = |path: &str| gateway.get(path).bearer_auth(&token).send();
    assert_eq!(ask("/api/users/1").await.unwrap().status(), 200);
    let logout = TokenRevoked::session(claims.sub, claims.sid, RevocationReason::Logout);
    gateway.platform.identity().access.revocations().add(&logout, claims.iat);
    assert_eq!(problem(ask("/api/users/1").await.unwrap()).await, (401, "A002".to_owned()));
    assert_eq!(ask("/api/store/items").await.unwrap().status(), 200, "public: anonymous from now on");
}

#[tokio::test]
async fn administrators_alone_reach_batch() {
    let gateway = Gateway::start().await;
    let ask = |token: String| gateway.get("/api/batch/jobs").bearer_auth(token).send();
    assert_eq!(
        problem(ask(gateway.keys.somebody(Role::User)).await.unwrap()).await,
        (403, "A003".to_owned())
    );
    let anonymous = gateway.get("/api/batch/jobs").send().await.unwrap();
    assert_eq!(problem(anonymous).await, (401, "A002".to_owned()));
    assert_eq!(ask(gateway.keys.somebody(Role::Admin)).await.unwrap().status(), 200);
    assert_eq!(gateway.get("/api/batch/health").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn without_the_keys_of_tokens_nobody_is_refused_as_a_stranger() {
    let mut options = Options::default();
    options.urls.insert("auth", "http://127.0.0.1:1".into());
    let gateway = Gateway::with(options).await;
    let answer =
        gateway.get("/api/users/1").bearer_auth(gateway.keys.somebody(Role::User)).send().await.unwrap();
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(problem(answer).await, (503, "G002".to_owned()));
    let public =
        gateway.get("/api/store/items").bearer_auth(gateway.keys.somebody(Role::User)).send().await.unwrap();
    assert_eq!(public.status(), 200);
}

#[tokio::test]
async fn a_client_cannot_say_who_it_is_by_headers() {
    let gateway = Gateway::start().await;
    let spoofed = [
        "x-user-id",
        "x-user-role",
        "x-auth-subject",
        "x-internal-token",
        "x-retry-attempt",
        "x-request-timeout-ms",
    ];
    let mut request = gateway.get("/api/users/health").header("x-forwarded-for", "9.9.9.9");
    request = request.header("x-real-ip", "9.9.9.9");
    for name in spoofed {
        request = request.header(name, "777777");
    }
    let echo: Value = request.send().await.unwrap().json().await.unwrap();
    for name in &spoofed[..5] {
        assert_eq!(header(&echo, name), None, "{name}");
    }
    let left: u64 = header(&echo, "x-request-timeout-ms").unwrap().parse().unwrap();
    assert!((1..=2000).contains(&left), "{left}");
    assert_eq!(header(&echo, "x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(header(&echo, "x-real-ip"), Some("127.0.0.1"));
    assert_eq!(header(&echo, "x-forwarded-host"), Some(&*gateway.address.to_string()));
    assert_eq!(header(&echo, "host"), Some(&*gateway.upstream.address.to_string()));
}
