//! Why an event did not take effect, and whether trying again can help.

use std::error::Error as StdError;

use thiserror::Error;

type Source = Box<dyn StdError + Send + Sync>;

/// What a handler of events fails with.
#[derive(Debug, Error)]
pub enum Failure {
    /// The event itself is the trouble: after a few attempts it goes to the dead letters.
    #[error("the event cannot take effect")]
    Permanent(#[source] Source),
    /// The world is the trouble: tried again for as long as it takes, and everything behind it waits.
    #[error("the event cannot take effect now")]
    Transient(#[source] Source),
}

impl Failure {
    pub fn permanent(source: impl Into<Source>) -> Self {
        Self::Permanent(source.into())
    }

    pub fn transient(source: impl Into<Source>) -> Self {
        Self::Transient(source.into())
    }
}

/// The data is not what the type of the event stands for.
impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::permanent(error)
    }
}

/// Values that the database refuses are the event's fault; all the rest passes or has to be repaired.
impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        if is_refusal(&error) { Self::permanent(error) } else { Self::transient(error) }
    }
}

fn is_refusal(error: &sqlx::Error) -> bool {
    match error {
        // Classes of SQLSTATE: 22 data exception, 23 integrity constraint, P0001 raised by a function of ours.
        sqlx::Error::Database(cause) => cause
            .code()
            .is_some_and(|code| code.starts_with("22") || code.starts_with("23") || code == "P0001"),
        sqlx::Error::RowNotFound
        | sqlx::Error::Encode(_)
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnDecode { .. } => true,
        _ => false,
    }
}
