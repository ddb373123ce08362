//! The way from a request to a stack: read, check each layer alone, merge, resolve.

use super::decode::{Decode as _, Decoder};
use super::diagnostic::StackError;
use super::layers::{self, LoadRequest};
use super::model::Stack;
use super::node::{Node, merge};
use super::raw::RawStack;
use super::resolve::{Target, resolve};
use crate::error::CliError;

/// A resolved stack, with the merged layers that it came from.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub stack: Stack,
    /// Every value as written, with its place and with what it won over.
    pub provenance: Node,
}

/// Finds, reads and resolves the stack.
///
/// # Errors
/// With everything that is wrong in it, as [`crate::error::ExitStatus::Config`].
pub(crate) fn load(request: &LoadRequest) -> Result<Loaded, CliError> {
    Ok(load_stack(request)?)
}

pub(super) fn load_stack(request: &LoadRequest) -> Result<Loaded, StackError> {
    let layers = layers::read(request)?;
    // Each layer alone, so that a mistake is reported even where a higher layer covers it.
    let mut decoder = Decoder::default();
    for layer in &layers.nodes {
        RawStack::decode(layer, &mut decoder);
    }
    StackError::check(std::mem::take(&mut decoder.errors))?;
    let provenance = layers.nodes.into_iter().reduce(merge).expect("a stack has at least one file");
    let raw = RawStack::decode(&provenance, &mut decoder).unwrap_or_default();
    StackError::check(decoder.errors)?;
    let target =
        Target { dir: layers.dir, instance: request.instance.clone(), port_offset: request.port_offset };
    match resolve(&raw, &target) {
        Ok(stack) => Ok(Loaded { stack, provenance }),
        Err(diagnostics) => Err(StackError::of(diagnostics)),
    }
}
