//! What auth reads from its environment.

use std::path::PathBuf;
use std::time::Duration;

use chassis::config::{Base, Database, HasBase};
use chassis::env::{ConfigError, Env, Reader};
use contract::claims::LONGEST_ACCESS_SECS;
use contract::env as name;

/// The port that auth has by convention.
const PORT: u16 = 8081;

#[derive(Debug, Clone)]
pub struct Config {
    pub base: Base,
    /// `DATABASE_URL` of `auth_db`.
    pub database: Database,
    /// `DORAN_AUTH_SEAL_FILE`: 32 bytes of base64url that seal the signing keys in `auth_db`.
    pub seal_file: PathBuf,
    pub lifetimes: Lifetimes,
    pub hashing: Hashing,
}

/// How long tokens live.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// `DORAN_AUTH_ACCESS_SECS`, 3600 unless set; no more than that, because everybody remembers for so long
    /// which tokens were revoked.
    pub access: Duration,
    /// `DORAN_AUTH_REFRESH_SECS`, 604800 (7 days) unless set: from the last use on.
    pub refresh: Duration,
}

/// The bulkhead of password hashing.
#[derive(Debug, Clone, Copy)]
pub struct Hashing {
    /// `DORAN_AUTH_HASH_CORES`, this machine's cores unless set: hashes at once.
    pub cores: usize,
    /// `DORAN_AUTH_HASH_QUEUE`, 64 unless set: how many may wait; about 0.7 s of work on two cores.
    pub queue: usize,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { access: Duration::from_hours(1), refresh: Duration::from_hours(7 * 24) }
    }
}

impl Default for Hashing {
    fn default() -> Self {
        Self { cores: std::thread::available_parallelism().map_or(1, usize::from), queue: 64 }
    }
}

impl Config {
    /// # Errors
    /// Every variable that is missing or wrong.
    pub fn from_env(env: &dyn Env) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(env);
        let base = reader.base("auth", PORT);
        let database = reader.database();
        let seal_file = reader.required(name::AUTH_SEAL_FILE);
        let (life, hash) = (Lifetimes::default(), Hashing::default());
        let access_secs = reader.or("DORAN_AUTH_ACCESS_SECS", life.access.as_secs());
        if !(1..=LONGEST_ACCESS_SECS.unsigned_abs()).contains(&access_secs) {
            reader.problem(format!(
                "DORAN_AUTH_ACCESS_SECS is not valid: access tokens live 1 to {LONGEST_ACCESS_SECS} seconds"
            ));
        }
        let lifetimes = Lifetimes {
            access: Duration::from_secs(access_secs),
            refresh: Duration::from_secs(reader.or("DORAN_AUTH_REFRESH_SECS", life.refresh.as_secs())),
        };
        let hashing = Hashing {
            cores: reader.or("DORAN_AUTH_HASH_CORES", hash.cores).max(1),
            queue: reader.or("DORAN_AUTH_HASH_QUEUE", hash.queue),
        };
        reader.finish(|| Some(Self { base, database: database?, seal_file: seal_file?, lifetimes, hashing }))
    }
}

impl HasBase for Config {
    fn base(&self) -> &Base {
        &self.base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_access_token_outlives_the_memory_of_its_revocation() {
        for (secs, valid) in [("1", true), ("3600", true), ("3601", false), ("0", false)] {
            let env = [
                ("DATABASE_URL", "postgres://localhost/auth_db"),
                ("DORAN_AUTH_SEAL_FILE", "seal"),
                ("DORAN_AUTH_ACCESS_SECS", secs),
            ];
            let config = Config::from_env(&env);
            assert_eq!(config.is_ok(), valid, "{secs}: {config:?}");
        }
    }
}
