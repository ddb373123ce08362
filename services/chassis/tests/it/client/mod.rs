//! Calls to other services, against servers that refuse, hang, vanish and come back.

mod actuator;
mod call;
mod cancel;
mod hedge;
mod leaf;
mod outage;
mod retry;
