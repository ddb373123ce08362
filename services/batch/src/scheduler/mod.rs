//! Fires what is due: every slot of a schedule once, whichever instance of the service is first.
//!
//! Nobody leads. What is due, the database's clock says; who fires it, the lock on the job's row; and that nobody fires
//! it again, the unique key of its slots, should that clock go back. The execution begins in the same transaction, so
//! there is no slot without its execution, nor the other way round.

mod fire;
mod round;
mod task;

pub use round::{Round, round};
pub use task::start;
