//! The stack file of this repository, against the description of the API, and what is derived from the format.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::gateway::Access;
use contract::measure::HTTP_BOUNDARIES;
use serde_json::Value;

use super::Checkout;
use crate::stack::load::Loaded;
use crate::stack::model::{Scope, SloGoal};
use crate::stack::schema::stack_schema;
use crate::stack::view::View;

/// In a directory of its own: a developer's `.env` beside the real file is theirs.
fn own() -> Loaded {
    Checkout::new(include_str!("../../../dorandoran.yaml")).loaded()
}

#[test]
fn our_ports_are_those_of_the_architecture() {
    let stack = own().stack;
    let services: Vec<_> =
        stack.services.iter().map(|(name, service)| (name.as_str(), service.ports[0])).collect();
    let expected = [
        ("auth", 8081),
        ("batch", 8085),
        ("chat", 8083),
        ("gateway", 8080),
        ("payment-sandbox", 8090),
        ("store", 8084),
        ("user", 8082),
    ];
    assert_eq!(services, expected);
    let databases: Vec<_> =
        stack.databases.iter().map(|(name, database)| (name.as_str(), database.port)).collect();
    assert_eq!(
        databases,
        [("auth_db", 5433), ("batch_db", 5437), ("chat_db", 5435), ("store_db", 5436), ("user_db", 5434)]
    );
    assert_eq!(stack.cache.unwrap().port, 6379);
    assert!(stack.services["gateway"].inherit_listener && stack.services["gateway"].depends_on.is_empty());
}

/// The table of api.md section 2.
#[test]
fn our_routes_are_those_of_the_api() {
    let expected = [
        (
            "auth",
            "/api/auth/**,/.well-known/**",
            Access::Token,
            10,
            20,
            "/api/auth/login,/api/auth/refresh,/api/auth/logout,/api/auth/password/reset/**,/api/auth/health,\
             /api/auth/.well-known/**,/api/auth/oauth2/**,/.well-known/**",
        ),
        (
            "user",
            "/api/users/**",
            Access::Token,
            20,
            40,
            "POST /api/users,GET /api/users/check-email/*,/api/users/health",
        ),
        ("chat", "/api/chat/**,/ws/chat/**", Access::Token, 30, 60, "GET /ws/chat/**,/api/chat/health"),
        (
            "store",
            "/api/store/**",
            Access::Token,
            15,
            30,
            "GET /api/store/items/**,POST /api/store/payments/webhook,/api/store/health",
        ),
        ("batch", "/api/batch/**", Access::Admin, 5, 10, "/api/batch/health"),
    ];
    let gateway = own().stack.gateway;
    assert_eq!(gateway.routes.len(), expected.len());
    for (route, (service, paths, access, per_second, burst, public)) in gateway.routes.iter().zip(expected) {
        let opened = route.public.iter().map(|open| match &open.method {
            Some(method) => format!("{method} {}", open.path),
            None => open.path.clone(),
        });
        let found = (
            route.service.as_str(),
            route.paths.join(","),
            route.access,
            opened.collect::<Vec<_>>().join(","),
        );
        assert_eq!(found, (service, paths.to_owned(), access, public.to_owned()));
        assert_eq!((route.rate_limit.per_second, route.rate_limit.burst), (per_second, burst), "{service}");
        assert!(route.timeout_ms <= 10_000, "{service}");
    }
    assert_eq!(gateway.cors.allowed_origins.len(), 6);
    assert_eq!(gateway.trusted_proxies, ["127.0.0.0/8", "::1/128"], "this machine's own");
}

#[test]
fn our_objectives_are_those_of_the_platform() {
    let slos = own().stack.slos;
    let availability = &slos["availability"];
    assert_eq!(
        (availability.goal, availability.objective.to_string().as_str()),
        (SloGoal::Availability, "99.9")
    );
    assert_eq!(availability.scope, Scope::Service("gateway".to_owned()));
    let latency = &slos["latency"];
    let threshold = Duration::from_millis(200);
    assert_eq!(
        (latency.goal, latency.objective.to_string().as_str()),
        (SloGoal::Latency { threshold }, "99")
    );
    assert_eq!((&latency.scope, slos.len()), (&Scope::All, 2));
}

#[test]
fn every_boundary_of_the_histogram_may_be_a_threshold_and_is_printed_as_such() {
    for boundary in HTTP_BOUNDARIES.map(Duration::from_secs_f64).map(crate::stack::duration::format) {
        let checkout = Checkout::new(&format!(
            "services: {{ a: {{ port: 1 }} }}\nslos: {{ x: {{ kind: latency, objective: 99, threshold: {boundary} }} }}\n"
        ));
        let stack = checkout.env("DORAN__SLOS__X__OBJECTIVE", "99.95").loaded().stack;
        let printed = serde_saphyr::to_string(&View::of(&stack)).unwrap();
        assert!(printed.contains(&format!("threshold: {boundary}")), "{printed}");
        assert!(printed.contains("objective: 99.95"), "a higher layer wins: {printed}");
    }
}

#[test]
fn what_config_prints_can_be_read_back() {
    let stack = own().stack;
    let printed = serde_saphyr::to_string(&View::of(&stack)).unwrap();
    let mut again = Checkout::new(&printed).loaded().stack;
    again.dir.clone_from(&stack.dir);
    for (name, database) in &mut again.databases {
        database.migrations.clone_from(&stack.databases[name].migrations);
    }
    again.gateway.routes.sort_by(|a, b| a.id.cmp(&b.id));
    let mut expected = stack;
    expected.gateway.routes.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(again, expected);
}

#[test]
fn what_config_prints_quotes_words_that_yaml_1_1_takes_for_booleans() {
    let stack =
        Checkout::new("services: { a: { port: 1, args: [no], env: { SWITCH: on, MY_SECRET: x } } }\n")
            .loaded()
            .stack;
    let printed = serde_saphyr::to_string(&View::of(&stack)).unwrap();
    assert!(printed.contains("SWITCH: \"on\"") && printed.contains("- \"no\""), "{printed}");
    assert!(printed.contains("MY_SECRET: \"***\"") && !printed.contains(": x"), "{printed}");
}

/// Follows `$ref`, and collects the properties of every object of the schema.
fn properties(schema: &Value) -> BTreeMap<String, Vec<String>> {
    let definitions = schema["$defs"].as_object().unwrap().iter();
    definitions
        .map(|(name, definition)| (name.as_str(), definition))
        .chain([("RawStack", schema)])
        .filter_map(|(name, definition)| {
            let keys = definition.get("properties")?.as_object()?.keys().cloned().collect();
            Some((name.to_owned(), keys))
        })
        .collect()
}

#[test]
fn the_schema_describes_every_key_and_refuses_others() {
    let schema = stack_schema().to_value();
    let properties = properties(&schema);
    let keys = |name: &str| properties[name].join(" ");
    assert_eq!(keys("RawStack"), "cache databases defaults gateway name replica_ports services slos");
    assert_eq!(
        keys("RawService"),
        "args binary database depends_on env inherit_listener port probe replica_ports replicas restart \
         start_timeout stop_timeout"
    );
    for definition in
        schema["$defs"].as_object().unwrap().values().filter(|one| one.get("properties").is_some())
    {
        assert_eq!(definition["additionalProperties"], false, "{definition}");
        for (key, property) in definition["properties"].as_object().unwrap() {
            assert!(property.get("description").is_some(), "{key} has no description");
        }
    }
    assert!(!schema.to_string().contains("null"), "{schema:#}");
    assert_eq!(schema["$defs"]["RawService"]["properties"]["port"]["maximum"], 65535);
    assert_eq!(schema["$defs"]["Access"]["oneOf"].as_array().map_or(3, Vec::len), 3);
}
