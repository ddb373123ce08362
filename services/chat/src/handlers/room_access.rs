//! Who may see a room.

use chassis::extract::CurrentUser;
use contract::code::ErrorCode;
use contract::id::{RoomId, UserId};
use sqlx::PgConnection;

use crate::error::Error;
use crate::repository::room::{self, Row};

/// The room of the caller, in whatever state.
///
/// # Errors
/// 404 when there is none, 403 when it is somebody else's.
pub(super) async fn own(db: &mut PgConnection, user: &CurrentUser, id: RoomId) -> Result<Row, Error> {
    let room = room::find(db, id).await?.ok_or(Error::RoomNotFound)?;
    if room.user_id == user.id() { Ok(room) } else { Err(Error::NotYours) }
}

/// The room of the caller, unless it was left.
///
/// # Errors
/// 404 when there is none or it was left, 403 when it is somebody else's.
pub(super) async fn open(db: &mut PgConnection, user: &CurrentUser, id: RoomId) -> Result<Row, Error> {
    let room = own(db, user, id).await?;
    if room.deleted { Err(Error::RoomNotFound) } else { Ok(room) }
}

/// The old client says who it is; only the token counts, and the two must agree.
///
/// # Errors
/// 403 when it names somebody else.
pub(super) fn claimed(user: &CurrentUser, claimed: Option<&str>) -> Result<(), Error> {
    match claimed.map(str::trim).filter(|id| !id.is_empty()) {
        Some(id) if id.parse::<UserId>() != Ok(user.id()) => {
            Err(chassis::ApiError::from(ErrorCode::AccessDenied).into())
        }
        Some(_) | None => Ok(()),
    }
}
