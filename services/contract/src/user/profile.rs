//! A user's profile, as every service and the web client see it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::UserId;
use crate::word::word;

word! {
    /// What a user may do.
    Role { User = "ROLE_USER", Admin = "ROLE_ADMIN" }
}

word! {
    /// Whether a user may log in.
    UserStatus { Active = "ACTIVE", Inactive = "INACTIVE", Suspended = "SUSPENDED" }
}

/// A user's profile. Every key is always present; what auth does not know about a user whose profile it
/// cannot reach is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserDto {
    pub id: UserId,
    pub email: String,
    #[schema(required)]
    pub first_name: Option<String>,
    #[schema(required)]
    pub last_name: Option<String>,
    pub name: String,
    #[schema(required)]
    pub picture: Option<String>,
    #[schema(required)]
    pub info: Option<String>,
    /// An object, or null.
    #[schema(value_type = Option<Object>, required)]
    pub preferences: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(with = "crate::time::micros_option")]
    #[schema(required)]
    pub last_conn_time: Option<DateTime<Utc>>,
    pub status: UserStatus,
    pub role: Role,
    /// A boolean even when unknown: the web client compares it.
    pub coach_check: bool,
    pub exit_modal_do_not_show_again: bool,
    #[serde(with = "crate::time::micros_option")]
    #[schema(required)]
    pub created_at: Option<DateTime<Utc>>,
    #[serde(with = "crate::time::micros_option")]
    #[schema(required)]
    pub updated_at: Option<DateTime<Utc>>,
}

/// What the events of a user carry: the state after the change, so that a reader needs no other event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserSnapshot {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub status: UserStatus,
    /// Grows with every event of this user; an older snapshot never replaces a newer one.
    pub version: i64,
}

/// Where accounts have their addresses that were pseudonymised. No mail can reach it (RFC 2606).
pub const PSEUDONYM_DOMAIN: &str = "withdrawn.invalid";

/// The address of an account that was pseudonymised. It says nothing, and is nobody else's.
pub fn pseudonym(user: UserId) -> String {
    format!("{user}@{PSEUDONYM_DOMAIN}")
}

impl UserSnapshot {
    /// Nothing is left of who the user was.
    pub fn is_pseudonymised(&self) -> bool {
        self.status == UserStatus::Inactive && self.email == pseudonym(self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::word::UnknownWord;

    #[test]
    fn roles_and_statuses_read_back_what_they_write() {
        for role in [Role::User, Role::Admin] {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        let described = serde_json::to_value(<Role as utoipa::PartialSchema>::schema()).unwrap();
        assert_eq!(described["enum"], serde_json::json!(["ROLE_USER", "ROLE_ADMIN"]));
        assert_eq!("SUSPENDED".parse(), Ok(UserStatus::Suspended));
        assert_eq!("admin".parse::<Role>(), Err(UnknownWord("admin".to_owned())));
    }

    #[test]
    fn every_key_of_a_user_is_described_as_present() {
        let described = serde_json::to_value(<UserDto as utoipa::PartialSchema>::schema()).unwrap();
        let properties = described["properties"].as_object().unwrap();
        assert_eq!(described["required"].as_array().unwrap().len(), properties.len(), "{described}");
    }
}
