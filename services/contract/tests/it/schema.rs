//! The schemas of events, and an example of every event that was ever published.
//!
//! Examples are never changed or removed: each stands for events that still lie in somebody's outbox, and for
//! readers that were built when it was all they knew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use contract::auth::{SessionStarted, TokenRevoked};
use contract::event::{CloudEvent, schema_urn};
use contract::schema::{EventSchema, events};
use contract::store::{ItemSnapshot, OrderSnapshot, PaymentSnapshot, StockLow, kind};
use contract::user::UserSnapshot;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The examples of one type, by name.
fn examples(kind: &str) -> Vec<(String, Value)> {
    let directory = directory().join("golden").join(kind);
    names(&directory).into_iter().map(|name| (name.clone(), read(&directory.join(&name)))).collect()
}

fn validator(event: &EventSchema) -> jsonschema::Validator {
    let committed = read(&directory().join(format!("{}.json", event.kind)));
    jsonschema::options().should_validate_formats(true).build(&committed).unwrap()
}

/// Reads as a program would, and writes it again.
fn again<T: DeserializeOwned + Serialize>(data: &Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(serde_json::from_value::<T>(data.clone())?)
}

fn round_trip(kind: &str, data: &Value) -> Result<Value, serde_json::Error> {
    match kind {
        contract::auth::event::TOKEN_REVOKED => again::<TokenRevoked>(data),
        contract::auth::event::SESSION_STARTED => again::<SessionStarted>(data),
        kind::ORDER_CREATED | kind::ORDER_CONFIRMED | kind::ORDER_CANCELLED | kind::ORDER_FAILED => {
            again::<OrderSnapshot>(data)
        }
        kind::PAYMENT_CAPTURED | kind::PAYMENT_REFUNDED => again::<PaymentSnapshot>(data),
        kind::ITEM_CHANGED => again::<ItemSnapshot>(data),
        kind::STOCK_LOW => again::<StockLow>(data),
        _ => again::<UserSnapshot>(data),
    }
}

#[test]
fn the_committed_schemas_are_those_of_the_code() {
    let mut expected: BTreeSet<String> = ["golden".to_owned()].into();
    for event in events() {
        let name = format!("{}.json", event.kind);
        let committed = fs::read_to_string(directory().join(&name)).unwrap_or_default();
        let current = serde_json::to_string_pretty(&event.data).unwrap() + "\n";
        assert_eq!(committed, current, "run `cargo run -p contract --example schemas` and commit {name}");
        expected.insert(name);
    }
    assert_eq!(names(&directory()), expected, "a schema of no event");
}

#[test]
fn every_event_ever_published_is_still_read_without_loss() {
    let types: BTreeSet<String> = events().iter().map(|event| event.kind.to_owned()).collect();
    assert_eq!(names(&directory().join("golden")), types);
    for event in events() {
        let validator = validator(&event);
        let examples = examples(event.kind);
        assert!(!examples.is_empty(), "{} has no example", event.kind);
        for (name, example) in examples {
            let about = format!("{}/{name}", event.kind);
            let whole: CloudEvent = serde_json::from_value(example.clone()).unwrap();
            assert_eq!((&*whole.kind, whole.dataschema), (event.kind, schema_urn(event.kind)), "{about}");
            assert_eq!(again::<CloudEvent>(&example).unwrap(), example, "{about}");
            let data = &example["data"];
            let problems: Vec<_> = validator.iter_errors(data).map(|error| error.to_string()).collect();
            assert!(problems.is_empty(), "{about}: {problems:?}");
            assert_eq!(round_trip(event.kind, data).unwrap(), *data, "{about}");
        }
    }
}

/// What every example has, some reader may count on; what one of them lacks, no reader can.
#[test]
fn changes_only_add() {
    for event in events() {
        let keys = |data: &Value| data.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        let promised = examples(event.kind)
            .iter()
            .map(|(_, example)| keys(&example["data"]))
            .reduce(|common, keys| common.intersection(&keys).cloned().collect())
            .unwrap();
        let schema = event.data.as_value();
        let required: BTreeSet<String> = serde_json::from_value(schema["required"].clone()).unwrap();
        assert_eq!(required, promised, "{}: what is new is not required, what was is kept", event.kind);
        let known = keys(&schema["properties"]);
        for (name, example) in examples(event.kind) {
            assert!(keys(&example["data"]).is_subset(&known), "{}/{name}: a key was removed", event.kind);
        }
    }
}

#[test]
fn todays_readers_pass_over_what_tomorrows_writers_add() {
    for event in events() {
        let validator = validator(&event);
        for (name, mut example) in examples(event.kind) {
            let before = round_trip(event.kind, &example["data"]).unwrap();
            example["data"]["addedLater"] = json!({ "any": ["thing"] });
            assert!(validator.is_valid(&example["data"]), "{}/{name}", event.kind);
            assert_eq!(round_trip(event.kind, &example["data"]).unwrap(), before, "{}/{name}", event.kind);
        }
    }
}

#[test]
fn the_schemas_refuse_what_no_reader_could_use() {
    for event in events() {
        let validator = validator(&event);
        let (_, example) = examples(event.kind).swap_remove(0);
        let data: &Map<String, Value> = example["data"].as_object().unwrap();
        for key in data.keys() {
            let mut wrong = data.clone();
            wrong[key] = json!(["no", "such", "thing"]);
            assert!(!validator.is_valid(&wrong.into()), "{}: {key}", event.kind);
        }
        assert!(!validator.is_valid(&json!({})) && round_trip(event.kind, &json!({})).is_err());
    }
}
