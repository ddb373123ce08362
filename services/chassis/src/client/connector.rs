//! The connections that all calls of a process share.

use std::time::Duration;

/// Connecting within one machine or one network takes less, or fails.
const CONNECT_LIMIT: Duration = Duration::from_millis(500);
/// Services close idle connections after 30 s or later; we are first, so that no request meets the closing.
const MAX_IDLE: Duration = Duration::from_secs(20);

/// The connection pool that all clients of a process share. Internal addresses are plain HTTP, so no root
/// certificates are loaded. Nothing is repeated down here: the calls above have a budget for that.
///
/// # Errors
/// When the HTTP client cannot be set up.
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only(std::iter::empty())
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_LIMIT)
        .pool_max_idle_per_host(16)
        .pool_idle_timeout(MAX_IDLE)
        .tcp_nodelay(true)
        .build()
}
