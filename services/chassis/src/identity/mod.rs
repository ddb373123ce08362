//! Who is calling: users by access tokens that auth signs, services by tokens that they sign themselves.

mod access;
mod cache;
mod jwks;
mod revocation;
mod service;

pub use access::{TokenError, TokenVerifier};
pub use revocation::{Revocations, follow_revocations};
pub use service::{KeyError, ServiceSigner, ServiceTokenError, ServiceVerifier};

/// The verifiers of a service. Cheap to clone; a service's state holds one for the extractors.
#[derive(Clone)]
pub struct Identity {
    pub access: TokenVerifier,
    pub service: ServiceVerifier,
}
