//! Who the client is, and how the services learn it. Pure.

use std::fmt::Write as _;
use std::net::IpAddr;

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName, HeaderValue};
use thiserror::Error;

const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Longer chains are cut at the left: nobody sits behind more proxies.
const MAX_HOPS: usize = 16;

/// Proxies whose word about the client is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TrustedProxies {
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    network: IpAddr,
    prefix: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not an address block like 10.0.0.0/8")]
pub(crate) struct BlockFault(String);

impl TrustedProxies {
    pub(crate) fn compile(blocks: &[String]) -> Result<Self, BlockFault> {
        let blocks = blocks.iter().map(|text| Block::parse(text).ok_or_else(|| BlockFault(text.clone())));
        Ok(Self { blocks: blocks.collect::<Result<_, _>>()? })
    }

    pub(crate) fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.blocks.iter().any(|block| block.contains(address))
    }

    /// The right-most hop that is not one of ours. What a stranger wrote further left counts for nothing.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trust(client) {
            return client;
        }
        for hop in hops(headers).rev() {
            let Some(address) = parse_hop(hop) else {
                return client;
            };
            client = address.to_canonical();
            if !self.trust(client) {
                return client;
            }
        }
        client
    }
}

impl Block {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let network: IpAddr = address.parse().ok()?;
        let bits = if network.is_ipv4() { 32 } else { 128 };
        let prefix = if text.contains('/') { prefix.parse().ok()? } else { bits };
        (prefix <= bits).then_some(Self { network, prefix })
    }

    fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - self.prefix;
                u32::from(network).checked_shr(shift) == u32::from(address).checked_shr(shift)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - self.prefix;
                u128::from(network).checked_shr(shift) == u128::from(address).checked_shr(shift)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// The request as the client made it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) peer: IpAddr,
    pub(crate) peer_trusted: bool,
    /// Who stands behind the proxies that are trusted.
    pub(crate) client: IpAddr,
    pub(crate) host: Option<&'a HeaderValue>,
}

/// Writes the forwarding headers into `upstream`: appended to what a trusted proxy said, else anew. `X-Real-IP` is
/// the client alone, so that services need not know the proxies.
pub(crate) fn forward(origin: Origin<'_>, received: &HeaderMap, upstream: &mut HeaderMap) {
    let kept = |name: &HeaderName| received.get(name).filter(|_| origin.peer_trusted);
    let mut chain = String::with_capacity(16);
    if origin.peer_trusted {
        let all: Vec<_> = hops(received).collect();
        for hop in all.iter().rev().take(MAX_HOPS).rev() {
            let _ = write!(chain, "{hop}, ");
        }
    }
    let peer = origin.peer.to_canonical();
    let _ = write!(chain, "{peer}");
    put(upstream, X_FORWARDED_FOR, &chain);
    put(upstream, X_REAL_IP, &origin.client.to_string());
    let proto = kept(&X_FORWARDED_PROTO).cloned().unwrap_or(HeaderValue::from_static("http"));
    let host = kept(&X_FORWARDED_HOST).or(origin.host);
    let mut element = match kept(&FORWARDED).and_then(|before| before.to_str().ok()) {
        Some(before) => format!("{before}, "),
        None => String::with_capacity(64),
    };
    let _ = match peer {
        IpAddr::V4(v4) => write!(element, "for={v4}"),
        IpAddr::V6(v6) => write!(element, "for=\"[{v6}]\""),
    };
    if let Some(host) = origin.host.and_then(|host| host.to_str().ok()) {
        let _ = write!(element, ";host=\"{host}\"");
    }
    element.push_str(";proto=http");
    put(upstream, FORWARDED, &element);
    upstream.insert(X_FORWARDED_PROTO, proto);
    if let Some(host) = host {
        upstream.insert(X_FORWARDED_HOST, host.clone());
    }
}

/// The hops of `X-Forwarded-For`, left to right, over all its lines.
fn hops(headers: &HeaderMap) -> impl DoubleEndedIterator<Item = &str> {
    let lines = headers.get_all(X_FORWARDED_FOR).into_iter();
    lines.flat_map(|line| line.to_str().unwrap_or("?").split(',')).map(str::trim)
}

/// An address with or without port: `1.2.3.4`, `1.2.3.4:5`, `::1`, `[::1]:5`.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    if let Ok(address) = hop.parse() {
        return Some(address);
    }
    if let Some(rest) = hop.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    hop.split_once(':')?.0.parse().ok()
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted() -> TrustedProxies {
        TrustedProxies::compile(&["10.0.0.0/8".into(), "fd00::/8".into()]).unwrap()
    }

    fn client(peer: &str, forwarded_for: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded_for {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_static(line));
        }
        trusted().client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_right_most_untrusted_hop_is_the_client() {
        for (peer, lines, expected) in [
            ("203.0.113.9", &["1.1.1.1"][..], "203.0.113.9"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.7, 10.2.2.2"], "198.51.100.7"),
            ("10.0.0.1", &["1.1.1.1", "198.51.100.7:4000"], "198.51.100.7"),
            ("10.0.0.1", &["198.51.100.7, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7, garbage, 10.1.1.1"], "10.1.1.1"),
            ("10.0.0.1", &["10.3.3.3"], "10.3.3.3"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["[2001:db8::5]:443"], "2001:db8::5"),
            ("fd00::1", &["1.1.1.1"], "1.1.1.1"),
        ] {
            assert_eq!(client(peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_stranger_cannot_write_the_chain() {
        let received = HeaderMap::from_iter([
            (X_FORWARDED_FOR, HeaderValue::from_static("9.9.9.9")),
            (X_FORWARDED_HOST, HeaderValue::from_static("evil")),
            (X_FORWARDED_PROTO, HeaderValue::from_static("https")),
            (FORWARDED, HeaderValue::from_static("for=9.9.9.9")),
            (X_REAL_IP, HeaderValue::from_static("9.9.9.9")),
        ]);
        let host = HeaderValue::from_static("localhost:8080");
        let mut upstream = HeaderMap::new();
        let peer = "203.0.113.9".parse().unwrap();
        let origin = Origin { peer, peer_trusted: false, client: peer, host: Some(&host) };
        forward(origin, &received, &mut upstream);
        assert_eq!(upstream[X_FORWARDED_FOR], "203.0.113.9");
        assert_eq!(upstream[X_REAL_IP], "203.0.113.9");
        assert_eq!(upstream[X_FORWARDED_HOST], "localhost:8080");
        assert_eq!(upstream[X_FORWARDED_PROTO], "http");
        assert_eq!(upstream[FORWARDED], "for=203.0.113.9;host=\"localhost:8080\";proto=http");
    }

    #[test]
    fn a_trusted_proxy_is_appended_to() {
        let received = HeaderMap::from_iter([
            (X_FORWARDED_FOR, HeaderValue::from_static("198.51.100.7")),
            (X_FORWARDED_PROTO, HeaderValue::from_static("https")),
            (FORWARDED, HeaderValue::from_static("for=198.51.100.7")),
        ]);
        let mut upstream = HeaderMap::new();
        let peer = "fd00::1".parse().unwrap();
        let client = trusted().client(peer, &received);
        forward(Origin { peer, peer_trusted: true, client, host: None }, &received, &mut upstream);
        assert_eq!(upstream[X_REAL_IP], "198.51.100.7", "the client, not the proxy");
        assert_eq!(upstream[X_FORWARDED_FOR], "198.51.100.7, fd00::1");
        assert_eq!(upstream[X_FORWARDED_PROTO], "https");
        assert_eq!(upstream[FORWARDED], "for=198.51.100.7, for=\"[fd00::1]\";proto=http");
    }

    #[test]
    fn only_address_blocks_are_taken() {
        for text in ["10.0.0.0/33", "10.0.0/8", "fd00::/129", "", "/8", "10.0.0.0/", "10.0.0.0/-1"] {
            assert!(TrustedProxies::compile(&[text.to_owned()]).is_err(), "{text}");
        }
        let everybody = TrustedProxies::compile(&["0.0.0.0/0".into()]).unwrap();
        assert!(everybody.trust("8.8.8.8".parse().unwrap()) && !everybody.trust("::1".parse().unwrap()));
    }
}
