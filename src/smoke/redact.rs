//! Takes secrets out of whatever is shown.
//!
//! Three nets, one behind the other: values that a scenario declared secret, values seen under keys that hold
//! secrets, and texts that look like a credential although nobody declared them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use reqwest::header::{self, HeaderName};
use serde_json::Value;

use super::template::{percent, plain};

const MASK: &str = "***";
/// Shorter values under a secret key are masked in their place only: `1` everywhere would hide the report.
const SHORTEST_LEARNED: usize = 4;

/// `eyJ` is `{"` in base64url: how every JWT begins.
static JWT: LazyLock<Regex> = LazyLock::new(|| pattern(r"eyJ[\w-]{4,}\.[\w-]+(\.[\w-]*)?"));
static SCHEME: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(bearer|basic)\s+[\w.~+/-]{4,}=*"));
/// In what is no JSON as a whole: `"password": "…"`, even cut off, and `password=…`.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)("[\w-]*(?:password|token|secret|api[_-]?key|authorization)"\s*:\s*)("(?:\\.|[^"\\])*"?|[^\s,}\]"]+)"#,
    )
});
static ASSIGNED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?i)\b([\w-]*(?:password|token|secret|api[_-]?key)=)[^&\s"]+"#));

/// The secrets of one scenario.
#[derive(Default)]
pub(crate) struct Redactor {
    secrets: BTreeSet<String>,
}

impl Redactor {
    /// A value that the scenario declared secret.
    pub(crate) fn learn(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Object(entries) => entries.values().for_each(|item| self.learn(item)),
            Value::Null | Value::Bool(_) => {}
            Value::Number(_) | Value::String(_) => self.learn_text(&plain(value)),
        }
    }

    pub(crate) fn learn_text(&mut self, text: &str) {
        if !text.is_empty() {
            self.secrets.insert(text.to_owned());
        }
    }

    /// A request's header: credentials are secret with and without their scheme.
    pub(crate) fn learn_header(&mut self, name: &HeaderName, value: &str) {
        if is_secret_header(name) {
            self.learn_text(value);
            if let Some((_, credentials)) = value.split_once(' ') {
                self.learn_text(credentials.trim());
            }
        }
    }

    /// The values under secret keys anywhere in a body that was sent or received.
    pub(crate) fn learn_body(&mut self, body: &str) {
        if let Ok(value) = serde_json::from_str(body) {
            self.learn_below(&value);
        }
    }

    fn learn_below(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.learn_below(item)),
            Value::Object(entries) => {
                for (key, item) in entries {
                    match item {
                        Value::String(text) if is_secret_key(key) && text.len() >= SHORTEST_LEARNED => {
                            self.learn_text(text);
                        }
                        _ => self.learn_below(item),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Any text.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for form in self.forms() {
            clean = clean.replace(&form, MASK);
        }
        let clean = JWT.replace_all(&clean, MASK);
        let clean = SCHEME.replace_all(&clean, format!("$1 {MASK}"));
        let clean = QUOTED.replace_all(&clean, format!("$1\"{MASK}\""));
        ASSIGNED.replace_all(&clean, format!("${{1}}{MASK}")).into_owned()
    }

    /// A body: as JSON if it is JSON.
    pub(crate) fn body(&self, body: &str) -> String {
        match serde_json::from_str::<Value>(body) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => self.json(&value).to_string(),
            Ok(_) | Err(_) => self.text(body),
        }
    }

    /// JSON with its secrets masked in their places, keys included.
    pub(crate) fn json(&self, value: &Value) -> Value {
        match value {
            Value::Array(items) => Value::Array(items.iter().map(|item| self.json(item)).collect()),
            Value::Object(entries) => {
                let clean = entries.iter().map(|(key, item)| {
                    let hidden = is_secret_key(key) && !item.is_null();
                    (self.text(key), if hidden { Value::from(MASK) } else { self.json(item) })
                });
                Value::Object(clean.collect())
            }
            Value::String(text) => Value::String(self.text(text)),
            Value::Number(number) if self.secrets.contains(&number.to_string()) => Value::from(MASK),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// A value that stands at a JSON pointer.
    pub(crate) fn json_at(&self, pointer: &str, value: &Value) -> Value {
        let below_secret = pointer.split('/').any(is_secret_key);
        if below_secret && !value.is_null() { Value::from(MASK) } else { self.json(value) }
    }

    pub(crate) fn header(&self, name: &HeaderName, value: &str) -> String {
        if is_secret_header(name) { MASK.to_owned() } else { self.text(value) }
    }

    /// Every way in which a secret may be spelt, the longest first: one secret may hold another.
    fn forms(&self) -> Vec<String> {
        let mut forms = BTreeSet::new();
        for secret in &self.secrets {
            let quoted = Value::from(secret.as_str()).to_string();
            forms.insert(quoted[1..quoted.len() - 1].to_owned());
            forms.insert(percent(secret));
            forms.insert(secret.clone());
        }
        let mut forms: Vec<String> = forms.into_iter().collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms
    }
}

/// `password`, `newPassword`, `accessToken`, `refresh_token`, `X-API-Key`, `clientSecret` …
pub(crate) fn is_secret_key(key: &str) -> bool {
    let word: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    ["password", "token", "secret", "apikey", "authorization"].iter().any(|end| word.ends_with(end))
}

fn is_secret_header(name: &HeaderName) -> bool {
    [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE, header::SET_COOKIE].contains(name)
        || is_secret_key(name.as_str())
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_declared_secret_is_masked_in_every_spelling() {
        let mut redactor = Redactor::default();
        redactor.learn(&json!(r#"k"na ry"#));
        for (text, expected) in [
            (r#"plain k"na ry."#, "plain ***."),
            (r#"json "k\"na ry""#, r#"json "***""#),
            ("url k%22na%20ry", "url ***"),
        ] {
            assert_eq!(redactor.text(text), expected);
        }
    }

    #[test]
    fn the_longer_of_two_secrets_goes_first() {
        let mut redactor = Redactor::default();
        redactor.learn_text("abc");
        redactor.learn_text("abcdef");
        assert_eq!(redactor.text("abcdef abc"), "*** ***");
    }

    #[test]
    fn values_under_secret_keys_are_masked_at_any_depth_and_remembered() {
        let mut redactor = Redactor::default();
        let body = json!({ "data": [{ "accessToken": "canary-1", "tokenType": "Bearer", "password": 12, "token": null }] });
        redactor.learn_body(&body.to_string());
        let clean = json!({ "data": [{ "accessToken": "***", "tokenType": "Bearer", "password": "***", "token": null }] });
        assert_eq!(redactor.body(&body.to_string()), clean.to_string());
        assert_eq!(redactor.text("you sent canary-1"), "you sent ***");
    }

    #[test]
    fn what_looks_like_a_credential_is_masked_even_when_nobody_declared_it() {
        let redactor = Redactor::default();
        for (text, expected) in [
            ("got eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln in", "got *** in"),
            ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
            (r#"cut off {"password": "unfinis"#, r#"cut off {"password": "***""#),
            ("email=a%40b&password=hunter2&x=1", "email=a%40b&password=***&x=1"),
            (r#"{"refreshToken":"abc","x":1"#, r#"{"refreshToken":"***","x":1"#),
            ("the bearer of news", "the bearer of news"),
        ] {
            assert_eq!(redactor.text(text), expected);
        }
    }

    #[test]
    fn a_value_below_a_secret_pointer_is_masked() {
        let redactor = Redactor::default();
        assert_eq!(redactor.json_at("/data/accessToken", &json!("x")), "***");
        assert_eq!(redactor.json_at("/data/accessToken/0", &json!(1)), "***");
        assert_eq!(redactor.json_at("/data/tokenType", &json!("Bearer")), "Bearer");
        assert_eq!(redactor.json_at("/password", &Value::Null), Value::Null);
    }

    #[test]
    fn headers_that_carry_credentials_are_masked_and_teach_them() {
        let mut redactor = Redactor::default();
        redactor.learn_header(&header::AUTHORIZATION, "Basic Y2FuYXJ5");
        assert_eq!(redactor.text("echo Y2FuYXJ5"), "echo ***");
        assert_eq!(redactor.header(&header::SET_COOKIE, "sid=1"), "***");
        assert_eq!(redactor.header(&"x-api-key".parse().unwrap(), "k"), "***");
        assert_eq!(redactor.header(&header::VARY, "Origin"), "Origin");
    }

    proptest! {
        #[test]
        fn no_spelling_of_a_secret_survives(secret in r"[!-~]{6,24}", before in "[a-z ]{0,9}", after in "[a-z ]{0,9}") {
            prop_assume!(!secret.contains('*'));
            let mut redactor = Redactor::default();
            redactor.learn_text(&secret);
            let inside = format!("{before}{secret}{after}");
            prop_assert!(!redactor.text(&inside).contains(&secret));
            let body = json!({ "message": inside.as_str(), &inside: [inside.as_str()] }).to_string();
            let clean: Value = serde_json::from_str(&redactor.body(&body)).unwrap();
            prop_assert!(!clean.to_string().contains(&json!(secret).to_string().trim_matches('"').to_owned()));
            prop_assert!(!redactor.text(&percent(&inside)).contains(&percent(&secret)));
        }
    }
}
