//! What `store` reads from its environment.

use std::path::PathBuf;
use std::time::Duration;

use chassis::{Base, ConfigError, Database, Env, HasBase, Reader, Secret};
use contract::env as name;

use crate::payment::TossConfig;
use crate::saga;
use crate::stock_low::Threshold;

#[derive(Debug, Clone)]
pub struct Config {
    /// What every service reads; the port is 8084 unless `DORAN_PORT` says otherwise.
    pub base: Base,
    /// `DATABASE_URL`: the runtime role of `store_db`.
    pub database: Database,
    /// `DORAN_PAYMENT_PROVIDER`: who takes the money, `sandbox` (unless set) or `toss`.
    pub payment: PaymentConfig,
    /// How patient sagas are.
    pub saga: saga::Settings,
    /// `DORAN_STORE_LOW_STOCK`, 5 unless set: at or below so many left, an item is about to sell out. 0 turns the
    /// warning off.
    pub low_stock: Threshold,
}

/// The payment provider, and what it needs.
#[derive(Debug, Clone)]
pub enum PaymentConfig {
    Sandbox {
        /// Content of the file that `DORAN_PAYMENT_WEBHOOK_SECRET_FILE` names. Without one no webhook is believed,
        /// and what became of a payment is learnt by asking.
        webhook_secret: Option<Secret>,
    },
    Toss(TossConfig),
}

impl Config {
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn from_env(env: &dyn Env) -> Result<Self, ConfigError> {
        let mut read = Reader::new(env);
        let base = read.base("store", 8084);
        let database = read.database();
        let payment = PaymentConfig::read(&mut read);
        let saga = sagas(&mut read);
        let low_stock = Threshold(read.or::<u32>("DORAN_STORE_LOW_STOCK", 5).into());
        read.finish(|| Some(Self { base, database: database?, payment: payment?, saga, low_stock }))
    }
}

fn sagas(read: &mut Reader) -> saga::Settings {
    let settings = saga::Settings::default();
    let deadline: u32 = read.or("DORAN_STORE_ORDER_SECS", 60);
    if deadline == 0 {
        read.problem("DORAN_STORE_ORDER_SECS is not valid: it must be above 0".to_owned());
    }
    saga::Settings { deadline: Duration::from_secs(deadline.into()), ..settings }
}

impl HasBase for Config {
    fn base(&self) -> &Base {
        &self.base
    }
}

impl PaymentConfig {
    /// `None` is always accompanied by a problem.
    fn read(read: &mut Reader) -> Option<Self> {
        let provider = read.or("DORAN_PAYMENT_PROVIDER", "sandbox".to_owned());
        match provider.as_str() {
            "sandbox" => {
                let webhook_secret = file(read, name::PAYMENT_WEBHOOK_SECRET_FILE);
                Some(Self::Sandbox { webhook_secret })
            }
            "toss" => TossConfig::read(read).map(Self::Toss),
            other => {
                read.problem(format!("DORAN_PAYMENT_PROVIDER is not valid: there is no provider `{other}`"));
                None
            }
        }
    }
}

/// The secret in the file that the variable names.
fn file(read: &mut Reader, name: &str) -> Option<Secret> {
    let path: PathBuf = read.optional(name)?;
    match std::fs::read_to_string(&path) {
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
    use std::collections::BTreeMap;

    use super::*;

    fn read(more: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let least = [("DATABASE_URL", "postgres://localhost/store_db")];
        let env: BTreeMap<_, _> =
            least.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::from_env(&env)
    }

    #[test]
    fn the_sandbox_takes_the_money_unless_somebody_else_is_named() {
        let payment = read(&[]).unwrap().payment;
        assert!(matches!(payment, PaymentConfig::Sandbox { webhook_secret: None }), "{payment:?}");
        let problems = read(&[("DORAN_PAYMENT_PROVIDER", "piggy-bank")]).unwrap_err().problems;
        assert_eq!(problems, ["DORAN_PAYMENT_PROVIDER is not valid: there is no provider `piggy-bank`"]);
    }

    #[test]
    fn the_webhooks_secret_comes_from_a_file_and_is_not_shown() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("secret");
        let variable = [(name::PAYMENT_WEBHOOK_SECRET_FILE, path.to_str().unwrap())];
        let gone = read(&variable).unwrap_err().problems;
        assert!(gone[0].starts_with("DORAN_PAYMENT_WEBHOOK_SECRET_FILE is not readable"), "{gone:?}");
        std::fs::write(&path, "\n").unwrap();
        assert!(read(&variable).unwrap_err().problems[0].ends_with("is empty"));
        std::fs::write(&path, "hunter2\n").unwrap();
        let config = read(&variable).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        let PaymentConfig::Sandbox { webhook_secret: Some(secret) } = config.payment else {
            panic!("{config:?}");
        };
        assert_eq!(secret.expose(), "hunter2");
    }
}
