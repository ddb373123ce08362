//! Bookmarks, on a real database and beside the real chat.

mod cursor;
mod delete;
mod keeper;
mod list;
mod room_name;
mod save;
mod storm;
mod upkeep;
