//! What user reads from its environment.

use chassis::config::{Base, Database, HasBase};
use chassis::env::{ConfigError, Env, Reader};

/// The port that user has by convention.
const PORT: u16 = 8082;

#[derive(Debug, Clone)]
pub struct Config {
    pub base: Base,
    /// `DATABASE_URL` of `user_db`.
    pub database: Database,
}

impl Config {
    /// # Errors
    /// Every variable that is missing or wrong.
    pub fn from_env(env: &dyn Env) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(env);
        let base = reader.base("user", PORT);
        let database = reader.database();
        reader.finish(|| Some(Self { base, database: database? }))
    }
}

impl HasBase for Config {
    fn base(&self) -> &Base {
        &self.base
    }
}
