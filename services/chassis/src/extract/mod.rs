//! What handlers take: validated JSON, queries, path parameters, and who is calling.

mod caller;
mod day;
mod json;
mod param;

pub use caller::{Admin, Callers, CurrentUser, OptionalUser, ServiceCaller, bearer};
pub use day::{Day, DayParam};
pub use json::ApiJson;
pub use param::{ApiPath, ApiQuery};
