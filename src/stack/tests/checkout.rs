//! A directory of its own with a stack in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::stack::diagnostic::StackError;
use crate::stack::layers::LoadRequest;
use crate::stack::load::{Loaded, load_stack};

/// A directory with a stack in it.
pub(super) struct Checkout {
    dir: tempfile::TempDir,
    pub request: LoadRequest,
}

impl Checkout {
    pub(super) fn new(stack: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let request = LoadRequest {
            instance: "default".to_owned(),
            cwd: dir.path().to_owned(),
            env: BTreeMap::new(),
            ..LoadRequest::default()
        };
        Self { dir, request }.file("dorandoran.yaml", stack)
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.path().join(name), text).unwrap();
        self
    }

    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.request.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(super) fn profile(mut self, name: &str) -> Self {
        self.request.profile = Some(name.to_owned());
        self
    }

    pub(super) fn offset(mut self, offset: u16) -> Self {
        self.request.port_offset = offset;
        self
    }

    pub(super) fn load(&self) -> Result<Loaded, StackError> {
        load_stack(&self.request)
    }

    pub(super) fn loaded(&self) -> Loaded {
        self.load().unwrap_or_else(|error| panic!("error: {error}"))
    }

    /// The message as the command line shows it.
    pub(super) fn error(&self) -> String {
        match self.load() {
            Ok(loaded) => panic!("expected a mistake, got {:?}", loaded.stack),
            Err(error) => format!("error: {error}"),
        }
    }
}
