//! Who the old client says it is.

use chassis::extract::CurrentUser;
use contract::id::UserId;

use crate::error::Error;

/// Only the token counts, and the two must agree.
///
/// # Errors
/// 403 when it names somebody else.
pub(super) fn claimed(user: &CurrentUser, claimed: Option<&str>) -> Result<(), Error> {
    match claimed.map(str::trim).filter(|id| !id.is_empty()) {
        Some(id) if id.parse::<UserId>() != Ok(user.id()) => Err(Error::NotYours),
        Some(_) | None => Ok(()),
    }
}
