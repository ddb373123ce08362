//! Which layer wins, and what is wrong in each.

use super::Checkout;

const STACK: &str = "services:\n  chat: { port: 8083, env: { A: base } }\n  pay-box: { port: 9 }\n";

fn port(checkout: &Checkout) -> u16 {
    checkout.loaded().stack.services["chat"].ports[0]
}

#[test]
fn later_layers_win() {
    let layers: [fn(Checkout) -> Checkout; 4] = [
        |c| c.file("dorandoran.ci.yaml", "services:\n  chat: { port: 1001 }\n").profile("ci"),
        |c| c.file(".env", "DORAN__SERVICES__CHAT__PORT=1002\n"),
        |c| c.env("DORAN__SERVICES__CHAT__PORT", "1003"),
        |c| c.offset(1000),
    ];
    let mut checkout = Checkout::new(STACK);
    assert_eq!(port(&checkout), 8083);
    for (layer, expected) in layers.into_iter().zip([1001, 1002, 1003, 2003]) {
        checkout = layer(checkout);
        assert_eq!(port(&checkout), expected);
    }
}

#[test]
fn files_are_merged_in_their_order_key_by_key() {
    let mut checkout = Checkout::new(STACK)
        .file("one.yaml", "services:\n  chat: { port: 1, env: { A: one, B: one } }\n")
        .file("two.yaml", "services:\n  chat: { env: { B: two } }\n  more: { port: 3 }\n");
    checkout.request.files = vec!["dorandoran.yaml".into(), "one.yaml".into(), "two.yaml".into()];
    let stack = checkout.loaded().stack;
    let chat = &stack.services["chat"];
    assert_eq!(chat.ports, [1]);
    assert_eq!((chat.env["A"].as_str(), chat.env["B"].as_str()), ("one", "two"));
    assert_eq!(stack.services["more"].ports, [3]);
}

#[test]
fn the_file_is_found_from_a_directory_below() {
    let mut checkout = Checkout::new(STACK);
    let below = checkout.path().join("services/chat/src");
    std::fs::create_dir_all(&below).unwrap();
    checkout.request.cwd = below;
    let stack = checkout.loaded().stack;
    assert_eq!(stack.dir, checkout.path().canonicalize().unwrap());
}

#[test]
fn no_file_anywhere_says_what_to_do() {
    let mut checkout = Checkout::new(STACK);
    let empty = tempfile::tempdir().unwrap();
    checkout.request.cwd = empty.path().to_owned();
    assert_eq!(
        checkout.error(),
        "error: no dorandoran.yaml here or in a parent directory\n = help: change into a checkout of DoranDoran, \
         or name the file with --file"
    );
    checkout.request.files = vec!["other.yaml".into()];
    assert_eq!(checkout.error(), "error: other.yaml does not exist");
}

#[test]
fn a_mistake_is_reported_even_where_a_higher_layer_covers_it() {
    let checkout = Checkout::new("services:\n  chat: { port: x }\n").env("DORAN__SERVICES__CHAT__PORT", "1");
    assert!(checkout.error().contains("dorandoran.yaml:2:17"));
}

#[test]
fn an_unknown_profile_names_those_there_are() {
    let checkout = Checkout::new(STACK).file("dorandoran.ci.yaml", "name: x\n").profile("cli");
    assert_eq!(checkout.error(), "error: no profile `cli`\n = help: did you mean `ci`?");
    let checkout = Checkout::new(STACK).profile("../etc");
    assert!(checkout.error().contains("there is none"));
}

#[test]
fn a_mistake_in_a_profile_is_shown_in_its_file() {
    let checkout = Checkout::new(STACK).file("dorandoran.ci.yaml", "services:\n  chta: {}\n").profile("ci");
    insta::assert_snapshot!(checkout.error(), @r"
    error: services.chta has no `port`
     --> dorandoran.ci.yaml:2:3
      |
    2 |   chta: {}
      |   ^^^^
    ");
}

#[test]
fn variables_are_shown_with_the_part_that_is_wrong() {
    let checkout = Checkout::new(STACK)
        .env("DORAN__SERVICES__CHAT__PROT", "1")
        .env("DORAN__SERVICES__CHAT__STOP_TIMEOUT", "5")
        .env("DORAN__SERVICES____PORT", "5");
    insta::assert_snapshot!(checkout.error(), @r"
    error: `DORAN__SERVICES____PORT` has an empty part
     --> environment variable DORAN__SERVICES____PORT
      |
    1 | DORAN__SERVICES____PORT=5
      | ^^^^^^^^^^^^^^^^^^^^^^^
      = help: write the parts of a key with two underscores between: DORAN__SERVICES__CHAT__PORT
    ");
    let mut checkout = checkout;
    checkout.request.env.remove("DORAN__SERVICES____PORT");
    insta::assert_snapshot!(checkout.error(), @r"
    error: unknown key `prot` in services.chat
     --> environment variable DORAN__SERVICES__CHAT__PROT
      |
    1 | DORAN__SERVICES__CHAT__PROT=1
      |                        ^^^^
      = help: did you mean `port`?

    error: services.chat.stop_timeout: `5` has no unit: write 5s or 5ms
     --> environment variable DORAN__SERVICES__CHAT__STOP_TIMEOUT
      |
    1 | DORAN__SERVICES__CHAT__STOP_TIMEOUT=5
      |                                     ^

    2 errors in the stack file
    ");
}

#[test]
fn variables_reach_names_with_dashes_variables_of_services_and_lists() {
    let stack = Checkout::new(STACK)
        .env("DORAN__SERVICES__PAY_BOX__PORT", "10")
        .env("DORAN__SERVICES__CHAT__ENV__My__LOG", "a=b: c")
        .env("DORAN__GATEWAY__TRUSTED_PROXIES", "[10.0.0.0/8, ::1/128]")
        .env("DORAN_PORT", "ignored, a service's own variable")
        .loaded()
        .stack;
    assert_eq!(stack.services["pay-box"].ports, [10]);
    assert_eq!(stack.services["chat"].env["My__LOG"], "a=b: c");
    assert_eq!(stack.gateway.trusted_proxies, ["10.0.0.0/8", "::1/128"]);
}

#[test]
fn a_list_in_a_variable_keeps_its_column() {
    let checkout = Checkout::new(STACK).env("DORAN__GATEWAY__TRUSTED_PROXIES", "[10.0.0.0/8, x/8]");
    insta::assert_snapshot!(checkout.error(), @r"
    error: gateway.trusted_proxies: `x` is not an IP address
     --> environment variable DORAN__GATEWAY__TRUSTED_PROXIES
      |
    1 | DORAN__GATEWAY__TRUSTED_PROXIES=[10.0.0.0/8, x/8]
      |                                              ^^^
    ");
}

#[test]
fn dotenv_lines_have_comments_and_quotes() {
    let stack = Checkout::new(STACK)
        .file(
            ".env",
            "# machine\n\nexport DORAN__SERVICES__CHAT__PORT = 7 # mine\nPATH_OF_OTHERS=x\n\
             DORAN__SERVICES__CHAT__ENV__A='#1 \"x\"' # quoted\nDORAN__SERVICES__CHAT__ENV__B=\n",
        )
        .loaded()
        .stack;
    let chat = &stack.services["chat"];
    assert_eq!(chat.ports, [7]);
    assert_eq!((chat.env["A"].as_str(), chat.env["B"].as_str()), ("#1 \"x\"", ""));
}

#[test]
fn dotenv_mistakes_have_lines() {
    let checkout = Checkout::new(STACK).file(
        ".env",
        "oops\n  DORAN__SERVICES__CHAT__PORT=x\nDORAN_SERVICES_CHAT_PORT=1\nDORAN_PROFILE=ci\nDORAN__NAME=\"a\n",
    );
    insta::assert_snapshot!(checkout.error(), @r#"
    error: expected NAME=value
     --> .env:1:1
      |
    1 | oops
      | ^^^^
      = help: start a comment with #

    error: DORAN_SERVICES_CHAT_PORT sets nothing
     --> .env:3:1
      |
    3 | DORAN_SERVICES_CHAT_PORT=1
      | ^^^^^^^^^^^^^^^^^^^^^^^^
      = help: keys of the stack file start with two underscores: DORAN__SERVICES__CHAT__PORT

    error: DORAN_PROFILE is not read from .env
     --> .env:4:1
      |
    4 | DORAN_PROFILE=ci
      | ^^^^^^^^^^^^^
      = help: set it in the environment, or give the flag

    error: a quote is not closed, or text follows it
     --> .env:5:13
      |
    5 | DORAN__NAME="a
      |             ^^

    4 errors in the stack file
    "#);
}

#[test]
fn messages_hide_the_values_of_secret_variables() {
    let checkout = Checkout::new(STACK)
        .file(".env", "DORAN__SERVICES__CHAT__ENV__API_KEY=\"hush\n")
        .env("DORAN__SERVICES__CHAT__ENV__MY_PASSWORD", "[hush]");
    let error = checkout.error();
    assert!(error.contains("API_KEY=***") && error.contains(".env:1:37"), "{error}");
    assert!(!error.contains("hush"), "{error}");
    let error = Checkout::new(STACK).env("DORAN__SERVICES__CHAT__ENV__MY_PASSWORD", "[hush]").error();
    assert!(error.contains("MY_PASSWORD=***") && !error.contains("hush"), "{error}");
}
