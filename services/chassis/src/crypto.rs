//! Installs the one cryptography provider, before anything signs, verifies or opens TLS.

/// Safe to call more than once; tests do.
pub fn install() {
    // Both report an error when a provider is installed already, which is what we want to be true.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}
