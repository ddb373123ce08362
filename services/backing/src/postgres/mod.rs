//! PostgreSQL: one cluster per database, prepared before its server first listens.

mod cache;
mod cluster;
mod copy;
mod home;
mod installation;
mod launch;
mod marker;
mod postmaster;
mod probe;
mod setup;
mod single_user;
mod spec;

pub use cache::{Cache, CacheError};
pub use cluster::{Preparation, PrepareError, prepare, prepare_from};
pub use home::{HomeError, reachable_home};
pub use installation::{Installation, NotFound};
pub use launch::launch;
pub use postmaster::{StaleLock, clear_stale_lock};
pub use probe::{NotReady, is_ready};
pub use setup::{DatabaseNames, SUPERUSER, set_password};
pub use single_user::SingleUserError;
pub use spec::{ClusterSpec, InvalidName, Role};

pub use crate::{Launch, ServerUser, server_user};
