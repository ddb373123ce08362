//! Why the server closes a connection, as RFC 6455 (section 7.4) and its registry number it; 4000 and above are
//! ours.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use tokio_tungstenite::tungstenite;
use tungstenite::Error as Cause;
use tungstenite::error::CapacityError;

use crate::live::End;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    reason: &'static str,
}

const fn close(code: u16, reason: &'static str) -> Close {
    Close { code, reason }
}

pub(super) const PROTOCOL: Close = close(1002, "protocol error");
pub(super) const BINARY: Close = close(1003, "text frames only");
pub(super) const ENCODING: Close = close(1007, "not UTF-8");
pub(super) const ABUSE: Close = close(1008, "too many frames");
pub(super) const TOO_BIG: Close = close(1009, "frame too big");
pub(super) const STOPPING: Close = close(1012, "reconnect");
pub(super) const STALLED: Close = close(1013, "read too slowly");
pub(super) const REVOKED: Close = close(4401, "token revoked");
pub(super) const LEFT: Close = close(4404, "room left");
pub(super) const SILENT: Close = close(4408, "no sign of life");

impl Close {
    pub(super) fn frame(self) -> Message {
        let reason = Utf8Bytes::from_static(self.reason);
        Message::Close(Some(CloseFrame { code: self.code, reason }))
    }
}

impl From<End> for Close {
    fn from(end: End) -> Self {
        match end {
            End::Left => LEFT,
            End::Revoked => REVOKED,
            End::Stopping => STOPPING,
        }
    }
}

/// What to answer when reading failed; nothing when nobody is left to read it.
pub(super) fn of_error(error: axum::Error) -> Option<Close> {
    match *error.into_inner().downcast::<Cause>().ok()? {
        Cause::Capacity(CapacityError::MessageTooLong { .. }) => Some(TOO_BIG),
        Cause::Utf8(_) => Some(ENCODING),
        Cause::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => None,
        Cause::Protocol(_) => Some(PROTOCOL),
        _ => None,
    }
}
