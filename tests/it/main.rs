//! The command line against real processes: small stacks of shell scripts, and the whole system.

mod adoption;
mod bad_day;
mod events;
mod fixture;
mod lifecycle;
mod logs;
mod migrate;
mod seed;
mod shim;
mod signals;
mod smoke;
mod system;
