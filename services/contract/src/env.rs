//! Names of the environment variables that `doran` sets and the services read.

/// TCP port to bind; 0 takes any free one.
pub const PORT: &str = "DORAN_PORT";
/// Address to bind; loopback unless said otherwise.
pub const BIND: &str = "DORAN_BIND";
/// Which replica this is, e.g. `auth-2`.
pub const INSTANCE_ID: &str = "DORAN_INSTANCE_ID";
/// PostgreSQL URL with the runtime role's password.
pub const DATABASE_URL: &str = "DATABASE_URL";
/// The most connections a process opens to its database.
pub const DB_CONNECTIONS: &str = "DORAN_DB_CONNECTIONS";
/// Redis URL; absent means that the service runs without.
pub const REDIS_URL: &str = "REDIS_URL";
/// Path of the instance registry, see [`crate::registry::Registry`].
pub const REGISTRY: &str = "DORAN_REGISTRY";
/// Path of the gateway's routes, see [`crate::gateway::GatewayConfig`].
pub const GATEWAY_CONFIG: &str = "DORAN_GATEWAY_CONFIG";
/// Path of the JWK set with every service's public key and the operator's.
pub const SERVICE_JWKS_FILE: &str = "DORAN_SERVICE_JWKS_FILE";
/// Path of this service's Ed25519 private key, PKCS#8 PEM.
pub const SERVICE_KEY_FILE: &str = "DORAN_SERVICE_KEY_FILE";
/// Path of the key that seals auth's signing keys, 32 bytes in unpadded base64url.
pub const AUTH_SEAL_FILE: &str = "DORAN_AUTH_SEAL_FILE";
/// The gateway's public URL; tokens' issuer lies below it.
pub const PUBLIC_URL: &str = "DORAN_PUBLIC_URL";
/// A `tracing` filter, e.g. `info,sqlx=warn`.
pub const LOG: &str = "DORAN_LOG";
/// How long a stopping service waits for requests in flight, in seconds.
pub const DRAIN_SECS: &str = "DORAN_DRAIN_SECS";
/// `stdin` when the listening socket is inherited as standard input.
pub const LISTENER: &str = "DORAN_LISTENER";
/// Marks every process of a unit, so that leftovers are recognised: `<state directory>#<unit>#<run>`.
pub const UNIT_MARK: &str = "DORAN_UNIT_MARK";

/// Path of the secret that signs the payment provider's webhooks; store and the sandbox share it.
pub const PAYMENT_WEBHOOK_SECRET_FILE: &str = "DORAN_PAYMENT_WEBHOOK_SECRET_FILE";
/// Path of the sandbox provider's ledger.
pub const PAYMENT_LEDGER: &str = "DORAN_PAYMENT_LEDGER";

/// Where batch keeps archives and reports: `file:///absolute/directory` or `s3://bucket/prefix`.
pub const OBJECT_STORE_URL: &str = "DORAN_OBJECT_STORE_URL";

/// Stands in for the registry when a service runs by hand: `DORAN_AUTH_URLS=http://127.0.0.1:8081,…`. A name's
/// hyphens are underscores there.
pub fn urls_of(service: &str) -> String {
    format!("DORAN_{}_URLS", service.to_ascii_uppercase().replace('-', "_"))
}

/// The services of the stack, for what goes by name.
pub const SERVICES: [&str; 6] = ["gateway", "auth", "user", "chat", "store", "batch"];

/// The payment provider that stands in for a real one: called by name, but no service of the stack.
pub const PAYMENT_SANDBOX: &str = "payment-sandbox";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_called_by_name_has_a_variable_that_a_shell_can_set() {
        assert_eq!(urls_of(SERVICES[1]), "DORAN_AUTH_URLS");
        assert_eq!(urls_of(PAYMENT_SANDBOX), "DORAN_PAYMENT_SANDBOX_URLS");
    }
}
