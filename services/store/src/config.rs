//! What `store` reads from its environment.

use chassis::{Base, ConfigError, Database, Env, HasBase, Reader};

#[derive(Debug, Clone)]
pub struct Config {
    /// What every service reads; the port is 8084 unless `DORAN_PORT` says otherwise.
    pub base: Base,
    /// `DATABASE_URL`: the runtime role of `store_db`.
    pub database: Database,
}

impl Config {
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn from_env(env: &dyn Env) -> Result<Self, ConfigError> {
        let mut read = Reader::new(env);
        let base = read.base("store", 8084);
        let database = read.database();
        read.finish(|| Some(Self { base, database: database? }))
    }
}

impl HasBase for Config {
    fn base(&self) -> &Base {
        &self.base
    }
}
