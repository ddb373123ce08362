//! A streamed answer as it comes together. Pure.

use super::chunk::{Chunk, Usage};
use super::error::ModelError;
use super::tokens::{Tokens, estimate};

/// A count above this is not one: no model reads so much.
const MAX_TOKENS: u64 = 10_000_000;

/// Whether more is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    More,
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finish {
    Stop,
    /// The endpoint stopped at its or our limit.
    Length,
    /// For a reason of its own: a filter, a tool that we do not have.
    Other,
}

/// What has come of an answer so far.
#[derive(Debug)]
pub(super) struct Gathering {
    content: String,
    max_bytes: usize,
    /// `None` until something was said about the end.
    finish: Option<Finish>,
    usage: Option<Usage>,
}

impl Gathering {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { content: String::new(), max_bytes, finish: None, usage: None }
    }

    /// Takes the data of one event. What comes behind the end cannot spoil the answer any more.
    pub(super) fn take(&mut self, data: &[u8]) -> Result<Next, ModelError> {
        let ended = self.has_ended();
        match self.read(data) {
            Err(_) if ended => Ok(Next::More),
            next => next,
        }
    }

    fn read(&mut self, data: &[u8]) -> Result<Next, ModelError> {
        if data.trim_ascii() == b"[DONE]" {
            self.finish.get_or_insert(Finish::Stop);
            return Ok(Next::Done);
        }
        let chunk: Chunk = serde_json::from_slice(data)
            .map_err(|_| ModelError::Protocol { what: "an event is not a chunk of an answer" })?;
        if chunk.error.is_some() {
            return Err(ModelError::Protocol { what: "an error instead of an answer" });
        }
        // Some servers write zeroes that mean nothing.
        let plausible = |usage: &Usage| {
            let completion = usage.completion_tokens.unwrap_or_default();
            usage.prompt_tokens > 0 && usage.prompt_tokens.max(completion) <= MAX_TOKENS
        };
        // Some count along; the last one is right.
        self.usage = chunk.usage.filter(plausible).or(self.usage);
        for choice in chunk.choices.into_iter().flatten().filter(|choice| choice.index == 0) {
            if let Some(text) = choice.delta.and_then(|delta| delta.content) {
                if self.content.len() + text.len() > self.max_bytes {
                    return Err(ModelError::TooLong);
                }
                self.content.push_str(&text);
            }
            match choice.finish_reason.as_deref() {
                // Some write an empty one while they go on.
                None | Some("") => {}
                Some("stop") => self.finish = Some(Finish::Stop),
                Some("length") => self.finish = Some(Finish::Length),
                Some(_) => self.finish = Some(Finish::Other),
            }
        }
        Ok(Next::More)
    }

    /// Whether content has come: from here on the question is not asked again.
    pub(super) fn has_begun(&self) -> bool {
        !self.content.is_empty()
    }

    /// Whether the text is complete; its bill may still come.
    pub(super) fn has_ended(&self) -> bool {
        self.finish.is_some()
    }

    /// What the endpoint counted, else our estimate for an answer to `prompt` tokens.
    pub(super) fn tokens(&self, prompt: u64) -> Tokens {
        let completion = self.usage.and_then(|usage| usage.completion_tokens);
        Tokens {
            prompt: self.usage.map_or(prompt, |usage| usage.prompt_tokens),
            completion: completion.unwrap_or_else(|| estimate(&self.content)),
        }
    }

    /// The text, if it is of use.
    pub(super) fn text(&self) -> Result<String, ModelError> {
        match self.finish {
            None => Err(ModelError::Cut { begun: self.has_begun(), source: None }),
            Some(Finish::Length) => Err(ModelError::Useless { why: "it ends at the token limit" }),
            Some(Finish::Other) => {
                Err(ModelError::Useless { why: "the model stopped for a reason of its own" })
            }
            Some(Finish::Stop) if self.content.trim().is_empty() => {
                Err(ModelError::Useless { why: "it is empty" })
            }
            Some(Finish::Stop) => Ok(self.content.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn gather(chunks: &[serde_json::Value]) -> Result<Gathering, ModelError> {
        let mut gathering = Gathering::new(100);
        for chunk in chunks {
            gathering.take(chunk.to_string().as_bytes())?;
        }
        Ok(gathering)
    }

    fn said(text: &str, finish: Option<&str>) -> serde_json::Value {
        json!({ "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": finish }] })
    }

    #[test]
    fn the_parts_of_the_first_choice_are_joined() {
        let other = json!({ "choices": [{ "index": 1, "delta": { "content": "x" } }], "usage": null });
        let usage = json!({ "choices": [], "usage": { "prompt_tokens": 7, "completion_tokens": 2 } });
        let gathering = gather(&[said("안", None), other, said("녕", Some("stop")), usage]).unwrap();
        assert_eq!(gathering.tokens(99), Tokens { prompt: 7, completion: 2 });
        assert_eq!(gathering.text().unwrap(), "안녕");
    }

    #[test]
    fn without_a_count_or_with_a_mad_one_the_tokens_are_estimated() {
        for prompt_tokens in [u64::MAX, 0] {
            let mad = json!({ "usage": { "prompt_tokens": prompt_tokens, "completion_tokens": 1 } });
            let gathering = gather(&[said("안녕", Some("stop")), mad]).unwrap();
            assert_eq!(gathering.tokens(9), Tokens { prompt: 9, completion: 2 });
        }
    }

    #[test]
    fn what_is_missing_in_a_count_is_estimated_and_what_is_no_count_is_none() {
        for (usage, expected) in [
            (json!({ "prompt_tokens": 7 }), Tokens { prompt: 7, completion: 2 }),
            (json!({ "prompt_tokens": 7, "completion_tokens": null }), Tokens { prompt: 7, completion: 2 }),
            (json!({ "prompt_tokens": null, "completion_tokens": 5 }), Tokens { prompt: 9, completion: 2 }),
            (json!({ "prompt_tokens": 7, "completion_tokens": -1 }), Tokens { prompt: 9, completion: 2 }),
            (json!({}), Tokens { prompt: 9, completion: 2 }),
            (json!("many"), Tokens { prompt: 9, completion: 2 }),
        ] {
            let last = json!({ "choices": [], "usage": usage });
            let gathering = gather(&[said("안녕", Some("stop")), last]).unwrap();
            assert_eq!(gathering.tokens(9), expected, "{usage}");
            assert_eq!(gathering.text().unwrap(), "안녕");
        }
    }

    #[test]
    fn what_comes_behind_the_end_spoils_nothing() {
        for behind in
            [json!("<html>"), json!({ "error": {} }), json!({ "choices": 7 }), said(&"a".repeat(101), None)]
        {
            let gathering = gather(&[said("안녕", Some("stop")), behind]).unwrap();
            assert_eq!(gathering.text().unwrap(), "안녕");
        }
    }

    #[test]
    fn an_answer_that_is_of_no_use_says_why() {
        for (chunks, reason) in [
            (vec![said("a", None)], "cut"),
            (vec![said("a", Some("length"))], "useless"),
            (vec![said("a", Some("content_filter"))], "useless"),
            (vec![said(" \n", Some("stop"))], "useless"),
        ] {
            let error = gather(&chunks).unwrap().text().unwrap_err();
            assert_eq!(error.reason(), reason, "{chunks:?}");
        }
    }

    #[test]
    fn what_is_no_chunk_or_too_long_is_refused() {
        for (chunk, reason) in [
            (json!("<html>"), "protocol"),
            (json!({ "error": { "message": "overloaded" } }), "protocol"),
            (json!({ "choices": [{ "delta": { "content": 5 } }] }), "protocol"),
            (said(&"a".repeat(101), None), "too_long"),
        ] {
            assert_eq!(gather(std::slice::from_ref(&chunk)).unwrap_err().reason(), reason, "{chunk}");
        }
    }

    #[test]
    fn the_end_mark_alone_ends_an_answer() {
        let mut gathering = gather(&[said("a", None)]).unwrap();
        assert_eq!(gathering.take(b"[DONE]").unwrap(), Next::Done);
        assert_eq!(gathering.text().unwrap(), "a");
    }
}
