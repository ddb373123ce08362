//! Other people's systems: where they are, the key to them, and connections of their own.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use reqwest::{Client, ClientBuilder, Url};

use crate::env::Reader;
use crate::metrics::method_label;
use crate::secret::Secret;
use crate::trace::{Kind, Name, Span};

/// Most providers close idle connections after a minute.
const MAX_IDLE: Duration = Duration::from_secs(45);

/// A base from the environment. Ends with a slash, so that a path can be joined to it.
pub fn base_url(read: &mut Reader, name: &str) -> Option<Url> {
    let text: String = read.optional(name)?;
    let url = Url::parse(&format!("{}/", text.trim_end_matches('/'))).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if url.is_none() {
        // Without the value: somebody may have put a secret into it.
        read.problem(format!(
            "{name} is not valid: not of the form https://host/path, or with more than that"
        ));
    }
    url
}

/// A key from one variable, or from the file that the other one names.
pub fn key(read: &mut Reader, value: &str, file: &str) -> Option<Secret> {
    let given: Option<Secret> = read.optional(value);
    let Some(path) = read.optional::<PathBuf>(file) else {
        return given.and_then(|key| usable(read, value, key));
    };
    if given.is_some() {
        read.problem(format!("{value} and {file} are both set"));
        return None;
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => usable(read, file, Secret::new(text.trim().to_owned())),
        Err(error) => {
            read.problem(format!("{file} is not readable: {error}"));
            None
        }
    }
}

/// What can stand in a header.
fn usable(read: &mut Reader, name: &str, key: Secret) -> Option<Secret> {
    let text = key.expose();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(key);
    }
    read.problem(format!("{name} is not valid: a key is of printable characters without spaces"));
    None
}

/// Whether what is sent there goes over the network as plain text.
pub fn is_readable_on_its_way(url: &Url) -> bool {
    url.scheme() == "http" && !is_this_machine(url)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host_str().unwrap_or_default() {
        "localhost" | "[::1]" => true,
        host => host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback()),
    }
}

/// The span of a request to that system. `template` is the path without anything of the request's own.
pub fn span(method: &Method, base: &Url, template: &'static str) -> Span {
    let method = method_label(method);
    let mut span = Span::child(Kind::Client, Name::with(method, template));
    if span.is_on() {
        span.set("http.request.method", method);
        span.set("url.template", template);
        span.set("server.address", base.host_str().unwrap_or_default().to_owned());
        if let Some(port) = base.port_or_known_default() {
            span.set("server.port", port);
        }
    }
    span
}

/// Connections to that one system: what stands in the environment about proxies is not for it, and nothing is
/// repeated or followed down here, where a redirect would carry the key elsewhere.
///
/// # Errors
/// When the client cannot be set up, e.g. because the machine has no root certificates.
pub fn http_client(
    base: &Url,
    connect_limit: Duration,
    settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Client, reqwest::Error> {
    let builder = Client::builder()
        .no_proxy()
        .user_agent(concat!("doran/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(connect_limit)
        .pool_idle_timeout(MAX_IDLE)
        .tcp_nodelay(true);
    let builder = settings(builder);
    match base.scheme() {
        // A system on this machine needs no root certificates.
        "http" => builder.tls_certs_only(std::iter::empty()).build(),
        _ => builder.https_only(true).build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_to_another_machine_can_be_read() {
        for (url, expected) in [
            ("http://api.example.com/v1", true),
            ("http://10.0.0.7:8000", true),
            ("http://localhost.example.com", true),
            ("https://api.example.com/v1", false),
            ("http://localhost:8000/v1", false),
            ("http://127.0.0.1:8000/v1", false),
            ("http://[::1]/v1", false),
        ] {
            assert_eq!(is_readable_on_its_way(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
