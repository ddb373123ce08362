//! `doran seed` on all five databases.

use serde_json::Value;

use crate::fixture::{Fixture, Said};

fn document(said: &Said) -> Value {
    let document: Value = serde_json::from_str(&said.stdout).expect("standard output is one JSON document");
    assert_eq!(document["schema"], "doran.seed/1");
    document
}

fn rows(document: &Value, table: &str) -> u64 {
    let items = document["items"].as_array().expect("items");
    items.iter().find(|item| item["table"] == table).map_or(0, |item| item["rows"].as_u64().expect("a count"))
}

#[test]
fn demo_and_load_go_in_once() {
    let fixture = Fixture::system();
    let migrated =
        ["auth_db", "user_db", "chat_db", "store_db", "batch_db"].map(|db| format!("{db}-migrate"));
    let mut up = vec!["up", "-d", "--wait"];
    up.extend(migrated.iter().map(String::as_str));
    fixture.doran(&up).exits(0);

    let demo = document(&fixture.doran(&["seed", "--json"]).exits(0));
    assert_eq!((rows(&demo, "auth_user"), rows(&demo, "chatbot"), rows(&demo, "store_item")), (3, 5, 12));
    assert_eq!(demo["accounts"][0]["email"], "minji@dorandoran.dev");
    assert_eq!(document(&fixture.doran(&["seed", "--json"]).exits(0))["rows"], 0);

    let args = ["seed", "--profile", "load", "--users", "150", "--json"];
    let load = document(&fixture.doran(&args).exits(0));
    assert_eq!((rows(&load, "auth_user"), rows(&load, "user_profile")), (150, 150));
    assert!(rows(&load, "message") > 150);
    assert_eq!(document(&fixture.doran(&args).exits(0))["rows"], 0);
}
