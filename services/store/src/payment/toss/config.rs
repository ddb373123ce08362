//! What the adapter reads from the environment.

use std::time::Duration;

use chassis::outside::{base_url, is_readable_on_its_way, key};
use chassis::{Reader, Secret};
use reqwest::Url;

/// Where the API is unless something else is said.
const URL: &str = "https://api.tosspayments.com/";
/// A card's issuer may take seconds. One that takes longer is asked for again.
const TIMEOUT_MS: u32 = 4_000;
/// A saga that looks first makes two calls, and has 5 s to write what came of them before its lease of 15 s ends.
const MAX_TIMEOUT_MS: u32 = 4_500;

#[derive(Debug, Clone)]
pub struct TossConfig {
    /// `DORAN_PAYMENT_TOSS_URL`: the base of the API, `https://api.tosspayments.com/` unless set.
    pub url: Url,
    /// `DORAN_PAYMENT_TOSS_SECRET_KEY`, or the content of the file that `DORAN_PAYMENT_TOSS_SECRET_KEY_FILE` names.
    /// Required.
    pub key: Secret,
    /// `DORAN_PAYMENT_TOSS_TIMEOUT_MS`, 4000 unless set, at most 4500: the most that one call of the port may
    /// take, with the questions that belong to it.
    pub timeout: Duration,
}

impl TossConfig {
    /// `None` is always accompanied by a problem.
    pub(crate) fn read(read: &mut Reader) -> Option<Self> {
        const URL_VARIABLE: &str = "DORAN_PAYMENT_TOSS_URL";
        const KEY: &str = "DORAN_PAYMENT_TOSS_SECRET_KEY";
        const KEY_FILE: &str = "DORAN_PAYMENT_TOSS_SECRET_KEY_FILE";
        const TIMEOUT: &str = "DORAN_PAYMENT_TOSS_TIMEOUT_MS";
        let url =
            base_url(read, URL_VARIABLE).unwrap_or_else(|| Url::parse(URL).expect("the default is a URL"));
        if is_readable_on_its_way(&url) {
            read.problem(format!(
                "{URL_VARIABLE} is not valid: the key would go over the network as plain text"
            ));
        }
        let given = read.optional::<String>(KEY).is_some() || read.optional::<String>(KEY_FILE).is_some();
        if !given {
            read.problem(format!("{KEY} is not set, and {KEY_FILE} neither"));
        }
        let key = key(read, KEY, KEY_FILE);
        let timeout = read.or(TIMEOUT, TIMEOUT_MS);
        if !(1..=MAX_TIMEOUT_MS).contains(&timeout) {
            read.problem(format!("{TIMEOUT} is not valid: it must be above 0 and at most {MAX_TIMEOUT_MS}"));
        }
        Some(Self { url, key: key?, timeout: Duration::from_millis(timeout.into()) })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chassis::ConfigError;

    use super::*;

    fn read(env: &[(&str, &str)]) -> Result<TossConfig, ConfigError> {
        let env: BTreeMap<_, _> =
            env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut reader = Reader::new(&env);
        let config = TossConfig::read(&mut reader);
        reader.finish(|| config)
    }

    #[test]
    fn a_key_is_enough_and_is_not_shown() {
        let config = read(&[("DORAN_PAYMENT_TOSS_SECRET_KEY", "test_sk_1")]).unwrap();
        assert_eq!(config.url.as_str(), URL);
        assert_eq!(config.timeout, Duration::from_secs(4));
        assert!(!format!("{config:?}").contains("test_sk_1"));
        assert_eq!(config.key.expose(), "test_sk_1");
    }

    #[test]
    fn the_key_comes_from_a_file_too() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        std::fs::write(&path, "test_sk_2\n").unwrap();
        let config = read(&[("DORAN_PAYMENT_TOSS_SECRET_KEY_FILE", path.to_str().unwrap())]).unwrap();
        assert_eq!(config.key.expose(), "test_sk_2");
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once_and_no_secret_with_it() {
        let problems = read(&[]).unwrap_err().problems;
        assert_eq!(
            problems,
            ["DORAN_PAYMENT_TOSS_SECRET_KEY is not set, and DORAN_PAYMENT_TOSS_SECRET_KEY_FILE neither"]
        );
        for url in ["http://api.tosspayments.com", "https://sk:hunter2@api.tosspayments.com", "hunter2"] {
            let problems = read(&[
                ("DORAN_PAYMENT_TOSS_URL", url),
                ("DORAN_PAYMENT_TOSS_SECRET_KEY", "hunter2 hunter2"),
                ("DORAN_PAYMENT_TOSS_TIMEOUT_MS", "20000"),
            ])
            .unwrap_err()
            .problems;
            assert_eq!(problems.len(), 3, "{problems:?}");
            assert!(!problems.concat().contains("hunter2"), "{problems:?}");
        }
    }
}
