//! `doran sagas`: orders on their way, what a person can do about those that are stuck, and whether goods and money
//! are where the books say.

mod args;
mod audit;
mod books;
mod list;
mod person;
mod run;
mod show;
mod verify;

pub(crate) use args::{EXAMPLES, SagasCommand};
pub(super) use run::{run, run_apart};
