//! Counting what a model reads and writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::counter;

/// Tokens of models, by agent and kind (`prompt`, `completion`).
const TOKENS: &str = "chat_model_tokens_total";

/// What a message costs beside its text: its role and its bounds.
pub(super) const PER_MESSAGE: u64 = 4;

/// About how many tokens a text has: a quarter for a Latin letter or a space, a half for other ASCII, one for
/// everything else, which is what a Hangul syllable takes in the vocabularies of today (older ones take up to two).
/// Good enough for a budget; bills come from the endpoint's own count where it gives one.
pub fn estimate(text: &str) -> u64 {
    let quarters = |c: char| match c {
        ' ' | 'a'..='z' | 'A'..='Z' => 1,
        c if c.is_ascii() => 2,
        _ => 4,
    };
    text.chars().map(quarters).sum::<u64>().div_ceil(4)
}

/// Tokens used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    pub prompt: u64,
    pub completion: u64,
}

/// Adds up what calls use, also those that fail or are given up. Cheap to clone; clones share the sum.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    sums: Arc<Sums>,
}

#[derive(Debug, Default)]
struct Sums {
    prompt: AtomicU64,
    completion: AtomicU64,
}

impl Meter {
    pub(super) fn add(&self, label: &'static str, tokens: Tokens) {
        self.sums.prompt.fetch_add(tokens.prompt, Ordering::Relaxed);
        self.sums.completion.fetch_add(tokens.completion, Ordering::Relaxed);
        counter!(TOKENS, "agent" => label, "kind" => "prompt").increment(tokens.prompt);
        counter!(TOKENS, "agent" => label, "kind" => "completion").increment(tokens.completion);
    }

    pub fn total(&self) -> Tokens {
        Tokens {
            prompt: self.sums.prompt.load(Ordering::Relaxed),
            completion: self.sums.completion.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hangul_syllable_counts_as_a_token_and_four_latin_letters_too() {
        for (text, tokens) in
            [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("안녕하세요", 5), ("안녕 bot!", 4)]
        {
            assert_eq!(estimate(text), tokens, "{text}");
        }
    }
}
