//! Who a learner talks with.

use contract::chat::Concept;
use contract::id::BotId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bot {
    pub id: BotId,
    pub name: String,
    pub concept: Concept,
}
