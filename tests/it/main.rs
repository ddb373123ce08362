//! The command line against real processes: small stacks of shell scripts, and the whole system.

mod adoption;
mod audit;
mod bad_day;
mod chat;
mod events;
mod fixture;
mod lifecycle;
mod logs;
mod migrate;
mod outside;
mod seed;
mod shim;
mod signals;
mod smoke;
mod system;
