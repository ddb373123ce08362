//! What a user sees for each kind of mistake. The snapshot shows file and message side by side: read it as code.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::Checkout;
use crate::stack::decode::{Decode as _, Decoder};
use crate::stack::diagnostic::Diagnostic;
use crate::stack::dotenv;
use crate::stack::place::{Layer, Place, Source};
use crate::stack::raw::RawStack;
use crate::stack::resolve::{Target, resolve};
use crate::stack::yaml;

/// Title, and a stack file that is wrong.
const FILES: &[(&str, &str)] = &[
    ("an unknown key is told from a known one", "services:\n  chat:\n    prot: 8083\n    port: 8083\n"),
    ("an unknown section, with nothing near", "version: 3\n"),
    (
        "all mistakes are reported",
        "nmae: x\nservices:\n  chat:\n    port: eighty\n    replicas: many\n    port_: 1\n",
    ),
    ("a port in quotes", "services:\n  chat:\n    port: \"8083\"\n"),
    ("a port that is none", "services:\n  chat:\n    port: 70000\n  store:\n    port: 0\n"),
    ("a list for a mapping", "services:\n  - chat\n"),
    ("a text for a list", "services:\n  chat:\n    port: 1\n    args: --verbose\n"),
    ("a key without a value", "services:\n  chat:\n    port:\n"),
    ("a number for a text", "name: 5\n"),
    ("a boolean of YAML 1.1", "databases:\n  chat_db:\n    port: 5435\n    seed: yes\n"),
    ("a duration without a unit", "defaults:\n  stop_timeout: 10\n  start_timeout: 3 days\n"),
    ("a word out of a closed set", "services:\n  chat:\n    port: 1\n    restart: { policy: on-falure }\n"),
    ("a condition that is none", "services:\n  a: { port: 1, depends_on: { b: ready } }\n  b: { port: 2 }\n"),
    ("access for nobody known", "gateway: { routes: { a: { access: everybody } } }\n"),
    (
        "a probe of a shell",
        "services:\n  a:\n    port: 1\n    probe: { command: curl }\n  b: { port: 2, probe: exec }\n",
    ),
    (
        "a probe without a path",
        "defaults:\n  probe: { liveness: /live }\nservices:\n  a: { port: 1, probe: { http: ready } }\n",
    ),
    ("a range upside down", "replica_ports: 20-10\n"),
    ("an empty file", ""),
    ("a file of comments", "# nothing\n\n"),
    ("a list at the top", "- chat\n"),
    ("a key twice", "services:\n  chat: { port: 1 }\n  chat: { port: 2 }\n"),
    ("a tab", "services:\n\tchat: {}\n"),
    ("a bracket that is not closed", "gateway:\n  trusted_proxies: [10.0.0.0/8\nservices:\n"),
    ("a colon too much", "name: a: b\n"),
    ("two documents", "name: a\n---\nname: b\n"),
    ("an alias without its anchor", "services:\n  chat: *base\n"),
    ("an unknown key after Hangul", "services:\n  chat: { binary: 채팅, port: 1, 포트: 2 }\n"),
    ("a service without a port", "services:\n  chat:\n    database: chat_db\n"),
    (
        "no such database",
        "databases:\n  chat_db: { port: 1 }\nservices:\n  chat: { port: 2, database: caht_db }\n",
    ),
    (
        "no such dependency",
        "services:\n  chat: { port: 2, depends_on: { stroe: healthy } }\n  store: { port: 3 }\n",
    ),
    (
        "a circle of three",
        "services:\n  auth: { port: 1 }\n  chat:\n    port: 2\n    depends_on: { auth: started, store: healthy }\n  store:\n    port: 3\n    depends_on:\n      user: healthy\n  user: { port: 4, depends_on: { chat: healthy } }\n",
    ),
    (
        "a service that waits for itself",
        "services:\n  chat: { port: 2, replicas: 2, depends_on: { chat-1: healthy } }\n",
    ),
    (
        "a service never completes",
        "cache: { port: 1 }\nservices:\n  a: { port: 2, depends_on: { redis: completed, b: completed } }\n  b: { port: 3 }\n",
    ),
    (
        "a job is never healthy",
        "databases: { x_db: { port: 1, seed: true } }\nservices:\n  x: { port: 2, depends_on: { x_db-seed: healthy } }\n",
    ),
    (
        "a seed job that does not exist",
        "databases: { x_db: { port: 1 } }\nservices:\n  x: { port: 2, depends_on: { x_db-seed: completed } }\n",
    ),
    (
        "ports used twice",
        "databases:\n  a_db: { port: 5433 }\ncache: { port: 6379 }\nservices:\n  a: { port: 5433 }\n  b: { port: 8081, replicas: 2, replica_ports: [6379] }\n",
    ),
    ("no replicas", "services:\n  a: { port: 1, replicas: 0 }\n"),
    ("more replicas than ports", "replica_ports: 18080-18081\nservices:\n  a: { port: 1, replicas: 4 }\n"),
    ("more ports than replicas", "services:\n  a: { port: 1, replica_ports: [2, 3] }\n"),
    (
        "names that cannot be units",
        "services:\n  Chat: { port: 1 }\n  a-service-with-a-long-name: { port: 2 }\n  operator: { port: 3 }\n",
    ),
    (
        "one name for two units",
        "cache: { port: 9 }\nservices:\n  a: { port: 1, replicas: 2 }\n  a-2: { port: 2 }\n  redis: { port: 3 }\n",
    ),
    ("a variable of doran's own", "services:\n  a: { port: 1, env: { DORAN_PORT: 5, \"A=B\": c } }\n"),
    ("a variable that is a list", "services:\n  a: { port: 1, env: { LOG: [x] } }\n"),
    (
        "a backoff beyond its end",
        "services:\n  a: { port: 1, restart: { backoff: 1m, crash_loop_after: 0 } }\n",
    ),
    (
        "a backoff of the defaults, said once",
        "defaults: { restart: { max_backoff: 1ms } }\nservices:\n  a: { port: 1 }\n  b: { port: 2 }\n",
    ),
    (
        "a route to nowhere",
        "services:\n  chat: { port: 1 }\ngateway:\n  routes:\n    chat:\n      paths: [/api/chat/**]\n      service: chatt\n",
    ),
    ("paths that no route can have", ROUTES),
    (
        "blocks and origins",
        "gateway:\n  cors: { allowed_origins: [\"*\", \"http://x/\"] }\n  trusted_proxies: [10.0.0.1/8, 10.0.0.1, x/8]\n",
    ),
    ("objectives that are none", NO_SLOS),
    ("objectives that nobody can hold or measure", SLOS),
    (
        "an unknown key of an objective",
        "slos: { a: { kind: availability, objectiv: 99.9, objective: 99.9 } }\n",
    ),
    ("a service that every service would be", "services: { all: { port: 1 } }\n"),
];

const NO_SLOS: &str = "\
slos:
  perfect: { kind: availability, objective: 100 }
  nothing: { kind: availability, objective: 0 }
  fine: { kind: availability, objective: 99.99999 }
  text: { kind: availability, objective: \"99.9\" }
  word: { kind: latancy, objective: 99, threshold: 200ms }
";

const SLOS: &str = "\
services:
  chat: { port: 1 }
slos:
  between: { kind: latency, objective: 99, threshold: 300ms }
  boundless: { kind: latency, objective: 99 }
  both: { kind: availability, objective: 99, threshold: 200ms }
  nobody: { kind: availability, objective: 99, service: caht }
  short: { kind: availability, objective: 99, window: 1d }
  long: { kind: availability, objective: 99, window: 100d }
  empty:
  Loud: { kind: availability, objective: 99 }
";

const ROUTES: &str = "\
services:
  chat: { port: 1 }
gateway:
  routes:
    one:
      paths: [api/chat, /a/**/b, /internal/events, /same/**]
      service: chat
      access: token
      public: [/other, FETCH /same, GET /same/*]
      rate_limit: { per_second: 0 }
      timeout: 0s
    two:
      paths: [/same/**]
      service: chat
      access: public
      rate_limit: { per_second: 1, burst: 1 }
      timeout: 1s
";

#[test]
fn every_mistake_names_its_place_and_what_to_do() {
    let mut page = String::new();
    for (title, file) in FILES {
        writeln!(page, "## {title}\n{file}\n{}\n", Checkout::new(file).error()).unwrap();
    }
    insta::assert_snapshot!("mistakes", page);
}

#[test]
fn an_alias_bomb_is_refused_quickly() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        writeln!(bomb, "a{level}: &a{level} [{below}]").unwrap();
    }
    let error = Checkout::new(&bomb).error();
    assert!(error.starts_with("error: the document expands to more than 20000 values\n"), "{error}");
    assert!(error.contains("--> dorandoran.yaml:"), "{error}");
}

#[test]
fn deep_nesting_is_refused() {
    let error = Checkout::new(&"[".repeat(100_000)).error();
    assert!(error.contains("--> dorandoran.yaml:1:"), "{error}");
}

#[test]
fn a_file_that_is_no_text_is_refused() {
    let checkout = Checkout::new("");
    std::fs::write(checkout.path().join("dorandoran.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    assert_eq!(checkout.error(), "error: dorandoran.yaml is not UTF-8 text");
}

#[test]
fn a_port_above_the_range_after_the_offset_is_an_error() {
    let error = Checkout::new("services:\n  chat: { port: 60000 }\n").offset(10_000).error();
    insta::assert_snapshot!(error, @r"
    error: port 60000 moved by the port offset 10000 is above 65535
     --> dorandoran.yaml:2:17
      |
    2 |   chat: { port: 60000 }
      |                 ^^^^^
      = help: give a --port-offset of at most 5535
    ");
}

#[test]
fn an_instance_is_a_plain_name() {
    let mut checkout = Checkout::new("services: { chat: { port: 1 } }\n");
    checkout.request.instance = "../x".to_owned();
    assert_eq!(
        checkout.error(),
        "error: --instance: the name `../x` is not lower-case letters, digits and `-`, a letter first"
    );
}

/// Our own file with a hole in it, and something else in the hole.
fn damaged() -> impl Strategy<Value = String> {
    let file = include_str!("../../../dorandoran.yaml");
    let characters = file.chars().count();
    (0..characters, 0_usize..40, "[ -~\n\t가-힣]{0,12}").prop_map(move |(start, length, patch)| {
        let before = file.chars().take(start);
        before.chain(patch.chars()).chain(file.chars().skip(start + length)).collect()
    })
}

/// All there is to say of a text, stage by stage as `load` does it.
fn complaints(text: &str) -> Vec<Diagnostic> {
    let source = Source::new(Layer::File, "dorandoran.yaml", text);
    let place = |line, column, width| Place::new(&source, line, column, width);
    let node = match yaml::parse(text, &place) {
        Ok(node) => node,
        Err(diagnostic) => return vec![diagnostic],
    };
    let mut decoder = Decoder::default();
    let raw = RawStack::decode(&node, &mut decoder).unwrap_or_default();
    let target = Target { dir: "/srv".into(), instance: "default".to_owned(), port_offset: 0 };
    match resolve(&raw, &target) {
        _ if !decoder.errors.is_empty() => decoder.errors,
        Ok(_) => Vec::new(),
        Err(errors) => errors,
    }
}

proptest! {
    #[test]
    fn a_damaged_file_is_read_or_refused_at_a_place_inside(text in damaged()) {
        for complaint in complaints(&text) {
            let shown = complaint.to_string();
            let line = shown.split("--> dorandoran.yaml:").nth(1).and_then(|rest| rest.split(':').next());
            let line: usize = line.and_then(|line| line.parse().ok()).expect("a line number");
            prop_assert!(line <= text.lines().count() + 1, "{}", shown);
        }
    }

    #[test]
    fn any_text_may_stand_in_dotenv(text in "(DORAN__|export |[ -~\t가-힣]|[=\"'#\n]){0,60}") {
        let (found, errors) = dotenv::assignments(".env", &text);
        prop_assert!(found.len() + errors.len() <= text.lines().count());
    }
}
