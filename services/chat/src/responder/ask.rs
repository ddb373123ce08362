//! The questions to the model, one for each agent. Pure.

use contract::chat::{Agent, Level};

use super::data::{Kind, Nonce};
use super::history;
use super::instruction::system;
use crate::domain::bot::Bot;
use crate::model::{Format, Prompt, Request, Role};
use crate::repository::history::Said;
use crate::repository::prompt::InUse;

/// Longer than any answer that is taken, in bytes; a Hangul syllable is three.
const LONGEST: usize = 32 * 1024;

/// Whom the questions are about.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) bot: &'a Bot,
    pub(super) level: Level,
    /// Those in use.
    pub(super) prompts: &'a [InUse],
}

/// A question, and the marks it is written with.
pub(super) struct Ask {
    pub(super) request: Request,
    pub(super) nonce: Nonce,
}

impl Scene<'_> {
    /// What to answer to `text` after what was `said`.
    pub(super) fn conversation(self, text: &str, said: &[&Said], memory: Option<&str>) -> Ask {
        self.ask(Agent::Conversation, Format::Text, |nonce| {
            let memory = memory.map(|notes| history::memory(notes, nonce));
            let past = said.iter().map(|said| history::prompt(said, nonce));
            memory.into_iter().chain(past).chain([history::learner(text, nonce)]).collect()
        })
    }

    /// How polite `text` is.
    pub(super) fn analysis(self, text: &str) -> Ask {
        self.ask(Agent::Analysis, Format::Json, |nonce| vec![history::learner(text, nonce)])
    }

    /// What is worth learning in `reply`.
    pub(super) fn vocabulary(self, reply: &str) -> Ask {
        self.ask(Agent::Vocabulary, Format::Json, |nonce| vec![user(nonce.mark(Kind::Tutor, reply))])
    }

    /// The first words in a room.
    pub(super) fn greeting(self) -> Ask {
        // Some endpoints want something of the user's in every question.
        let entered = "(The learner enters the room.)".to_owned();
        self.ask(Agent::Greeting, Format::Text, |_| vec![user(entered)])
    }

    /// The notes up to the end of `transcript`.
    pub(super) fn summary(self, notes: Option<&str>, transcript: &str) -> Ask {
        self.ask(Agent::Summary, Format::Text, |nonce| {
            let notes = notes.map(|notes| nonce.mark(Kind::Notes, notes));
            let transcript = nonce.mark(Kind::Transcript, transcript);
            vec![user(notes.into_iter().chain([transcript]).collect::<Vec<_>>().join("\n"))]
        })
    }

    fn ask(self, agent: Agent, format: Format, prompts: impl FnOnce(&Nonce) -> Vec<Prompt>) -> Ask {
        let nonce = Nonce::fresh();
        let in_use = self.prompts.iter().find(|prompt| prompt.agent == agent);
        let content = system(agent, self.bot, self.level, in_use, &nonce);
        let mut all = vec![Prompt { role: Role::System, content }];
        all.extend(prompts(&nonce));
        Ask { request: Request { label: agent.as_str(), prompts: all, format, max_bytes: LONGEST }, nonce }
    }
}

const fn user(content: String) -> Prompt {
    Prompt { role: Role::User, content }
}
