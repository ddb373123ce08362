//! What tokens say.

use serde::{Deserialize, Serialize};

use crate::id::{SessionId, TokenId, UserId};
use crate::user::Role;

/// Audience of access tokens.
pub const ACCESS_AUDIENCE: &str = "dorandoran";
/// `typ` of access tokens (RFC 9068).
pub const ACCESS_TYPE: &str = "at+jwt";
/// Path below the gateway's public URL that makes the issuer.
pub const ISSUER_PATH: &str = "/api/auth";
/// No access token lives longer, in seconds: auth refuses a longer setting. Everybody else remembers that a
/// token was revoked for so long, and may forget it then.
pub const LONGEST_ACCESS_SECS: i64 = 3600;
/// How long a service's own token lives, in seconds.
pub const SERVICE_TOKEN_SECS: i64 = 60;
/// The key with which a person or the command line signs internal calls.
pub const OPERATOR: &str = "operator";

/// The issuer of access tokens for a public URL of the gateway.
pub fn issuer(public_url: &str) -> String {
    format!("{}{ISSUER_PATH}", public_url.trim_end_matches('/'))
}

/// An access token's claims: who is calling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    pub iss: String,
    pub aud: String,
    pub sub: UserId,
    pub sid: SessionId,
    pub jti: TokenId,
    /// Seconds since 1970.
    pub iat: i64,
    pub exp: i64,
    pub email: String,
    pub name: String,
    pub role: Role,
}

/// The claims of a token that a service signs itself (`EdDSA`) to call another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceClaims {
    /// The calling service; also the key's id.
    pub iss: String,
    pub sub: String,
    /// The called service.
    pub aud: String,
    pub iat: i64,
    pub exp: i64,
}
