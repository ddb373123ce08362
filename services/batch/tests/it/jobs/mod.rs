//! Jobs, against the real services that they work through.

mod chat;
mod chatroom_cleanup;
mod daily_report;
mod day;
mod inactive_user;
mod instance;
mod message_archiving;
mod order_expiry;
mod payment_reconciliation;
mod people;
mod report;
mod s3;
mod token_cleanup;
mod town;
