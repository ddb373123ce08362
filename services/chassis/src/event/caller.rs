//! Who may read feeds, and who may decide what becomes of events.

use contract::claims::OPERATOR;
use contract::env::SERVICES;

use crate::extract::Callers;

/// Every service of the stack, and the operator.
#[derive(Debug)]
pub(super) struct Reader;

impl Callers for Reader {
    const ALLOWED: &'static [&'static str] = &{
        let mut names = [OPERATOR; SERVICES.len() + 1];
        let mut n = 0;
        while n < SERVICES.len() {
            names[n] = SERVICES[n];
            n += 1;
        }
        names
    };
}

/// Nobody else may change anything.
#[derive(Debug)]
pub(super) struct Operator;

impl Callers for Operator {
    const ALLOWED: &'static [&'static str] = &[OPERATOR];
}
