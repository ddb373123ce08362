//! What stands between the client's socket and hyper.
//!
//! hyper accepts more than a proxy should: it drops a `Content-Length` that follows a
//! `Transfer-Encoding`, joins equal lengths, takes bare line feeds, and answers what it refuses with
//! an empty body of its own. So a guard reads ahead of it, lets only heads through that have one
//! meaning, and keeps what is wrong with the others for an answer in our own shape.

mod framer;
mod guard;
mod head;

pub(crate) use guard::{Guard, Waiting, Wire};
pub(crate) use head::Refusal;
