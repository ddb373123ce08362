//! What `batch` reads from its environment.

use chassis::{Base, ConfigError, Database, Env, HasBase, Reader, Secret};
use contract::env as name;

use crate::objects::AWS;

#[derive(Debug, Clone)]
pub struct Config {
    /// What every service reads; the port is 8085 unless `DORAN_PORT` says otherwise.
    pub base: Base,
    /// `DATABASE_URL`: the runtime role of `batch_db`.
    pub database: Database,
    /// `DORAN_OBJECT_STORE_URL`: where archives and reports are kept, `file:///absolute/directory` or
    /// `s3://bucket/prefix`.
    pub objects: String,
    /// How an S3-compatible store is reached: those of [`AWS`] that are set.
    pub aws: Vec<(&'static str, Secret)>,
}

impl Config {
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn from_env(env: &dyn Env) -> Result<Self, ConfigError> {
        let mut read = Reader::new(env);
        let base = read.base("batch", 8085);
        let database = read.database();
        let objects = read.required(name::OBJECT_STORE_URL);
        let aws = AWS.into_iter().filter_map(|name| Some((name, read.optional(name)?))).collect();
        read.finish(|| Some(Self { base, database: database?, objects: objects?, aws }))
    }
}

impl HasBase for Config {
    fn base(&self) -> &Base {
        &self.base
    }
}
