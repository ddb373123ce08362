//! Rooms, messages and what travels over their streams, as the web client and other services see them.

mod frame;
pub mod maintenance;
mod message;
mod prompt;
mod reply;
mod room;
mod stream;

pub use frame::{ClientFrame, PROTOCOL, ServerFrame, SocketTicket};
pub use message::{ContentType, MAX_CONTENT, Message, SenderType};
pub use prompt::Agent;
pub use reply::{
    BotResponseAnalysis, Feedback, Intimacy, ReplyMetadata, UserMessageAnalysis, Vocabulary, Word,
    WordContext,
};
pub use room::{Concept, Interaction, Level, Room};
pub use stream::{Complete, Greeting, Ready, event};
