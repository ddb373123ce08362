//! The command line against real processes: small stacks of shell scripts, and the whole system.

mod adoption;
mod audit;
mod bad_day;
mod batch;
mod chat;
mod events;
mod fixture;
mod lifecycle;
mod logs;
mod migrate;
mod outside;
mod render;
mod seed;
mod shim;
mod signals;
mod smoke;
mod system;
mod top;
