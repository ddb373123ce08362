//! The instance registry: which instances of a service may be called right now.
//!
//! `doran` replaces the file by rename; readers watch its directory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registry {
    /// By service name. A service without a ready instance has an empty list.
    pub services: BTreeMap<String, Vec<Instance>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Unique within the stack, e.g. `auth-2`.
    pub id: String,
    /// `http://host:port`, without a path.
    pub url: String,
}
