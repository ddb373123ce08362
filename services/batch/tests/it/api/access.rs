//! Who may use batch, and that everything is described.

use std::time::Duration;

use contract::claims::{AccessClaims, SERVICE_TOKEN_SECS, ServiceClaims};
use contract::user::Role;
use http::{Method, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use testkit::{ServiceKeys, TestResponse, access_claims};

use super::desk::{Desk, problem};

const ID: &str = "01931f0e-7c5a-7000-8000-0123456789ab";

/// Every route, with what is answered to whoever may ask: there is no such thing.
fn routes() -> Vec<(Method, String, StatusCode)> {
    let of = |what: &str| format!("/api/batch/executions/{ID}{what}");
    let (get, post) = (Method::GET, Method::POST);
    let job = |what: &str| format!("/api/batch/jobs/none{what}");
    vec![
        (get.clone(), "/api/batch/jobs".to_owned(), StatusCode::OK),
        (get.clone(), job(""), StatusCode::NOT_FOUND),
        (Method::PUT, job("/schedule"), StatusCode::NOT_FOUND),
        (get.clone(), job("/fires"), StatusCode::NOT_FOUND),
        (post.clone(), job("/executions"), StatusCode::NOT_FOUND),
        (get.clone(), "/api/batch/executions".to_owned(), StatusCode::OK),
        (get.clone(), of(""), StatusCode::NOT_FOUND),
        (get.clone(), of("/logs"), StatusCode::NOT_FOUND),
        (get.clone(), of("/stream"), StatusCode::NOT_FOUND),
        (get.clone(), of("/skipped"), StatusCode::NOT_FOUND),
        (post.clone(), of("/skipped/redrive"), StatusCode::NOT_FOUND),
        (post.clone(), of("/stop"), StatusCode::NOT_FOUND),
        (post.clone(), of("/restart"), StatusCode::NOT_FOUND),
        (post, of("/abandon"), StatusCode::NOT_FOUND),
        (get.clone(), "/api/batch/reports".to_owned(), StatusCode::OK),
        (get.clone(), format!("/api/batch/reports/{ID}"), StatusCode::NOT_FOUND),
        (get, "/api/batch/archives".to_owned(), StatusCode::OK),
    ]
}

impl Desk {
    async fn asked(&self, method: &Method, path: &str, token: &str) -> TestResponse {
        let request = self.app.request(method.clone(), path).json(&json!({}));
        if token.is_empty() { request.send().await } else { request.bearer(token).send().await }
    }
}

#[tokio::test]
async fn every_route_is_for_administrators_and_the_operator_only() {
    let desk = Desk::idle().await;
    let user = desk.issuer.token(desk.admin, Role::User);
    for (method, path, expected) in routes() {
        problem(desk.asked(&method, &path, "").await, StatusCode::UNAUTHORIZED, "A002");
        problem(desk.asked(&method, &path, &user).await, StatusCode::FORBIDDEN, "A003");
        for token in [desk.token(), desk.keys.token("operator", "batch")] {
            let answer = desk.asked(&method, &path, &token).await;
            assert_eq!(answer.status, expected, "{method} {path}: {}", answer.text());
        }
    }
    let health = desk.app.get("/api/batch/health").send().await;
    assert_eq!(health.status, StatusCode::OK);
}

fn operator_claims(iat: i64) -> ServiceClaims {
    let (iss, aud) = ("operator".to_owned(), "batch".to_owned());
    ServiceClaims { sub: iss.clone(), iss, aud, iat, exp: iat + SERVICE_TOKEN_SECS }
}

fn operator_key(keys: &ServiceKeys) -> EncodingKey {
    EncodingKey::from_ed_pem(&std::fs::read(keys.key_file("operator")).unwrap()).unwrap()
}

/// What looks like one kind of token is never taken for the other.
#[tokio::test]
async fn a_token_is_believed_by_its_own_verifier_only() {
    let desk = Desk::idle().await;
    let (issuer, keys) = (&desk.issuer, &desk.keys);
    let now = access_claims(desk.admin, Role::Admin).iat;
    let as_operator = operator_claims(now);
    let admin = access_claims(desk.admin, Role::Admin);
    let expired = AccessClaims { iat: now - 1000, exp: now - 1, ..admin.clone() };
    let operator_key = operator_key(keys);
    let eddsa = Header { kid: Some("operator".to_owned()), ..Header::new(Algorithm::EdDSA) };
    let at_jwt = Header { typ: issuer.header().typ, ..eddsa.clone() };
    let es256 = Header { kid: Some("operator".to_owned()), ..issuer.header() };
    let public = std::fs::read(keys.jwks_file()).unwrap();
    let hs256 = Header { kid: Some("operator".to_owned()), ..Header::new(Algorithm::HS256) };
    let with_secret = |claims: &ServiceClaims| {
        jsonwebtoken::encode(&hs256, claims, &EncodingKey::from_secret(&public)).unwrap()
    };
    let (unauthorized, late) =
        (StatusCode::UNAUTHORIZED, keys.token_valid_for("operator", "batch", Duration::ZERO));
    for (token, status, code, what) in [
        ("x.y.z".to_owned(), unauthorized, "A002", "no token"),
        (issuer.sign(&expired), unauthorized, "A001", "an access token that has expired"),
        (late, unauthorized, "A001", "a service token that has expired"),
        (keys.token("operator", "store"), unauthorized, "A002", "for another service"),
        (keys.token("store", "batch"), StatusCode::FORBIDDEN, "A003", "of another service"),
        (
            jsonwebtoken::encode(&at_jwt, &admin, &operator_key).unwrap(),
            unauthorized,
            "A002",
            "an access token that the operator's key has signed",
        ),
        (
            issuer.sign_with(&es256, &as_operator),
            // Auth is asked for a key of that name, and is not there.
            StatusCode::SERVICE_UNAVAILABLE,
            "G002",
            "auth's key in the operator's name",
        ),
        (
            issuer.sign_with(&issuer.header(), &as_operator),
            unauthorized,
            "A002",
            "a service token that auth's key has signed",
        ),
        (with_secret(&as_operator), unauthorized, "A002", "a public key used as a secret"),
    ] {
        let answer = desk.app.get("/api/batch/executions").bearer(&token).send().await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        problem(answer, status, code);
    }
    let good = jsonwebtoken::encode(&eddsa, &as_operator, &operator_key).unwrap();
    assert_eq!(desk.app.get("/api/batch/executions").bearer(&good).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_route_is_described_with_what_it_answers() {
    let desk = Desk::idle().await;
    let api = desk.app.get("/api-docs").send().await.expect(StatusCode::OK).json();
    for (method, path, _) in routes() {
        let template = path.replace(ID, "{id}").replace("/none", "/{name}");
        let operation = &api["paths"][&template][method.as_str().to_ascii_lowercase()];
        let responses = operation["responses"].as_object().unwrap_or_else(|| panic!("{method} {template}"));
        for status in ["401", "403"] {
            let content = &responses[status]["content"];
            assert!(content["application/problem+json"].is_object(), "{method} {template}: {status}");
        }
        assert_eq!(operation["security"], json!([{ "bearer": [] }, { "service": [] }]), "{template}");
        assert!(operation["description"].is_string() || operation["summary"].is_string(), "{template}");
    }
    let forms = &api["paths"]["/api/batch/reports/{id}"]["get"]["responses"]["200"]["content"];
    assert!(forms["application/json"].is_object() && forms["text/csv"].is_object(), "{forms}");
}
