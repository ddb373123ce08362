//! One step: what it asks, what it keeps, how long it is patient.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderName;

use super::check;
use super::document::{Node, Value};
use super::fields::{Fields, expected, mapping, text};
use super::file::secrecy;
use super::mistake::{Mistake, Place};
use super::scope::{Scope, Spot};
use crate::smoke::scenario::{Base, Body, Caller, Capture, Origin, Patience, Secrecy, Step};
use crate::smoke::template::Template;
use crate::stack::{duration, suggestion};

const KEYS: &[&str] =
    &["name", "service", "as", "request", "headers", "json", "body", "expect", "capture", "eventually"];
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
/// How often an `eventually` without `every` asks.
const EVERY: Duration = Duration::from_millis(100);
/// Asking faster only measures how busy the asker keeps the service.
const FASTEST: Duration = Duration::from_millis(5);

/// Which names a step may use: in its name and for its service, and everywhere else.
pub(super) struct Scopes {
    pub fixed: Scope,
    pub all: Scope,
}

pub(super) fn step(node: Node, scopes: &mut Scopes) -> Result<Step, Mistake> {
    let mut fields = Fields::of(node, "a step", KEYS)?;
    let name = scopes.fixed.template(&fields.required("name")?, "the name", Spot::Step)?;
    let base = match fields.optional("service") {
        Some(node) => Base::Service(scopes.fixed.template(&node, "the service", Spot::Step)?, node.place),
        None => Base::Gateway,
    };
    let caller = caller(fields.optional("as"), &base)?;
    let (method, path) = request(&fields.required("request")?, &scopes.all)?;
    let headers = match fields.optional("headers") {
        Some(node) => headers(node, &scopes.all)?,
        None => Vec::new(),
    };
    let body = body(&mut fields, &scopes.all)?;
    let checks = check::checks(fields.required("expect")?, &scopes.all)?;
    let captures = match fields.optional("capture") {
        Some(node) => captures(node, &mut scopes.all)?,
        None => Vec::new(),
    };
    let patience = fields.optional("eventually").map(patience).transpose()?;
    Ok(Step { name, base, caller, method, path, headers, body, checks, captures, patience })
}

/// The gateway passes no operator's token on: such a step names its service.
fn caller(node: Option<Node>, base: &Base) -> Result<Caller, Mistake> {
    let Some(node) = node else {
        return Ok(Caller::Client);
    };
    let who = text(&node, "`as`")?;
    match base {
        _ if who != "operator" => {
            Err(Mistake::new(node.place, format!("a step asks as `operator` or as itself, not as `{who}`")))
        }
        Base::Gateway => Err(Mistake::new(node.place, "a step that asks as the operator needs `service`")),
        Base::Service(..) => Ok(Caller::Operator),
    }
}

/// `POST /api/users`
fn request(node: &Node, scope: &Scope) -> Result<(Method, Template), Mistake> {
    let line = text(node, "the request")?;
    let Some((method, path)) = line.split_once(' ') else {
        return Err(Mistake::new(node.place, "expected a method and a path, like `GET /api/auth/me`"));
    };
    let Some(method) = METHODS.into_iter().find(|known| known.as_str() == method) else {
        let known: Vec<&str> = METHODS.iter().map(Method::as_str).collect();
        return Err(Mistake::new(node.place, format!("`{method}` is not a method"))
            .help(Some(format!("known here: {}", known.join(", ")))));
    };
    if !path.starts_with('/') || path.contains(char::is_whitespace) {
        let message = format!("the path `{path}` must start with `/` and have no spaces");
        return Err(Mistake::new(node.place, message));
    }
    Ok((method, scope.checked(path, node.place, Spot::Step)?))
}

fn headers(node: Node, scope: &Scope) -> Result<Vec<(HeaderName, Template)>, Mistake> {
    mapping(node, "`headers`")?
        .into_iter()
        .map(|entry| {
            let name = header_name(&entry.key, entry.place)?;
            Ok((name, scope.template(&entry.node, "a header", Spot::Step)?))
        })
        .collect()
}

pub(super) fn header_name(text: &str, place: Place) -> Result<HeaderName, Mistake> {
    text.parse().map_err(|_| Mistake::new(place, format!("`{text}` is not the name of a header")))
}

fn body(fields: &mut Fields, scope: &Scope) -> Result<Option<Body>, Mistake> {
    match (fields.optional("json"), fields.optional("body")) {
        (None, None) => Ok(None),
        (Some(node), None) => Ok(Some(Body::Json(scope.json(node, Spot::Step)?))),
        (None, Some(node)) => Ok(Some(Body::Raw(scope.template(&node, "the body", Spot::Step)?))),
        (Some(_), Some(node)) => Err(Mistake::new(node.place, "a step has `json` or `body`, not both")),
    }
}

fn captures(node: Node, scope: &mut Scope) -> Result<Vec<Capture>, Mistake> {
    mapping(node, "`capture`")?
        .into_iter()
        .map(|entry| {
            scope.set(&entry.key, entry.place)?;
            let (from, secrecy) = origin(entry.node)?;
            Ok(Capture { name: entry.key, from, secrecy })
        })
        .collect()
}

/// A JSON pointer, or a mapping `{json | header, secret}`.
fn origin(node: Node) -> Result<(Origin, Secrecy), Mistake> {
    if let Value::Text(pointer) = &node.value {
        return Ok((Origin::Json(json_pointer(pointer, node.place)?), Secrecy::Open));
    }
    let place = node.place;
    let mut fields = Fields::of(node, "a capture", &["json", "header", "secret"])?;
    let from = match (fields.optional("json"), fields.optional("header")) {
        (Some(node), None) => Origin::Json(json_pointer(&text(&node, "the pointer")?, node.place)?),
        (None, Some(node)) => Origin::Header(header_name(&text(&node, "the header")?, node.place)?),
        (None, None) | (Some(_), Some(_)) => {
            return Err(Mistake::new(place, "a capture comes from `json` or from `header`"));
        }
    };
    Ok((from, secrecy(&mut fields)?))
}

/// RFC 6901: empty for the whole body, else it starts with a slash.
pub(super) fn json_pointer(text: &str, place: Place) -> Result<String, Mistake> {
    if text.is_empty() || text.starts_with('/') {
        return Ok(text.to_owned());
    }
    Err(Mistake::new(place, format!("`{text}` is not a JSON pointer: it must start with `/`"))
        .help(Some(format!("did you mean `/{}`?", text.replace('.', "/")))))
}

fn patience(node: Node) -> Result<Patience, Mistake> {
    let mut fields = Fields::of(node, "`eventually`", &["within", "every"])?;
    let within = time(&fields.required("within")?)?;
    let every = fields.optional("every").map(|node| time(&node)).transpose()?.unwrap_or(EVERY);
    Ok(Patience { within, every: every.max(FASTEST) })
}

fn time(node: &Node) -> Result<Duration, Mistake> {
    match &node.value {
        Value::Text(text) => duration::parse(text).map_err(|message| Mistake::new(node.place, message)),
        Value::Number(number) => Err(duration::parse(&number.to_string())
            .map_or_else(|message| Mistake::new(node.place, message), |_| expected(node, "a duration"))),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => Err(expected(node, "a duration")),
    }
}

/// For checks, whose rules are keys too.
pub(super) fn unknown(key: &str, what: &str, place: Place, known: &[&str]) -> Mistake {
    Mistake::new(place, format!("unknown key `{key}` in {what}")).help(suggestion(key, known.iter().copied()))
}
