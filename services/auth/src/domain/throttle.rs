//! When failed logins have been too many.
//!
//! Three leaking buckets, in seconds: every attempt adds its cost, every second that passes takes one away,
//! and a success takes its own cost back. The account's bucket alone refuses nobody, or a stranger could lock
//! an account: when it is full, only networks that failed on this account themselves are refused.

use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

/// What an attempt adds to a bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    pub account: f64,
    pub network: f64,
    pub pair: f64,
}

/// 10 quick failures on one account from one network, then one every 30 s; 100 from one network, then one
/// every 3 s; 40 on one account from anywhere, then one every 15 s.
pub const COSTS: Costs = Costs { account: 15.0, network: 3.0, pair: 30.0 };
const ACCOUNT_LIMIT: f64 = 600.0;
const NETWORK_LIMIT: f64 = 300.0;
const PAIR_LIMIT: f64 = 300.0;
/// No bucket grows beyond this, so that the longest ban stays minutes.
pub const HIGHEST_LEVEL: f64 = 660.0;

/// The buckets that one attempt falls into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    pub account: Vec<u8>,
    pub network: Vec<u8>,
    pub pair: Vec<u8>,
}

/// The buckets' levels with the attempt in them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    pub account: f64,
    pub network: f64,
    pub pair: f64,
}

/// Too many: come back after so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    pub retry_after: Duration,
}

impl Keys {
    /// Unknown addresses of callers share a bucket.
    pub fn new(email: &str, address: Option<IpAddr>) -> Self {
        let account = email.trim().to_lowercase();
        let network = address.map_or_else(|| "unknown".to_owned(), network);
        let hashed = |kind: &str, parts: [&str; 2]| {
            digest(&SHA256, format!("{kind}\0{}\0{}", parts[0], parts[1]).as_bytes()).as_ref().to_vec()
        };
        Self {
            account: hashed("account", [&account, ""]),
            network: hashed("network", [&network, ""]),
            pair: hashed("pair", [&account, &network]),
        }
    }
}

/// Whether an attempt may be tried at all.
pub fn decide(levels: Levels) -> Result<(), TooMany> {
    let pair_limit = if levels.account > ACCOUNT_LIMIT { COSTS.pair } else { PAIR_LIMIT };
    let excess = (levels.pair - pair_limit).max(levels.network - NETWORK_LIMIT);
    if excess <= 0.0 {
        return Ok(());
    }
    Err(TooMany { retry_after: Duration::from_secs_f64(excess.clamp(1.0, HIGHEST_LEVEL)) })
}

/// Whoever has one address of a block usually has the block: /24 of IPv4, /64 of IPv6.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The levels after so many attempts at once by one caller on one account.
    fn after(attempts: u32) -> Levels {
        let n = f64::from(attempts);
        Levels { account: n * COSTS.account, network: n * COSTS.network, pair: n * COSTS.pair }
    }

    #[test]
    fn ten_attempts_pass_and_the_eleventh_waits_for_the_bucket_to_leak() {
        assert_eq!(decide(after(10)), Ok(()));
        assert_eq!(decide(after(11)), Err(TooMany { retry_after: Duration::from_secs(30) }));
    }

    #[test]
    fn one_network_may_not_try_account_after_account() {
        let fresh_pair = Levels { pair: COSTS.pair, account: COSTS.account, network: 300.0 };
        assert_eq!(decide(fresh_pair), Ok(()));
        assert!(decide(Levels { network: 303.0, ..fresh_pair }).is_err());
    }

    #[test]
    fn an_attacked_account_stays_open_to_networks_that_never_failed_on_it() {
        let attacked = Levels { account: HIGHEST_LEVEL, network: COSTS.network, pair: COSTS.pair };
        assert_eq!(decide(attacked), Ok(()), "the owner's first attempt");
        assert!(decide(Levels { pair: 2.0 * COSTS.pair, ..attacked }).is_err(), "whoever failed just now");
    }

    #[test]
    fn spelling_of_the_address_and_the_last_octet_make_no_new_bucket() {
        let keys = Keys::new("Mina@Example.com ", Some("10.1.2.3".parse().unwrap()));
        assert_eq!(keys, Keys::new("mina@example.com", Some("::ffff:10.1.2.99".parse().unwrap())));
        assert_ne!(keys.pair, Keys::new("mina@example.com", Some("10.1.3.3".parse().unwrap())).pair);
        assert_ne!(keys.account, keys.network);
        assert_eq!(keys.pair.len(), 32);
    }
}
