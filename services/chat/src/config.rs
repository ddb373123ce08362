//! What `chat` reads from its environment.

use std::time::Duration;

use chassis::outside::{base_url, key};
use chassis::{Base, ConfigError, Database, Env, HasBase, Reader, Secret};
use reqwest::Url;

use crate::handlers::usage::Limits;
use crate::moderation;

#[derive(Debug, Clone)]
pub struct Config {
    /// What every service reads; the port is 8083 unless `DORAN_PORT` says otherwise.
    pub base: Base,
    /// `DATABASE_URL`: the runtime role of `chat_db`.
    pub database: Database,
    /// The language model that answers. Without one the built-in tutor does.
    pub model: Option<ModelConfig>,
    /// What a learner may not write.
    pub moderation: moderation::Settings,
}

/// A language model behind an OpenAI-compatible API, and what it may cost. Read only if its URL is set.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// `DORAN_CHAT_MODEL_URL`: the base of the API, e.g. `https://api.openai.com/v1`.
    pub url: Url,
    /// `DORAN_CHAT_MODEL`: the model's name there. Required.
    pub name: String,
    /// `DORAN_CHAT_MODEL_KEY`, or the content of the file that `DORAN_CHAT_MODEL_KEY_FILE` names; a server of
    /// one's own may need none.
    pub key: Option<Secret>,
    /// `DORAN_CHAT_MODEL_TIMEOUT_MS`, 8000 unless set: the most that one call may take, retries included.
    pub timeout: Duration,
    /// `DORAN_CHAT_MODEL_IDLE_MS`, 3000 unless set: the longest silence in the middle of an answer.
    pub idle: Duration,
    /// `DORAN_CHAT_MODEL_MAX_TOKENS`, 800 unless set: the longest answer, sent as `max_tokens`. 0 sends nothing, for
    /// models that refuse the parameter.
    pub max_tokens: u32,
    /// `DORAN_CHAT_MODEL_AT_ONCE`, 16 unless set: calls of this process that run at the same time.
    pub at_once: usize,
    /// `DORAN_CHAT_HISTORY_TOKENS`, 2000 unless set: how much of the conversation a model is shown, by our estimate.
    pub history_tokens: u64,
    /// `DORAN_CHAT_SUMMARY_MESSAGES`, 20 unless set: when more messages than this no longer fit into the history and
    /// are in no summary yet, one is made. 0 makes none.
    pub summary_messages: u32,
    /// `DORAN_CHAT_MONTHLY_TOKENS`, 2000000 unless set: what a user may use in a month (UTC), prompts and answers
    /// together. 0 is without limit.
    pub monthly_tokens: u32,
    /// `DORAN_CHAT_DAILY_TURNS`, 200 unless set: how often a user is answered by the model in a day (UTC). 0 is
    /// without limit.
    pub daily_turns: u32,
}

impl Config {
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn from_env(env: &dyn Env) -> Result<Self, ConfigError> {
        let mut read = Reader::new(env);
        let base = read.base("chat", 8083);
        let database = read.database();
        let model = ModelConfig::read(&mut read);
        let moderation = moderation::Settings::read(&mut read);
        read.finish(|| Some(Self { base, database: database?, model, moderation }))
    }
}

impl HasBase for Config {
    fn base(&self) -> &Base {
        &self.base
    }
}

impl ModelConfig {
    /// `None` without a URL, or with a problem.
    fn read(read: &mut Reader) -> Option<Self> {
        let url = base_url(read, "DORAN_CHAT_MODEL_URL")?;
        let name = read.required("DORAN_CHAT_MODEL");
        let key = key(read, "DORAN_CHAT_MODEL_KEY", "DORAN_CHAT_MODEL_KEY_FILE");
        let millis = |ms: u32| Duration::from_millis(ms.into());
        let positive = |read: &mut Reader, name: &str, default: u32| {
            let value = read.or(name, default);
            if value == 0 {
                read.problem(format!("{name} is not valid: it must be above 0"));
            }
            value
        };
        let timeout = millis(positive(read, "DORAN_CHAT_MODEL_TIMEOUT_MS", 8000));
        let idle = millis(positive(read, "DORAN_CHAT_MODEL_IDLE_MS", 3000));
        // A semaphore takes far more, a provider far fewer.
        let at_once = positive(read, "DORAN_CHAT_MODEL_AT_ONCE", 16).min(10_000);
        Some(Self {
            url,
            name: name?,
            key,
            timeout,
            idle,
            max_tokens: read.or("DORAN_CHAT_MODEL_MAX_TOKENS", 800),
            at_once: usize::try_from(at_once).unwrap_or(16),
            history_tokens: read.or("DORAN_CHAT_HISTORY_TOKENS", 2000),
            summary_messages: read.or("DORAN_CHAT_SUMMARY_MESSAGES", 20),
            monthly_tokens: read.or("DORAN_CHAT_MONTHLY_TOKENS", 2_000_000),
            daily_turns: read.or("DORAN_CHAT_DAILY_TURNS", 200),
        })
    }
}

impl ModelConfig {
    /// What users are told of their limits.
    pub fn limits(&self) -> Limits {
        let limit = |limit: u32| Some(i64::from(limit)).filter(|limit| *limit > 0);
        Limits { turns_per_day: limit(self.daily_turns), tokens_per_month: limit(self.monthly_tokens) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(more: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let least = [("DATABASE_URL", "postgres://localhost/chat_db")];
        let env: BTreeMap<_, _> =
            least.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::from_env(&env)
    }

    #[test]
    fn without_a_url_there_is_no_model_whatever_else_is_set() {
        assert!(read(&[]).unwrap().model.is_none());
        assert!(read(&[("DORAN_CHAT_MODEL_KEY", "k"), ("DORAN_CHAT_MODEL", "m")]).unwrap().model.is_none());
    }

    #[test]
    fn the_base_url_can_end_with_a_slash_or_not_and_the_key_is_not_shown() {
        for url in ["https://api.example.com/v1", "https://api.example.com/v1/"] {
            let more =
                [("DORAN_CHAT_MODEL_URL", url), ("DORAN_CHAT_MODEL", "m"), ("DORAN_CHAT_MODEL_KEY", "sk-1")];
            let config = read(&more).unwrap();
            let shown = format!("{config:?}");
            assert!(!shown.contains("sk-1"), "{shown}");
            let model = config.model.unwrap();
            assert_eq!(model.url.join("chat/completions").unwrap().path(), "/v1/chat/completions");
            assert_eq!(model.key.unwrap().expose(), "sk-1");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once_and_no_secret_with_it() {
        for url in ["ftp://x", "https://user:secret@x/v1", "https://x/v1?key=secret", "secret"] {
            let problems = read(&[("DORAN_CHAT_MODEL_URL", url)]).unwrap_err().problems;
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].contains("DORAN_CHAT_MODEL_URL") && !problems[0].contains("secret"));
        }
        let more = [
            ("DORAN_CHAT_MODEL_URL", "http://127.0.0.1:1"),
            ("DORAN_CHAT_MODEL_KEY", "two words"),
            ("DORAN_CHAT_MODEL_TIMEOUT_MS", "0"),
            ("DORAN_CHAT_MODEL_AT_ONCE", "many"),
        ];
        let problems = read(&more).unwrap_err().problems;
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(!problems.concat().contains("two words"));
    }

    #[test]
    fn the_key_comes_from_a_file_too_but_not_from_both() {
        let file = std::env::temp_dir().join(format!("doran-model-key-{}", std::process::id()));
        std::fs::write(&file, "sk-2\n").unwrap();
        let path = file.to_str().unwrap();
        let url = [("DORAN_CHAT_MODEL_URL", "http://127.0.0.1:1"), ("DORAN_CHAT_MODEL", "m")];
        let config = read(&[&url[..], &[("DORAN_CHAT_MODEL_KEY_FILE", path)]].concat());
        let both = [("DORAN_CHAT_MODEL_KEY_FILE", path), ("DORAN_CHAT_MODEL_KEY", "sk-1")];
        let both = read(&[&url[..], &both].concat());
        std::fs::remove_file(&file).unwrap();
        assert_eq!(config.unwrap().model.unwrap().key.unwrap().expose(), "sk-2");
        assert!(both.unwrap_err().problems[0].contains("both set"));
        let gone = read(&[&url[..], &[("DORAN_CHAT_MODEL_KEY_FILE", path)]].concat()).unwrap_err();
        assert!(gone.problems[0].contains("DORAN_CHAT_MODEL_KEY_FILE is not readable"));
    }
}
