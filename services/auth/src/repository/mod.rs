//! SQL of `auth_db`, one aggregate a file. Functions take an executor: transactions begin in handlers and jobs.

pub mod account;
pub mod audit;
pub mod key;
pub mod purge;
pub mod session;
pub mod statistics;
pub mod throttle;
