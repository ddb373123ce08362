use std::time::Duration;

use super::parse;
use crate::smoke::check::Check;
use crate::smoke::scenario::{Body, Origin, Secrecy, Values};

/// A scenario file whose only step has these lines.
fn with_step(lines: &str) -> String {
    let lines: Vec<&str> = lines.lines().collect();
    format!("scenarios:\n  - name: s\n    steps:\n      - {}\n", lines.join("\n        "))
}

fn mistake(text: &str) -> String {
    let error = parse("x.yaml", text).err().unwrap_or_else(|| panic!("accepted:\n{text}"));
    match error.help.clone() {
        Some(help) => format!("{error} ({help})"),
        None => error.to_string(),
    }
}

const EVERYTHING: &str = "
scenarios:
  - name: about ${unit}
    for_each: { unit: units }
    variables:
      email: ${random.email}
      password: { value: 'p-${random.hex8}', secret: true }
    steps:
      - name: ask ${unit}
        service: ${unit}
        request: POST /a/${email}?x=1
        headers: { X-One: '${password}' }
        json: { email: '${email}', list: [1, 2.5, true, null], nested: { k: '${unit}' } }
        expect:
          status: [200, 201]
          headers: { Content-Type: { matches: json }, X-Gone: { absent: true }, X-Two: two }
          json:
            /a: 1
            /b: { type: array, length: 2 }
            /c: { exists: false }
            /d: { type: null }
            /e: { equals: { k: '${email}' } }
          body_contains: [one, two]
        capture:
          id: /data/id
          token: { json: /data/token, secret: true }
          place: { header: Location }
        eventually: { within: 2s, every: 20ms }
      - name: and then
        request: PUT /b/${id}
        body: raw ${token}
        expect: { status: 204 }
";

#[test]
fn everything_a_file_may_say_is_understood() {
    let file = parse("x.yaml", EVERYTHING).unwrap();
    let scenario = &file.scenarios[0];
    assert_eq!(scenario.for_each.as_ref().unwrap().values, Values::Units);
    let secrecy: Vec<Secrecy> = scenario.variables.iter().map(|variable| variable.secrecy).collect();
    assert_eq!(secrecy, [Secrecy::Open, Secrecy::Secret]);
    let first = &scenario.steps[0];
    assert_eq!(first.checks.len(), 1 + 3 + 6 + 2, "each rule is a check of its own");
    assert!(matches!(&first.checks[0], Check::Status(any) if *any == [200, 201]));
    assert_eq!(first.patience.unwrap().every, Duration::from_millis(20));
    let origins: Vec<&Origin> = first.captures.iter().map(|capture| &capture.from).collect();
    assert_eq!(origins[1], &Origin::Json("/data/token".to_owned()));
    assert_eq!(origins[2], &Origin::Header("location".parse().unwrap()));
    assert!(matches!(&scenario.steps[1].body, Some(Body::Raw(_))));
}

#[test]
fn mistakes_in_a_file_are_told_with_their_place() {
    for (text, expected) in [
        ("", "x.yaml:1:1: expected a mapping for a scenario file, found nothing"),
        ("scenarios: []\n", "x.yaml:1:12: the list of scenarios is empty"),
        ("scenarios:\n  - name: a\n", "x.yaml:2:5: `steps` is missing in a scenario"),
        (
            "scenarios:\n  - name: a\n    stpes: []\n",
            "x.yaml:3:5: unknown key `stpes` in a scenario (did you mean `steps`?)",
        ),
        (
            "scenarios:\n  - name: a\n    name: b\n    steps: []\n",
            "x.yaml:3:5: key `name` is already set above in the same mapping",
        ),
        (
            "scenarios:\n  - name: ${later}\n    variables: { later: 1 }\n    steps: []\n",
            "x.yaml:2:11: `${later}` is not set here",
        ),
        (
            "scenarios:\n  - name: a\n    for_each: { unit: all }\n    steps: []\n",
            "x.yaml:3:23: expected a list of texts, or the word `units`, found a text",
        ),
        (
            "scenarios:\n  - name: a\n    variables: { Email: x }\n    steps: []\n",
            "x.yaml:3:18: `Email` is not a name: lower-case letters, digits and `_`, a letter first",
        ),
        (
            "scenarios:\n  - name: a\n    variables:\n      mail: ${random.emial}\n    steps: []\n",
            "x.yaml:4:13: `${random.emial}` is not a generated value (did you mean `random.email`?)",
        ),
    ] {
        assert_eq!(mistake(text), expected, "{text}");
    }
}

/// Lines of a step, and what is said about them.
const STEP_MISTAKES: &[(&str, &str)] = &[
    ("name: a\nrequest: GET /", "x.yaml:4:9: `expect` is missing in a step"),
    (
        "name: a\nrequest: /x\nexpect: {}",
        "x.yaml:5:18: expected a method and a path, like `GET /api/auth/me`",
    ),
    (
        "name: a\nrequest: FETCH /x\nexpect: { status: 200 }",
        "x.yaml:5:18: `FETCH` is not a method (known here: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS)",
    ),
    (
        "name: a\nas: operator\nrequest: GET /x\nexpect: { status: 200 }",
        "x.yaml:5:13: a step that asks as the operator needs `service`",
    ),
    (
        "name: a\nservice: user\nas: root\nrequest: GET /x\nexpect: { status: 200 }",
        "x.yaml:6:13: a step asks as `operator` or as itself, not as `root`",
    ),
    (
        "name: a\nrequest: GET x\nexpect: { status: 200 }",
        "x.yaml:5:18: the path `x` must start with `/` and have no spaces",
    ),
    ("name: a\nrequest: GET /${user}\nexpect: { status: 200 }", "x.yaml:5:18: `${user}` is not set here"),
    (
        "name: a\nrequest: GET /${random.uuid}\nexpect: { status: 200 }",
        "x.yaml:5:18: `${random.uuid}` would differ at each use (give it a name under `variables` and use that)",
    ),
    (
        "name: a\nrequest: POST /\njson:\n  deep: [{ k: '${nobody}' }]\nexpect: { status: 200 }",
        "x.yaml:7:23: `${nobody}` is not set here",
    ),
    (
        "name: a\nrequest: POST /\njson: {}\nbody: x\nexpect: { status: 200 }",
        "x.yaml:7:15: a step has `json` or `body`, not both",
    ),
    (
        "name: a\nrequest: GET /\nexpect: { stauts: 200 }",
        "x.yaml:6:19: unknown key `stauts` in `expect` (did you mean `status`?)",
    ),
    ("name: a\nrequest: GET /\nexpect: { json: {} }", "x.yaml:6:17: `status` is missing in `expect`"),
    ("name: a\nrequest: GET /\nexpect: { status: ok }", "x.yaml:6:27: expected a status from 100 to 599"),
    ("name: a\nrequest: GET /\nexpect: { status: 99 }", "x.yaml:6:27: expected a status from 100 to 599"),
    (
        "name: a\nrequest: GET /\nexpect: { status: 200, json: { data.id: 1 } }",
        "x.yaml:6:40: `data.id` is not a JSON pointer: it must start with `/` (did you mean `/data/id`?)",
    ),
    (
        "name: a\nrequest: GET /\nexpect: { status: 200, json: { /a: { eqals: 1 } } }",
        "x.yaml:6:46: unknown key `eqals` in the rules for a value (did you mean `equals`?)",
    ),
    (
        "name: a\nrequest: GET /\nexpect: { status: 200, json: { /a: {} } }",
        "x.yaml:6:44: the mapping holds no rule",
    ),
    (
        "name: a\nrequest: GET /\nexpect: { status: 200, json: { /a: { type: text } } }",
        "x.yaml:6:52: `text` is not a type (known here: null, boolean, number, string, array, object)",
    ),
    (
        "name: a\nrequest: GET /\nexpect: { status: 200, headers: { 'a b': c } }",
        "x.yaml:6:43: `a b` is not the name of a header",
    ),
    (
        "name: a\nrequest: GET /\nexpect: { status: 200 }\neventually: { within: 5 }",
        "x.yaml:7:31: `5` has no unit: write 5s or 5ms",
    ),
    (
        "name: a\nrequest: GET /\nexpect: { status: 200 }\ncapture: { a: { secret: true } }",
        "x.yaml:7:23: a capture comes from `json` or from `header`",
    ),
    (
        "name: a\nrequest: GET /\nexpect: { status: 200 }\ncapture: { a: /x, b: { json: /y, hidden: true } }",
        "x.yaml:7:42: unknown key `hidden` in a capture (known here: json, header, secret)",
    ),
];

#[test]
fn mistakes_in_a_step_are_told_with_their_place() {
    for (lines, expected) in STEP_MISTAKES {
        assert_eq!(mistake(&with_step(lines)), *expected, "{lines}");
    }
}

#[test]
fn a_pattern_that_is_none_is_told() {
    let text = with_step("name: a\nrequest: GET /\nexpect: { status: 200, json: { /a: { matches: '(' } } }");
    assert_eq!(mistake(&text), "x.yaml:6:55: `(` is not a pattern: unclosed group");
}

#[test]
fn a_name_means_one_value() {
    let text = with_step("name: a\nrequest: GET /\nexpect: { status: 200 }\ncapture: { a: /a }");
    let twice = format!("{text}{}", text.lines().skip(3).collect::<Vec<_>>().join("\n"));
    assert_eq!(mistake(&twice), "x.yaml:11:20: `a` is already set above");
}

#[test]
fn a_capture_is_known_only_after_its_step() {
    let text = with_step("name: a\nrequest: GET /${a}\nexpect: { status: 200 }\ncapture: { a: /a }");
    assert_eq!(mistake(&text), "x.yaml:5:18: `${a}` is not set here");
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, of) in ["a", "b", "c", "d", "e", "f"].into_iter().zip(["b", "c", "d", "e", "f", "g"]) {
        let items = vec![format!("*{name}"); 10].join(", ");
        text = format!("{text}{of}: &{of} [{items}]\n");
    }
    assert!(mistake(&text).contains("expands to more than"), "{}", mistake(&text));
}
