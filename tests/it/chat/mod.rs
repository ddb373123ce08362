//! Chat as a learner's browser sees it: the whole system, three instances of chat, the gateway in front.

mod archive;
mod follower;
mod journey;
mod kills;
mod learner;
mod manual;
mod owed;
mod sending;
mod socket;
mod stack;
mod story;
mod stream;
mod turn;
