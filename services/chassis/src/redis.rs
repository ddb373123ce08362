//! Redis, if there is one. Everything works without: callers get `None` or an error and go on.

use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, RedisError};

use crate::secret::Secret;

/// Redis answers within a millisecond, or is of no use.
const LIMIT: Duration = Duration::from_millis(250);

/// Connects when first used. Cheap to clone.
#[derive(Clone)]
pub struct Redis {
    manager: Option<ConnectionManager>,
}

impl Redis {
    /// Must be called inside a runtime.
    ///
    /// # Errors
    /// When the URL is not a Redis URL.
    pub fn start(url: Option<&Secret>) -> Result<Self, RedisError> {
        let Some(url) = url else {
            return Ok(Self { manager: None });
        };
        let client = Client::open(url.expose().as_str())?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_secs(1));
        Ok(Self { manager: Some(ConnectionManager::new_lazy_with_config(client, config)?) })
    }

    /// The connection, if Redis is configured.
    pub fn connection(&self) -> Option<ConnectionManager> {
        self.manager.clone()
    }

    /// `None` when not configured.
    pub async fn ping(&self) -> Option<Result<(), RedisError>> {
        let mut manager = self.manager.clone()?;
        Some(::redis::cmd("PING").query_async::<()>(&mut manager).await)
    }
}
