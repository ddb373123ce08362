//! Password hashing in a bulkhead: as many at once as there are cores, a bounded queue, and the same amount of
//! work whether or not an account exists.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use contract::password::Password;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// OWASP's minimum for Argon2id: 19 MiB, two passes, one lane; about 20 ms here.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// A stored hash may ask for more work than ours, but not for this much (imported hashes, a tampered table).
const HIGHEST_MEMORY_KIB: u32 = 64 * 1024;
const HIGHEST_PASSES: u32 = 8;
/// What nobody's password is.
const NOBODYS: &[u8] = b"constant work for accounts that do not exist";

/// The service's only way to hash.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    /// Checked in place of the hash that an unknown account does not have.
    dummy: Arc<str>,
    working: Arc<Semaphore>,
    /// Working and waiting together.
    admitted: Arc<Semaphore>,
    hashes: Arc<AtomicU64>,
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    Right,
    /// Right, but the hash was made with other parameters than today's: hash anew.
    RightButOutdated,
    Wrong,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The queue is full; another time.
    #[error("too many passwords are being checked")]
    Busy,
    #[error("the parameters of password hashes are not usable")]
    Params(#[from] argon2::Error),
    #[error("could not hash a password")]
    Hash(#[from] argon2::password_hash::Error),
    #[error("a stored password hash is broken")]
    Stored(#[from] argon2::password_hash::phc::Error),
    #[error("a stored password hash asks for more work than allowed")]
    TooExpensive,
    #[error("the hashing task ended early")]
    Task(#[from] tokio::task::JoinError),
}

impl Passwords {
    /// `cores` hashes at once, `queue` more may wait.
    pub fn new(cores: usize, queue: usize) -> Result<Self, Error> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = argon2.hash_password(NOBODYS)?.to_string();
        Ok(Self {
            argon2,
            dummy: dummy.into(),
            working: Arc::new(Semaphore::new(cores)),
            admitted: Arc::new(Semaphore::new(cores + queue)),
            hashes: Arc::default(),
        })
    }

    /// How many hashes were computed for callers so far.
    pub fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }

    /// A new hash in PHC form, with a salt of its own.
    pub async fn hash(&self, password: &Password) -> Result<String, Error> {
        let (argon2, password) = (self.argon2.clone(), password.clone());
        self.work(move || Ok(argon2.hash_password(password.expose().as_bytes())?.to_string())).await
    }

    /// Compares with a stored hash; without one, does the same work and finds it wrong.
    pub async fn check(&self, password: &Password, stored: Option<&str>) -> Result<Check, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.dummy).to_owned();
        let (argon2, password) = (self.argon2.clone(), password.clone());
        self.work(move || {
            let hash = PasswordHash::new(&stored)?;
            let params = Params::try_from(&hash)?;
            if params.m_cost() > HIGHEST_MEMORY_KIB || params.t_cost() > HIGHEST_PASSES {
                return Err(Error::TooExpensive);
            }
            let right = match argon2.verify_password(password.expose().as_bytes(), &hash) {
                Ok(()) => known,
                Err(argon2::password_hash::Error::PasswordInvalid) => false,
                Err(error) => return Err(error.into()),
            };
            let current =
                params.m_cost() == MEMORY_KIB && params.t_cost() == PASSES && params.p_cost() == LANES;
            Ok(match (right, current) {
                (false, _) => Check::Wrong,
                (true, true) => Check::Right,
                (true, false) => Check::RightButOutdated,
            })
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permits = self.admit().await?;
        self.hashes.fetch_add(1, Ordering::Relaxed);
        // The permits go along: a caller who hangs up does not make room for one more hash.
        tokio::task::spawn_blocking(move || {
            let _permits = permits;
            job()
        })
        .await?
    }

    async fn admit(&self) -> Result<[OwnedSemaphorePermit; 2], Error> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| Error::Busy)?;
        let working = Arc::clone(&self.working).acquire_owned().await.map_err(|_| Error::Busy)?;
        Ok([admitted, working])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let passwords = Passwords::new(2, 8).unwrap();
        let stored = passwords.hash(&password("hunter22")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(passwords.check(&password("hunter22"), Some(&stored)).await.unwrap(), Check::Right);
        assert_eq!(passwords.check(&password("hunter23"), Some(&stored)).await.unwrap(), Check::Wrong);
    }

    #[tokio::test]
    async fn an_unknown_account_costs_one_hash_and_has_no_password() {
        let passwords = Passwords::new(2, 8).unwrap();
        let nobodys = Password::new(String::from_utf8(NOBODYS.to_vec()).unwrap());
        assert_eq!(passwords.check(&nobodys, None).await.unwrap(), Check::Wrong);
        assert_eq!(passwords.hashes(), 1);
    }

    #[tokio::test]
    async fn a_hash_with_other_parameters_is_outdated_and_an_expensive_one_refused() {
        let passwords = Passwords::new(2, 8).unwrap();
        let with = |memory, passes| {
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(memory, passes, 1, None).unwrap())
                .hash_password(b"hunter22")
                .unwrap()
                .to_string()
        };
        let weak = with(8192, 1);
        assert_eq!(
            passwords.check(&password("hunter22"), Some(&weak)).await.unwrap(),
            Check::RightButOutdated
        );
        assert_eq!(passwords.check(&password("hunter23"), Some(&weak)).await.unwrap(), Check::Wrong);
        let costly = with(8192, 9);
        let refused = passwords.check(&password("hunter22"), Some(&costly)).await;
        assert!(matches!(refused, Err(Error::TooExpensive)));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let passwords = Passwords::new(1, 1).unwrap();
        let attempt = || {
            let passwords = passwords.clone();
            async move { passwords.check(&password("hunter22"), None).await }
        };
        let (first, second, third) = tokio::join!(attempt(), attempt(), attempt());
        assert!(first.is_ok() && second.is_ok());
        assert!(matches!(third, Err(Error::Busy)));
    }
}
