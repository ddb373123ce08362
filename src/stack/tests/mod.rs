//! The whole way from files to a stack, on real files in a directory of their own.

mod checkout;
mod explanation;
mod layering;
mod mistake;
mod repository;
mod resolution;

use checkout::Checkout;
