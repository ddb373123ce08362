//! `doran config --explain`: who set a key.

use super::Checkout;
use crate::stack::explain::{Explanation, explain};

fn checkout() -> Checkout {
    Checkout::new(
        "defaults: { stop_timeout: 3s }\nservices:\n  chat:\n    port: 8083\n    env: { API_TOKEN: hush, LEVEL: info }\n",
    )
    .file("dorandoran.ci.yaml", "services:\n  chat: { port: 9000 }\n")
    .profile("ci")
    .env("DORAN__SERVICES__CHAT__PORT", "9083")
    .offset(1)
}

fn one(key: &str) -> Explanation {
    let mut found = explain(&checkout().loaded(), key).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn the_winner_stands_before_the_losers() {
    let port = one("services.chat.port");
    assert_eq!(port.value, 9084);
    let origin = port.origin.unwrap();
    assert_eq!((origin.layer.as_str(), origin.written.as_str()), ("environment", "9083"));
    assert_eq!(origin.place, "environment variable DORAN__SERVICES__CHAT__PORT");
    let losers: Vec<_> =
        port.losers.iter().map(|loser| (loser.place.as_str(), loser.written.as_str())).collect();
    assert_eq!(losers, [("dorandoran.ci.yaml:2:17", "9000"), ("dorandoran.yaml:4:11", "8083")]);
}

#[test]
fn a_default_of_the_stack_is_named_and_a_built_in_one_has_no_place() {
    let origin = one("services.chat.stop_timeout").origin.unwrap();
    assert_eq!(
        (origin.place.as_str(), origin.via.as_deref()),
        ("dorandoran.yaml:1:27", Some("defaults.stop_timeout"))
    );
    assert_eq!(one("services.chat.restart.policy").origin, None);
}

#[test]
fn a_section_explains_every_key_below() {
    let found = explain(&checkout().loaded(), "services.chat.restart").unwrap();
    let keys: Vec<_> = found.iter().map(|item| item.key.as_str()).collect();
    assert_eq!(keys.len(), 4, "{keys:?}");
}

#[test]
fn secrets_stay_secret() {
    let found = explain(&checkout().loaded(), "services.chat.env").unwrap();
    let shown = format!("{found:?}");
    assert!(!shown.contains("hush") && shown.contains("***") && shown.contains("info"), "{shown}");
}

#[test]
fn a_key_that_is_not_there_gets_a_hint() {
    let loaded = checkout().loaded();
    for (key, hint) in [
        ("services.chat.prot", "in services.chat: did you mean `port`?"),
        ("services.caht.port", "in services: did you mean `chat`?"),
        ("servces", "did you mean `services`?"),
    ] {
        assert_eq!(explain(&loaded, key), Err(Some(hint.to_owned())), "{key}");
    }
}
