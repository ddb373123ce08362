//! Ids of things: a newtype each over a UUID, version 7 where a row is new.
//!
//! This crate has no clock, so new ids are made by the chassis (`chassis::fresh_id`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[doc = $doc:literal] $name:ident;)+) => {$(
        #[doc = $doc]
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
            schemars::JsonSchema, utoipa::ToSchema,
        )]
        #[serde(transparent)]
        // A UUID wherever it stands: no definition of its own in a schema.
        #[schemars(inline)]
        #[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
        pub struct $name(Uuid);

        impl $name {
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

id! {
    #[doc = "A user, the same in every service."]
    UserId;
    #[doc = "A login of a user on one device; ends at logout."]
    SessionId;
    #[doc = "One access token (`jti`)."]
    TokenId;
    #[doc = "One published event."]
    EventId;
    #[doc = "A room in which a learner talks with a bot."]
    RoomId;
    #[doc = "One message of a room."]
    MessageId;
    #[doc = "A tutor bot."]
    BotId;
    #[doc = "Something that the store sells."]
    ItemId;
    #[doc = "An order of a user."]
    OrderId;
    #[doc = "A payment of an order; its provider is told this id, too."]
    PaymentId;
    #[doc = "Money that goes back."]
    RefundId;
    #[doc = "The way of one change of an order to its end."]
    SagaId;
    #[doc = "A message that a user keeps."]
    BookmarkId;
    #[doc = "One run of a job."]
    ExecutionId;
    #[doc = "A job with its identifying parameters, which can be complete only once."]
    InstanceId;
    #[doc = "What a job has found."]
    ReportId;
    #[doc = "Rows that a job has moved out of a database."]
    ArchiveId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_and_writes_as_a_plain_uuid() {
        let text = "01931f0e-7c5a-7000-8000-0123456789ab";
        let id: UserId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<UserId>(&format!("\"{text}\"")).unwrap(), id);
        assert!("not-an-id".parse::<UserId>().is_err());
    }
}
