//! SQL of `chat_db`, one aggregate a file. Functions take an executor: transactions begin in handlers and tasks.

pub mod bot;
pub mod bot_record;
pub mod history;
pub mod live;
pub mod maintenance;
pub mod memory;
pub mod message;
pub mod partition;
pub mod presence;
pub mod prompt;
pub mod prompt_version;
pub mod read_mark;
pub mod room;
pub mod ticket;
pub mod turn;
pub mod upkeep;
pub mod usage;
pub mod usage_report;
