//! Whether what is sent to somebody else's system can be read on its way.

use std::net::Ipv4Addr;

use reqwest::Url;
use tracing::warn;

/// Says at the start that learners' words, and the key if there is one, go over the network as plain text.
pub(crate) fn warn(variable: &'static str, url: &Url) {
    if is_readable(url) {
        warn!("learners' words and the key go over the network as plain text: {variable} is not https");
    }
}

fn is_readable(url: &Url) -> bool {
    url.scheme() == "http" && !is_this_machine(url)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host_str().unwrap_or_default() {
        "localhost" | "[::1]" => true,
        host => host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback()),
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
            assert_eq!(is_readable(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
