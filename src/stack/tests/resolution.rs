//! What is decided for keys that say nothing, and where replicas listen.

use std::time::Duration;

use super::Checkout;
use crate::stack::model::{Condition, Dependency, Probe, RestartPolicy};

#[test]
fn a_service_needs_no_more_than_a_port() {
    let stack = Checkout::new("services: { chat: { port: 8083 } }\n").loaded().stack;
    let chat = &stack.services["chat"];
    assert_eq!(chat.binary, "chat");
    assert_eq!(
        chat.probe,
        Probe::Http {
            path: "/actuator/health/readiness".to_owned(),
            liveness: Some("/actuator/health/liveness".to_owned()),
        }
    );
    assert_eq!(chat.stop_timeout, Duration::from_secs(10));
    assert_eq!(chat.restart.policy, RestartPolicy::Always);
    assert_eq!((chat.depends_on.len(), chat.env.len(), chat.inherit_listener), (0, 0, false));
    assert_eq!((stack.name.as_str(), stack.cache), ("dorandoran", None));
}

#[test]
fn defaults_of_the_stack_stand_between_the_service_and_ours() {
    let stack = Checkout::new(
        "defaults: { stop_timeout: 3s, probe: tcp, restart: { policy: never, backoff: 1s } }\n\
         services:\n  a: { port: 1 }\n  b: { port: 2, stop_timeout: 4s, restart: { policy: always } }\n",
    )
    .loaded()
    .stack;
    let [a, b] = [&stack.services["a"], &stack.services["b"]];
    assert_eq!((a.stop_timeout.as_secs(), b.stop_timeout.as_secs()), (3, 4));
    assert_eq!((a.restart.policy, b.restart.policy), (RestartPolicy::Never, RestartPolicy::Always));
    assert_eq!(b.restart.backoff.as_secs(), 1);
    assert_eq!(a.probe, Probe::Tcp);
}

#[test]
fn replicas_get_free_ports_of_the_pool_and_everything_moves_with_the_offset() {
    let stack = Checkout::new(
        "replica_ports: 8081-8090\ndatabases: { a_db: { port: 5433 } }\ncache: { port: 6379 }\nservices:\n\
         \x20 a: { port: 8081, replicas: 3 }\n  b: { port: 8082, replicas: 2, replica_ports: [8083] }\n\
         \x20 c: { port: 8084, replicas: 2 }\n",
    )
    .offset(100)
    .loaded()
    .stack;
    assert_eq!(stack.services["a"].ports, [8181, 8185, 8186]);
    assert_eq!(stack.services["b"].ports, [8182, 8183]);
    assert_eq!(stack.services["c"].ports, [8184, 8187]);
    assert_eq!((stack.databases["a_db"].port, stack.cache.unwrap().port), (5533, 6479));
}

#[test]
fn a_service_waits_for_its_database_unless_it_says_for_what() {
    let stack = Checkout::new(
        "databases: { x_db: { port: 1, seed: true } }\nservices:\n  a: { port: 2, database: x_db }\n\
         \x20 b: { port: 3, database: x_db, depends_on: { x_db-migrate: completed, a: started } }\n",
    )
    .loaded()
    .stack;
    let on = |on: &str, condition| Dependency { on: on.to_owned(), condition };
    assert_eq!(stack.services["a"].depends_on, [on("x_db", Condition::Completed)]);
    let expected = [on("x_db-migrate", Condition::Completed), on("a", Condition::Started)];
    assert_eq!(stack.services["b"].depends_on, expected);
}

#[test]
fn values_of_variables_arrive_as_they_are_written() {
    let stack = Checkout::new(
        "services:\n  a:\n    port: 1\n    binary: bin/fake\n    args: [1.10, yes, \"x y\"]\n    env: { V: 1.10, N: no, E: \"\", O: 0x1F }\n\
         databases:\n  x_db: { port: 2, settings: { max_connections: 200 } }\n",
    )
    .loaded()
    .stack;
    let service = &stack.services["a"];
    assert_eq!(service.args, ["1.10", "yes", "x y"]);
    let values: Vec<&str> = service.env.values().map(String::as_str).collect();
    assert_eq!(values, ["", "no", "0x1F", "1.10"]);
    assert_eq!(service.binary, stack.dir.join("bin/fake").display().to_string());
    assert_eq!(stack.databases["x_db"].settings["max_connections"], "200");
    assert_eq!(stack.databases["x_db"].migrations, stack.dir.join("migrations/x_db"));
}

#[test]
fn anchors_and_merge_keys_work() {
    let stack = Checkout::new(
        "services:\n  a: &base { port: 1, stop_timeout: 2s }\n  b:\n    <<: *base\n    port: 2\n",
    )
    .loaded()
    .stack;
    assert_eq!((stack.services["b"].ports[0], stack.services["b"].stop_timeout.as_secs()), (2, 2));
}
