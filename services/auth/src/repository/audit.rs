//! The security trail. Append only; never an e-mail address, a password or a token in it.

use std::net::IpAddr;

use contract::id::{SessionId, UserId};
use sqlx::PgConnection;

/// What can happen to accounts and sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    LoginSucceeded,
    LoginFailed,
    /// Right password, but the account is inactive or suspended.
    LoginRefused,
    LoginThrottled,
    Logout,
    RefreshReused,
    AccountCreated,
    /// Every access token of the user, because of what changed about the user.
    TokensRevoked,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoginSucceeded => "LOGIN_SUCCEEDED",
            Self::LoginFailed => "LOGIN_FAILED",
            Self::LoginRefused => "LOGIN_REFUSED",
            Self::LoginThrottled => "LOGIN_THROTTLED",
            Self::Logout => "LOGOUT",
            Self::RefreshReused => "REFRESH_REUSED",
            Self::AccountCreated => "ACCOUNT_CREATED",
            Self::TokensRevoked => "TOKENS_REVOKED",
        }
    }
}

/// One entry; what is unknown is `None`.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub kind: Kind,
    pub user: Option<UserId>,
    pub session: Option<SessionId>,
    pub address: Option<IpAddr>,
}

pub async fn insert(db: &mut PgConnection, entry: Entry) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into audit (kind, user_id, session_id, ip_address)
        values ($1, $2, $3, $4::text::inet)
        "#,
        entry.kind.as_str(),
        entry.user.map(UserId::as_uuid),
        entry.session.map(SessionId::as_uuid),
        entry.address.map(|address| address.to_string())
    )
    .execute(db)
    .await?;
    Ok(())
}
