//! Every refusal and failure has one shape.

use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE};
use http::{HeaderName, StatusCode};
use serde_json::json;

use super::service::{essence, fixture};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout-ms");
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_problem_has_every_member_and_the_callers_trace() {
    let answer = fixture().app.get("/taken").header(TRACEPARENT, TRACE).send().await;
    assert_eq!(answer.header("x-trace-id"), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
    assert_eq!(answer.header("content-language"), Some("ko"));
    insta::assert_json_snapshot!(answer.json(), { ".timestamp" => "[time]" }, @r#"
    {
      "data": null,
      "detail": "이미 사용 중인 이메일입니다.",
      "errorCode": "U002",
      "errors": [
        {
          "field": "email",
          "message": "사용 중"
        }
      ],
      "instance": "/taken",
      "message": "이미 사용 중인 이메일입니다.",
      "status": 409,
      "success": false,
      "timestamp": "[time]",
      "title": "이미 사용 중인 이메일입니다.",
      "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
      "type": "urn:dorandoran:error:U002"
    }
    "#);
}

#[tokio::test]
async fn english_is_answered_to_whom_asks_for_it() {
    let answer = fixture().app.get("/taken").header(ACCEPT_LANGUAGE, "en-US,en;q=0.9").send().await;
    let (_, _, message, errors) = essence(&answer);
    assert_eq!(message, "This email is already in use.");
    assert_eq!(errors[0]["message"], "taken");
    assert_eq!(answer.header("content-language"), Some("en"));
}

#[tokio::test]
async fn what_the_router_itself_refuses_is_a_problem_too() {
    let app = fixture().app;
    let none = app.get("/nowhere").send().await;
    assert_eq!(essence(&none).0, 404);
    let method = app.delete("/things").send().await;
    assert_eq!((essence(&method).0, method.header("allow")), (405, Some("POST")));
    let typed = app.post("/things").header(CONTENT_TYPE, "text/plain").body("{}").send().await;
    assert_eq!(essence(&typed).0, 415);
    let untyped = app.post("/things").body("{}").send().await;
    assert_eq!(essence(&untyped).0, 415);
    let id = app.get("/things/7").send().await;
    assert_eq!((essence(&id).0, essence(&id).1.as_str()), (400, "E002"));
    let query = app.get("/list?size=many").send().await;
    assert_eq!((essence(&query).0, essence(&query).1.as_str()), (400, "E002"));
    let large = vec![b' '; chassis::layer::BODY_LIMIT + 1];
    for path in ["/things", "/raw"] {
        let body = app.post(path).header(CONTENT_TYPE, "application/json").body(large.clone()).send().await;
        assert_eq!(essence(&body).0, 413, "{path}");
    }
}

#[tokio::test]
async fn a_failure_says_nothing_about_its_cause() {
    let app = fixture().app;
    for path in ["/panic", "/fail"] {
        let answer = app.get(path).send().await;
        assert_eq!(essence(&answer).0, 500, "{path}");
        assert_eq!(essence(&answer).1, "E001");
        assert!(!answer.text().contains("secret") && !answer.text().contains("select"), "{}", answer.text());
    }
}

#[tokio::test]
async fn json_mistakes_name_the_field() {
    let app = fixture().app;
    let wrong = app.post("/things").json(&json!({ "firstName": "ok", "amount": "many" })).send().await;
    let (status, code, _, errors) = essence(&wrong);
    assert_eq!((status, code.as_str(), errors[0]["field"].as_str()), (400, "E002", Some("amount")));
    for body in ["", "{", "[]", r#"{"firstName":"ok","amount":1} x"#] {
        let answer = app.post("/things").header(CONTENT_TYPE, "application/json").body(body).send().await;
        assert_eq!((essence(&answer).0, essence(&answer).1.as_str()), (400, "E002"), "{body}");
    }
    let invalid = app.post("/things").json(&json!({ "firstName": "too long", "amount": 0 })).send().await;
    let (status, code, _, errors) = essence(&invalid);
    assert_eq!((status, code.as_str()), (400, "E003"));
    let fields: Vec<_> = errors.as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["amount", "firstName"]);
    let many = app.get("/list?size=101").send().await;
    assert_eq!(essence(&many).1, "E003");
    let good =
        app.post("/things").json(&json!({ "firstName": "한글다섯자", "amount": 1, "extra": 1 })).send().await;
    assert_eq!(good.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_ends_with_its_budget() {
    let app = fixture().app;
    let spent = app.get("/things/0").header(TIMEOUT, "0").send().await;
    assert_eq!((essence(&spent).0, essence(&spent).1.as_str()), (504, "G003"));
    let short = app.get("/never").header(TIMEOUT, "20").send().await;
    assert_eq!((essence(&short).0, essence(&short).1.as_str()), (504, "G003"));
}
