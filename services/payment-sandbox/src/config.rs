//! What `payment-sandbox` reads from its environment.

use std::path::{Path, PathBuf};

use chassis::{Base, ConfigError, Env, HasBase, Reader, Secret};
use contract::env as name;

#[derive(Debug, Clone)]
pub struct Config {
    /// What every service reads; the port is 8090 unless `DORAN_PORT` says otherwise.
    pub base: Base,
    /// `DORAN_PAYMENT_LEDGER`: the file that holds what was booked. Made if it is not there.
    pub ledger: PathBuf,
    /// Content of the file that `DORAN_PAYMENT_WEBHOOK_SECRET_FILE` names. Without one no webhooks are sent.
    pub webhook_secret: Option<Secret>,
}

impl Config {
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn from_env(env: &dyn Env) -> Result<Self, ConfigError> {
        let mut read = Reader::new(env);
        let base = read.base(name::PAYMENT_SANDBOX, 8090);
        let ledger = read.required(name::PAYMENT_LEDGER);
        let webhook_secret = read
            .optional(name::PAYMENT_WEBHOOK_SECRET_FILE)
            .and_then(|path: PathBuf| secret(&mut read, &path));
        read.finish(|| Some(Self { base, ledger: ledger?, webhook_secret }))
    }
}

impl HasBase for Config {
    fn base(&self) -> &Base {
        &self.base
    }
}

/// `None` is always accompanied by a problem.
fn secret(read: &mut Reader, path: &Path) -> Option<Secret> {
    let name = name::PAYMENT_WEBHOOK_SECRET_FILE;
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => {
            read.problem(format!("{name} is not valid: {} is empty", path.display()));
            None
        }
        Ok(text) => Some(Secret::new(text.trim().to_owned())),
        Err(error) => {
            read.problem(format!("{name} is not readable: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let env = [(name::PAYMENT_WEBHOOK_SECRET_FILE, "/nowhere/secret")];
        let problems = Config::from_env(&env).unwrap_err().problems;
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert_eq!(problems[0], "DORAN_PAYMENT_LEDGER is not set");
        assert!(problems[1].starts_with("DORAN_PAYMENT_WEBHOOK_SECRET_FILE is not readable"));
    }

    #[test]
    fn a_ledger_is_enough_and_webhooks_need_a_secret() {
        let config = Config::from_env(&[(name::PAYMENT_LEDGER, "/tmp/ledger.ndjson")]).unwrap();
        assert_eq!((config.base.service, config.webhook_secret), ("payment-sandbox", None));
    }
}
