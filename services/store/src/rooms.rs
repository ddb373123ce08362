//! Names of rooms, from chat.

use std::time::Duration;

use chassis::Platform;
use chassis::client::ServiceClient;
use contract::chat::maintenance::{RoomRecord, path};
use contract::code::ErrorCode;
use contract::id::{RoomId, UserId};
use http::Method;

/// A name is worth waiting this long for; then a bookmark goes without (api.md, edges).
const LIMIT: Duration = Duration::from_secs(1);
/// The name of what store goes on with when chat does not answer.
const NO_NAME: &str = "no name of the room";

/// Asks chat. Cheap to clone.
#[derive(Clone)]
pub struct Rooms {
    chat: ServiceClient,
}

impl Rooms {
    pub fn new(platform: &Platform) -> Self {
        Self { chat: platform.client("chat", LIMIT) }
    }

    /// What the user's room is called, also when they left it. Somebody waits for it: a second instance is asked when
    /// the first one dawdles.
    pub async fn name(&self, room: RoomId, user: UserId) -> Option<String> {
        match self.chat.request(Method::GET, &path::room(room)).hedged().send::<RoomRecord>().await {
            Ok(record) => (record.user_id == user).then_some(record.name),
            Err(error) if error.code() == Some(ErrorCode::RoomNotFound) => None,
            Err(error) => error.fall_back(NO_NAME, |_| None),
        }
    }
}
