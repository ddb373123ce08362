//! SQL of `user_db`, one aggregate a file. Functions take an executor: transactions begin in handlers and jobs.

pub mod inactive;
pub mod profile;
pub mod statistics;
