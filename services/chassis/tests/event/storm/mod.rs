//! The storm: 50 writers, a producer and a consumer that are killed 200 times, databases whose news of a commit come
//! late, a feed that repeats itself. After it, every committed change has taken effect exactly once, and in order
//! per aggregate.

mod checker;
mod killer;
mod late_answer;
mod process;
mod proof;
mod repeater;
mod writer;
