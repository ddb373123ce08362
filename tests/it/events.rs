//! `doran events` against the real system, and somebody else's reading of the feed.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::fixture::{Fixture, LIMIT, Said, eventually, output, signal};
use crate::outside::{Python, say};

const EMAIL: &str = "events@dorandoran.dev";
const PASSWORD: &str = "correct-horse-7";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

impl Fixture {
    /// `data` of the gateway's answer.
    fn post(&self, path: &str, body: &Value, headers: &[String]) -> Value {
        let url = format!("http://127.0.0.1:{}{path}", 8080 + self.offset());
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--json", &body.to_string(), &url]);
        for header in headers {
            curl.args(["-H", header]);
        }
        let answer: Value = serde_json::from_slice(&output(&mut curl).stdout).expect("an answer in JSON");
        assert_eq!(answer["success"], true, "{path}: {answer}");
        answer["data"].clone()
    }

    /// The id of a new user, who comes through the gateway.
    fn sign_up(&self, email: &str) -> String {
        let body = json!({ "email": email, "firstName": "도란", "lastName": "김", "password": PASSWORD });
        let user = self.post("/api/users", &body, &[format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01")]);
        user["id"].as_str().expect("an id").to_owned()
    }

    /// Comes and goes, which auth tells everybody.
    fn log_in_and_out(&self, email: &str) {
        let tokens = self.post("/api/auth/login", &json!({ "email": email, "password": PASSWORD }), &[]);
        let token = tokens["accessToken"].as_str().expect("a token");
        self.post("/api/auth/logout", &json!({}), &[format!("authorization: Bearer {token}")]);
    }

    fn document(&self, args: &[&str]) -> Value {
        parse(&self.doran(args).exits(0))
    }

    /// The consumer of user's events in auth, once it has applied them all.
    #[track_caller]
    fn caught_up(&self) -> Value {
        eventually("auth has applied all events of user", || {
            let lag = self.document(&["events", "lag", "--json"]);
            assert_eq!(lag["schema"], "doran.events-lag/1");
            let user = lag["items"].as_array()?.iter().find(|item| item["service"] == "user")?;
            let reader = user["consumers"].as_array()?.iter().find(|reader| reader["service"] == "auth")?;
            let all = user["head"]["unnumbered"] == 0 && user["head"]["lastPosition"] == reader["position"];
            (all && reader["lag"] == 0 && reader["lagMs"] == 0).then(|| reader.clone())
        })
    }

    fn sql(&self, database: &str, text: &str) -> String {
        self.doran(&["psql", database, "--", "-Atc", text]).exits(0).stdout.trim().to_owned()
    }

    /// A token that an operator signs, as `doran` does.
    fn operators_token(&self, audience: &str) -> String {
        let key = self.state().join("secrets/operator.key.pem");
        testkit::service_token(&key, "operator", audience)
    }
}

fn parse(said: &Said) -> Value {
    serde_json::from_str(&said.stdout).expect("one document")
}

/// The events of a stream of CloudEvents.
fn events(said: &Said) -> Vec<Value> {
    said.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON on every line")).collect()
}

#[test]
fn what_services_tell_each_other_can_be_followed_measured_and_repaired() {
    let fixture = Fixture::system();
    fixture.doran(&["up", "-d", "--wait", "gateway", "auth", "user"]).exits(0);
    let user = fixture.sign_up(EMAIL);
    tail_shows_the_sign_up(&fixture, &user);
    assert!(fixture.caught_up()["position"].as_i64() > Some(0));
    assert_eq!(
        fixture.sql("auth_db", &format!("select role from auth_user where id = '{user}'")),
        "ROLE_USER"
    );
    tail_follows_across_a_restart(&fixture);
    a_strangers_client_reads_the_feeds(&fixture, &user);
    a_consumer_reads_again(&fixture);
    what_cannot_be_applied_waits_for_a_decision(&fixture, &user);
    who_is_down_is_said_to_be(&fixture);
}

fn tail_shows_the_sign_up(fixture: &Fixture, user: &str) {
    let created = eventually("the sign-up is published", || {
        let said = fixture.doran(&["events", "tail", "--json", "--type", "user.created", "user"]).exits(0);
        events(&said).into_iter().find(|event| event["subject"] == *user)
    });
    for (key, value) in [
        ("specversion", "1.0"),
        ("source", "/user"),
        ("type", "com.dorandoran.user.created.v1"),
        ("sequence", "1"),
        ("datacontenttype", "application/json"),
    ] {
        assert_eq!(created[key], value, "{created}");
    }
    let trace = created["traceparent"].as_str().expect("a trace");
    assert!(trace.contains(TRACE), "{trace}: it is the trace of the request");
    assert_eq!(created["data"]["email"], EMAIL, "machines get all of it");

    let said = fixture.doran(&["events", "tail"]).exits(0).says(user).says("user.created.v1").says("email=…");
    assert!(!said.all().contains("@dorandoran.dev"), "{}", said.all());
    let last = fixture.doran(&["events", "tail", "user", "-n", "1"]).exits(0).stdout;
    assert_eq!(last.lines().count(), 1, "{last}");
    for nothing in [["--since", "2100-01-01T00:00:00Z"], ["--type", "user.destroyed"], ["-n", "0"]] {
        let said = fixture.doran(&[&["events", "tail", "user"][..], &nothing].concat()).exits(0);
        assert_eq!(said.stdout, "", "{nothing:?}");
    }
    let since = fixture.doran(&["events", "tail", "--json", "--since", "10m", "user"]).exits(0);
    assert!(events(&since).iter().any(|event| event["id"] == created["id"]));
}

/// The published SDK of the `CloudEvents` project and a validator of JSON Schema, which know nothing of us.
fn a_strangers_client_reads_the_feeds(fixture: &Fixture, user: &str) {
    let Some(python) = Python::find() else { return };
    let understood = |service: &str, port: u16| -> Vec<Value> {
        let schemas = concat!(env!("CARGO_MANIFEST_DIR"), "/services/contract/schemas");
        let feed = format!("http://127.0.0.1:{}/internal/events?limit=1000", port + fixture.offset());
        let token = fixture.operators_token(service);
        let mut command = python.program("cloudevents_feed.py");
        let read = output(command.args([feed.as_str(), schemas]).env("FEED_TOKEN", token));
        let said = String::from_utf8_lossy(&read.stderr);
        assert!(read.status.success(), "{said}");
        say(&format!("{service}: {}", said.trim()));
        let lines = String::from_utf8(read.stdout).expect("UTF-8");
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let users = understood("user", 8082);
    let created = users.iter().find(|event| event["subject"] == *user).expect("the sign-up");
    assert_eq!((&created["source"], &created["sequence"]), (&"/user".into(), &"1".into()));
    assert!(created["traceparent"].as_str().is_some_and(|trace| trace.contains(TRACE)), "{created}");
    assert_eq!(created["data"]["id"], *user);

    fixture.log_in_and_out(EMAIL);
    let revoked = eventually("auth publishes the logout", || {
        let is_end = |event: &Value| event["type"] == "com.dorandoran.auth.token-revoked.v1";
        understood("auth", 8081).into_iter().find(|event| is_end(event) && event["data"]["sub"] == *user)
    });
    assert_eq!((&revoked["source"], &revoked["data"]["reason"]), (&"/auth".into(), &"LOGOUT".into()));
}

fn tail_follows_across_a_restart(fixture: &Fixture) {
    let mut command = fixture.command(&["events", "tail", "-f", "-n", "0", "--json", "user"]);
    let mut follower = command.stderr(Stdio::null()).spawn().expect("start doran");
    let stdout = BufReader::new(follower.stdout.take().expect("standard output"));
    let (heard, hear) = mpsc::channel();
    let reading = std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            heard.send(line).expect("somebody listens");
        }
    });
    let event = |line: String| -> Value { serde_json::from_str(&line).expect("JSON") };
    let next = || event(hear.recv_timeout(LIMIT).expect("another event in time"));
    // It may begin to follow at any moment: whoever signs up after the first event is seen is seen, too.
    let mut sign_ups = 0;
    let first = eventually("an event is followed", || {
        sign_ups += 1;
        fixture.sign_up(&format!("follow{sign_ups}@dorandoran.dev"));
        hear.try_recv().ok().map(event)
    });
    fixture.doran(&["restart", "user"]).exits(0);
    let after = fixture.sign_up("restarted@dorandoran.dev");
    let mut position = number(&first["position"]);
    loop {
        let event = next();
        assert_eq!(number(&event["position"]), position + 1, "nothing is lost or repeated: {event}");
        position += 1;
        if event["subject"] == after {
            break;
        }
    }
    signal(i32::try_from(follower.id()).expect("a pid"), Signal::TERM);
    follower.wait().expect("wait for doran");
    reading.join().expect("the reader ends with what it reads");
}

fn number(text: &Value) -> i64 {
    text.as_str().expect("a string").parse().expect("digits")
}

fn a_consumer_reads_again(fixture: &Fixture) {
    let before = fixture.caught_up();
    let name = before["name"].as_str().expect("a name");
    let replay = ["events", "replay", "--service", "auth", "--consumer", name, "--from"];
    let from = |position, more: &[&str]| fixture.doran(&[&replay[..], &[position], more].concat());
    from("1", &[]).exits(2).says("--yes");
    from("1000000", &["--yes"]).exits(2).says("never skips");
    fixture
        .doran(&["events", "replay", "--service", "auth", "--consumer", "nobody", "--from", "1", "--yes"])
        .exits(2)
        .says(name);
    from("1", &["--yes"]).exits(0).says("again from 1 on");
    assert_eq!(fixture.caught_up()["position"], before["position"], "it came to the same point");
    assert_eq!(fixture.caught_up()["parked"], 0, "what is applied a second time does no harm");
}

fn what_cannot_be_applied_waits_for_a_decision(fixture: &Fixture, user: &str) {
    fixture.doran(&["events", "dead"]).exits(0).says("no dead letters");
    fixture.sql(
        "user_db",
        &format!(
            "insert into outbox (event_type, aggregate_type, aggregate_id, sequence, payload)
             values ('com.dorandoran.user.updated.v1', 'user', '{user}', 1000, '{{\"nothing\": \"of use\"}}')"
        ),
    );
    let letter = eventually("the event is given up", || {
        let dead = fixture.document(&["events", "dead", "--json"]);
        assert_eq!(dead["schema"], "doran.events-dead/1");
        dead["items"].as_array()?.first().cloned()
    });
    assert_eq!((&letter["service"], &letter["state"]), (&"auth".into(), &"PARKED".into()), "{letter}");
    assert_eq!(letter["event"]["subject"], *user);
    let id = letter["id"].as_str().expect("an id");
    fixture.doran(&["events", "dead", "--service", "auth"]).exits(0).says(id).says("user.updated.v1");
    fixture.doran(&["events", "dead", "show", id]).exits(0).says("nothing=…").says(user);
    fixture.doran(&["events", "lag"]).exits(0).says("auth/");
    assert_eq!(fixture.caught_up()["parked"], 1, "the others went on");

    fixture.doran(&["events", "replay", id]).exits(1).says("1 failed again");
    let replayed = fixture.doran(&["events", "replay", "--all", "--json"]).exits(1);
    assert_eq!(parse(&replayed)["items"][0]["failed"][0]["id"], id);
    fixture.doran(&["events", "drop", id, "--reason", "made up by a test"]).exits(0).says("no effect");
    let dead = fixture.document(&["events", "dead", "--state", "dropped", "--json"]);
    assert_eq!(dead["items"][0]["reason"], "made up by a test");
    fixture.doran(&["events", "replay", id]).exits(2).says("was dropped");
    let unknown = "01931f0e-7c5a-7000-8000-0123456789ab";
    fixture.doran(&["events", "dead", "show", unknown]).exits(2).says("there is no dead letter");
    assert_eq!(fixture.caught_up()["parked"], 0);
}

fn who_is_down_is_said_to_be(fixture: &Fixture) {
    fixture.doran(&["events", "lag"]).exits(0).says("store ○ down");
    fixture.doran(&["stop", "user"]).exits(0);
    fixture.doran(&["events", "lag"]).exits(0).says("user ○ down");
    fixture.doran(&["events", "tail", "auth", "user"]).exits(6).says("user is not up");
    fixture.doran(&["events", "tail"]).exits(0);
    fixture.doran(&["events", "dead", "--service", "user"]).exits(6).says("user is not up");
}

#[test]
fn mistakes_are_told_apart_from_a_stack_that_is_down() {
    let fixture = Fixture::system();
    for verb in [&["lag"][..], &["tail"], &["tail", "-f"], &["dead"], &["replay", "--all"]] {
        fixture.doran(&[&["events"][..], verb].concat()).exits(6).says("not running").says("doran up");
    }
    fixture.doran(&["events", "tail", "usre"]).exits(2).says("did you mean `user`?");
    fixture.doran(&["events", "tail", "gateway"]).exits(2).says("no database");
    fixture.doran(&["events", "tail", "--since", "yesterday"]).exits(2).says("10m");
    fixture.doran(&["events", "dead", "--service", "chta"]).exits(2).says("did you mean `chat`?");
    fixture.doran(&["events", "dead", "show", "7"]).exits(2).says("doran events dead");
    fixture.doran(&["events", "drop", "01931f0e-7c5a-7000-8000-0123456789ab"]).exits(2).says("--reason");
}
