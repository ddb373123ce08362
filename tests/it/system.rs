//! The whole system: six services, five databases, the journey of a user.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::Value;

use crate::fixture::{Fixture, eventually, exists, finish, parent_of, signal};

#[test]
fn the_system_comes_up_passes_its_smoke_tests_and_goes_down() {
    let fixture = Fixture::system();
    let said = fixture.doran(&["up", "-d", "--wait", "--timings"]).exits(0);
    for expected in ["auth_db", "gateway", "critical path", "minji@dorandoran.dev", "doran smoke"] {
        assert!(said.stdout.contains(expected), "{expected} is not in:\n{}", said.stdout);
    }
    fixture.doran(&["health"]).exits(0);
    let log = fixture.doran(&["logs", "auth_db"]).exits(0).stdout;
    assert!(log.contains("ready to accept connections"), "{log}");
    assert!(!log.contains("could not receive data"), "probes leave no line in the log:\n{log}");
    fixture.doran(&["smoke"]).exits(0);
    let status: Value =
        serde_json::from_str(&fixture.doran(&["migrate", "status", "--json"]).exits(0).stdout).unwrap();
    assert_eq!(status["schema"], "doran.migrate/1");
    let pid = fixture.pid("auth_db");
    fixture.doran(&["down"]).exits(0);
    fixture.assert_nothing_left();
    assert!(!crate::fixture::exists(pid));

    // Data survives, and a start over it is a start all the same.
    fixture.doran(&["up", "-d", "--wait"]).exits(0);
    let users = "select count(*) from auth_user where email = 'minji@dorandoran.dev'";
    assert_eq!(fixture.doran(&["psql", "auth_db", "--", "-Atc", users]).exits(0).stdout.trim(), "1");
}

#[test]
fn a_database_that_is_killed_comes_back_with_what_was_committed() {
    let fixture = Fixture::system();
    fixture.doran(&["up", "-d", "--wait", "auth_db-migrate"]).exits(0);
    let sql = |text: &str| fixture.doran(&["psql", "auth_db", "--owner", "--", "-Atc", text]);
    sql("create table kept (id int); insert into kept values (42)").exits(0);
    let pid = fixture.pid("auth_db");
    signal(pid, rustix::process::Signal::KILL);
    eventually("the database is ready again", || {
        let unit = fixture.unit("auth_db");
        (unit["state"] == "ready" && unit["restarts"] == 1).then_some(())
    });
    assert_eq!(sql("select id from kept").exits(0).stdout.trim(), "42");
}

#[test]
fn the_payment_sandbox_keeps_its_ledger_in_the_instances_data() {
    let fixture = Fixture::system();
    fixture.doran(&["up", "-d", "--wait", "payment-sandbox"]).exits(0);
    assert_eq!(fixture.unit("payment-sandbox")["port"], 8090 + fixture.offset());
    let ledger = fixture.state().join("data/payment-sandbox/ledger.ndjson");
    let secret = fixture.state().join("secrets/payment-webhook");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&ledger), mode(&secret)), (0o600, 0o600));
    let env = |unit: &str| -> Value {
        serde_json::from_str(&fixture.doran(&["env", unit, "--json"]).exits(0).stdout).unwrap()
    };
    let (sandbox, store) = (env("payment-sandbox"), env("store"));
    assert_eq!(sandbox["DORAN_PAYMENT_LEDGER"], ledger.to_str().unwrap());
    let shared = "DORAN_PAYMENT_WEBHOOK_SECRET_FILE";
    assert_eq!((&sandbox[shared], &store[shared]), (&secret.to_str().unwrap().into(), &sandbox[shared]));

    let former = fixture.pid("payment-sandbox");
    signal(former, rustix::process::Signal::KILL);
    eventually("it is ready again", || {
        let unit = fixture.unit("payment-sandbox");
        (unit["state"] == "ready" && unit["pid"] != former).then_some(())
    });
    fixture.doran(&["down"]).exits(0);
    assert!(ledger.exists(), "data stays");
    fixture.doran(&["down", "--volumes", "--yes"]).exits(0);
    assert!(!ledger.exists() && !secret.exists());
}

/// PostgreSQL and Redis write their titles over the environment that names their unit.
#[test]
fn servers_whose_shim_was_killed_are_ended_with_everything_below_them() {
    let fixture = Fixture::system();
    fixture.doran(&["up", "-d", "--wait", "auth_db", "redis"]).exits(0);
    let former = fixture.pid("auth_db");
    signal(parent_of(former), rustix::process::Signal::KILL);
    let again = eventually("the database is ready again", || {
        let unit = fixture.unit("auth_db");
        (unit["state"] == "ready" && unit["pid"] != former).then_some(unit)
    });
    assert_eq!(again["restarts"], 1, "nothing of the former server was in its way");
    assert!(!exists(former));

    let servers = [fixture.pid("auth_db"), fixture.pid("redis")];
    let keepers = [fixture.supervisor(), parent_of(servers[0]), parent_of(servers[1])];
    for keeper in keepers {
        signal(keeper, rustix::process::Signal::KILL);
    }
    eventually("they are gone", || (!keepers.into_iter().any(exists)).then_some(()));
    fixture.doran(&["down"]).exits(0);
    assert!(!servers.into_iter().any(exists), "success means that nothing lives");
}

#[test]
fn no_role_opens_another_services_database() {
    let fixture = Fixture::system();
    fixture.doran(&["up", "-d", "--wait", "auth_db-migrate", "user_db-migrate"]).exits(0);
    let secrets = fixture.state().join("secrets");
    for (role, port) in [("auth", 5434), ("user", 5433)] {
        let password = std::fs::read_to_string(secrets.join(format!("{role}_db.app"))).unwrap();
        let database = if port == 5433 { "auth_db" } else { "user_db" };
        let output = crate::fixture::output(
            std::process::Command::new("psql")
                .args([
                    "-h",
                    "127.0.0.1",
                    "-p",
                    &(port + fixture.offset()).to_string(),
                    "-U",
                    &format!("{role}_app"),
                ])
                .args(["-d", database, "-Atc", "select 1"])
                .env("PGPASSWORD", password.trim())
                .stdin(Stdio::null()),
        );
        assert!(!output.status.success(), "{role}_app opened {database}");
    }
    let said = fixture.doran(&["psql", "auth_db", "--", "-Atc", "create table mine (id int)"]);
    assert_ne!(said.code, Some(0), "the runtime role can do DDL");
}

#[test]
fn a_restart_of_the_gateway_refuses_no_connection() {
    let fixture = Fixture::system();
    fixture.doran(&["up", "-d", "--wait", "gateway"]).exits(0);
    let port = 8080 + fixture.offset();
    let restarted = fixture.spawn(&["restart", "gateway"]);
    let restarting = std::cell::RefCell::new(restarted);
    let mut answered = 0;
    while restarting.borrow_mut().try_wait().unwrap().is_none() {
        std::net::TcpStream::connect(("127.0.0.1", port)).expect("the port accepts at every moment");
        answered += 1;
    }
    assert!(answered > 0);
    finish(restarting.into_inner()).exits(0);
}

#[test]
fn a_service_builds_alone_and_starts_by_hand_with_the_variables_that_env_prints() {
    let doran = std::path::Path::new(env!("CARGO_BIN_EXE_doran"));
    let target = doran.ancestors().nth(2).expect("the target directory");
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["build", "--locked", "--quiet", "-p", "chat", "--target-dir"]).arg(target);
    let built = crate::fixture::output(cargo.current_dir(env!("CARGO_MANIFEST_DIR")));
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let chat = target.join("debug/chat");
    let fixture = Fixture::system();
    fixture.doran(&["up", "-d", "--wait", "chat_db-seed"]).exits(0);
    let variables = fixture.doran(&["env", "chat"]).exits(0).stdout;
    let script = format!("{variables}\nexec {}", chat.display());
    let mut child =
        std::process::Command::new("sh").args(["-c", &script]).stdout(Stdio::null()).spawn().unwrap();
    let port = 8083 + fixture.offset();
    eventually("chat answers", || {
        let url = format!("http://127.0.0.1:{port}/actuator/health/readiness");
        let curl =
            std::process::Command::new("curl").args(["-sf", &url]).stdout(Stdio::null()).status().unwrap();
        curl.success().then_some(())
    });
    signal(i32::try_from(child.id()).unwrap(), rustix::process::Signal::TERM);
    assert!(child.wait().unwrap().success(), "a drained service ends with 0");
}

#[test]
fn replicas_get_ports_of_their_own_and_share_the_work() {
    let mut fixture = Fixture::system();
    fixture.env("DORAN__SERVICES__STORE__REPLICAS", "2");
    fixture.doran(&["up", "-d", "--wait", "store", "gateway"]).exits(0);
    let ports = [fixture.unit("store-1")["port"].clone(), fixture.unit("store-2")["port"].clone()];
    assert_ne!(ports[0], ports[1]);
    let registry = || {
        let text = std::fs::read_to_string(fixture.state().join("run/registry/registry.json")).ok()?;
        let registry: Value = serde_json::from_str(&text).expect("the registry is JSON");
        Some(registry["services"]["store"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(registry(), Some(2));
    fixture.doran(&["stop", "store-2"]).exits(0);
    assert_eq!(registry(), Some(1), "who is stopped is not called");
    let health = format!("http://127.0.0.1:{}/api/store/health", 8080 + fixture.offset());
    for _ in 0..10 {
        let answer = crate::fixture::output(std::process::Command::new("curl").args(["-sf", &health]));
        assert!(answer.status.success(), "the other replica answers");
    }
}
