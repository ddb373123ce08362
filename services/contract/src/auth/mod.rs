//! What auth and its callers exchange, publicly and between services.

mod credentials;
pub mod event;
mod login;
pub mod maintenance;
pub mod path;
mod revocation;

pub use credentials::{CredentialsState, CredentialsView, PutCredentials};
pub use event::SessionStarted;
pub use login::{LoginRequest, RefreshRequest, TokenResponse};
pub use path::JWKS_PATH;
pub use revocation::{RevocationReason, RevokedTokens, TokenRevoked};
