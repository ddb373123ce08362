//! Password hashes of seeded accounts.

use argon2::Argon2;
use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::PasswordHash;

use super::number::{Kind, Stream};

/// The PHC string of a known password, with Argon2id at the crate's defaults, which are OWASP's minimum. The
/// salt follows from the number: a secret salt would hide nothing of a password that stands in the manual.
pub(super) fn hash(password: &str, number: u64, index: u64) -> String {
    let mut salt = [0; 16];
    let mut stream = Stream::of(number, Kind::Salt, index);
    salt[..8].copy_from_slice(&stream.next().to_be_bytes());
    salt[8..].copy_from_slice(&stream.next().to_be_bytes());
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .expect("a 16-byte salt and the default parameters are within the limits");
    hash.to_string()
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier as _;

    use super::*;

    #[test]
    fn the_password_opens_its_hash_and_another_does_not() {
        let text = hash("dorandoran1", 1, 0);
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        let parsed = PasswordHash::new(&text).unwrap();
        assert!(Argon2::default().verify_password(b"dorandoran1", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"dorandoran2", &parsed).is_err());
        assert_eq!(text, hash("dorandoran1", 1, 0));
        assert_ne!(text, hash("dorandoran1", 2, 0));
    }
}
