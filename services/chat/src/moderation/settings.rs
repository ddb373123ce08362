//! What moderation reads from the environment.

use std::path::PathBuf;

use chassis::outside::{base_url, key};
use chassis::{Reader, Secret};
use reqwest::Url;

#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `DORAN_CHAT_MODERATION_WORDS_FILE`: more words, lines of `insult: word` or `allow: word`.
    pub words: Option<PathBuf>,
    /// `DORAN_CHAT_MODERATION_URL`: the base of an OpenAI-compatible API, e.g. `https://api.openai.com/v1`. Without it the
    /// words alone decide.
    pub url: Option<Url>,
    /// `DORAN_CHAT_MODERATION_KEY`, or the content of the file that `DORAN_CHAT_MODERATION_KEY_FILE` names.
    pub key: Option<Secret>,
}

impl Settings {
    pub fn read(read: &mut Reader<'_>) -> Self {
        let words = read.optional("DORAN_CHAT_MODERATION_WORDS_FILE");
        let Some(url) = base_url(read, "DORAN_CHAT_MODERATION_URL") else {
            return Self { words, ..Self::default() };
        };
        let key = key(read, "DORAN_CHAT_MODERATION_KEY", "DORAN_CHAT_MODERATION_KEY_FILE");
        Self { words, url: Some(url), key }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_settings_are_named_and_the_key_is_not_shown() {
        let read = |env: [(&str, &str); 3]| {
            let mut reader = Reader::new(&env);
            let settings = Settings::read(&mut reader);
            reader.finish(|| Some(settings))
        };
        let (url, key) = ("DORAN_CHAT_MODERATION_URL", "DORAN_CHAT_MODERATION_KEY");
        let file = "DORAN_CHAT_MODERATION_KEY_FILE";
        let settings = read([(url, "https://example.com/v1"), (key, "sk-1"), (file, "")]).unwrap();
        assert!(!format!("{settings:?}").contains("sk-1"));
        assert!(read([(url, "ftp://example.com"), (key, ""), (file, "")]).is_err());
        assert!(read([(url, "https://example.com"), (key, "a"), (file, "b")]).is_err());
    }
}
