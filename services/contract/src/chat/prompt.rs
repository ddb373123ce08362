//! What bots are told to do.

use crate::word::word;

word! {
    /// The tasks of a bot; each has prompts of its own.
    Agent {
        Conversation = "conversation",
        Analysis = "analysis",
        Vocabulary = "vocabulary",
        Greeting = "greeting",
        Summary = "summary",
    }
}

impl Agent {
    pub const ALL: [Self; 5] =
        [Self::Conversation, Self::Analysis, Self::Vocabulary, Self::Greeting, Self::Summary];
}
