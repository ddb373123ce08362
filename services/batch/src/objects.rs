//! Where archives and reports are kept: a directory, or an S3-compatible store.
//!
//! Knows no archive and no report. Keys of a store are in its variables and never in a message: what a store answers
//! is cut before it repeats them.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path as Directory;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use chassis::Secret;
use futures_util::TryStreamExt as _;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    BackoffConfig, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, RetryConfig,
};
use thiserror::Error;
use tokio::time::{Instant, timeout};

use crate::engine::Fault;

/// One call with all its attempts: 8 MiB over a slow line, or a disk that is busy.
const CALL: Duration = Duration::from_secs(30);
/// How old what is written may be when it replaces something else. Whoever was halted for longer may have lost its
/// lease (10 s), and what is there now is its follower's.
const FRESH: Duration = Duration::from_secs(5);
/// Below one prefix. A month of a thousand million messages has as many parts.
const MOST_LISTED: usize = 100_000;

/// Variables of the AWS command line that decide how an S3-compatible store is reached, and by whom.
pub const AWS: [&str; 15] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT",
    "AWS_ENDPOINT_URL",
    "AWS_ALLOW_HTTP",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    "AWS_CONDITIONAL_PUT",
    "AWS_CHECKSUM_ALGORITHM",
    "AWS_SKIP_SIGNATURE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
];

/// Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
}

/// An object, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub path: String,
    pub bytes: u64,
}

/// Why there is nothing to use.
#[derive(Debug, Error)]
pub enum ObjectError {
    #[error("{0:?} is no name of an object")]
    Name(String),
    #[error("there is no object {0}")]
    Missing(String),
    #[error("the object {path} has more than {most} bytes")]
    TooLong { path: String, most: usize },
    #[error("there are more than {MOST_LISTED} objects below {0}")]
    TooMany(String),
    #[error("the object store did not answer about {0} in time")]
    Timeout(String),
    /// Another process has written something else there, while this one did not come to it.
    #[error("the object {0} was written by somebody else meanwhile")]
    Overtaken(String),
    #[error("the object store refuses access to {path}: {why}")]
    Refused { path: String, why: String },
    #[error("the object store failed with {path}: {why}")]
    Failed { path: String, why: String },
}

impl ObjectError {
    fn new(path: &Path, error: &object_store::Error) -> Self {
        use object_store::Error::{NotFound, PermissionDenied, Unauthenticated, UnknownConfigurationKey};
        let path = path.to_string();
        match error {
            NotFound { .. } => Self::Missing(path),
            PermissionDenied { .. } | Unauthenticated { .. } | UnknownConfigurationKey { .. } => {
                Self::Refused { path, why: brief(error) }
            }
            _ => Self::Failed { path, why: brief(error) },
        }
    }
}

/// S3 answers in XML, and repeats there who has asked, with which key.
fn brief(error: &object_store::Error) -> String {
    let text = error.to_string();
    text.split_once('<').map_or(&*text, |(before, _)| before.trim_end_matches([' ', ':'])).to_owned()
}

impl From<ObjectError> for Fault {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Timeout(_) | ObjectError::Overtaken(_) | ObjectError::Failed { .. } => {
                Self::transient(error)
            }
            ObjectError::Name(_)
            | ObjectError::Missing(_)
            | ObjectError::TooLong { .. }
            | ObjectError::TooMany(_)
            | ObjectError::Refused { .. } => Self::fatal(error),
        }
    }
}

impl Objects {
    /// `file:///absolute/directory`, which is made if it is missing, or `s3://bucket/prefix` with variables of the AWS
    /// command line. Asks no store yet.
    ///
    /// # Errors
    /// When the URL, or what the variables say about it, is not usable.
    pub fn open(url: &str, aws: &[(&'static str, Secret)]) -> anyhow::Result<Self> {
        let store = match url.split_once("://") {
            Some(("file", path)) => directory(path)?,
            Some(("s3", place)) => s3(place, aws)?,
            _ => anyhow::bail!("neither file:///absolute/directory nor s3://bucket/prefix"),
        };
        Ok(Self { store })
    }

    /// Writes an object, all of it or nothing. It is on disk when this returns.
    ///
    /// Another content under the same name is replaced, unless `begun`, when what is written was begun to be made, is
    /// too long ago: then this process may have been halted, and followed by the one that wrote what is there.
    ///
    /// # Errors
    /// See [`ObjectError`].
    pub async fn put(&self, path: &str, bytes: Bytes, begun: Instant) -> Result<(), ObjectError> {
        let path = name(path)?;
        match self.write(&path, bytes.clone(), PutMode::Create).await {
            // Somebody was here before, most likely we.
            Ok(Put::Exists) => {}
            Ok(Put::Done) => return Ok(()),
            Err(error) => return Err(error),
        }
        match self.get(path.as_ref(), bytes.len()).await {
            Ok(found) if found == bytes => return Ok(()),
            Ok(_) | Err(ObjectError::TooLong { .. }) if begun.elapsed() > FRESH => {
                return Err(ObjectError::Overtaken(path.to_string()));
            }
            Ok(_) | Err(ObjectError::TooLong { .. } | ObjectError::Missing(_)) => {}
            Err(error) => return Err(error),
        }
        self.write(&path, bytes, PutMode::Overwrite).await.map(|_| ())
    }

    async fn write(&self, path: &Path, bytes: Bytes, mode: PutMode) -> Result<Put, ObjectError> {
        let options = PutOptions { mode, ..PutOptions::default() };
        let writing = self.store.put_opts(path, PutPayload::from_bytes(bytes), options);
        match timeout(CALL, writing).await {
            Err(_elapsed) => Err(ObjectError::Timeout(path.to_string())),
            Ok(Ok(_)) => Ok(Put::Done),
            // With `AWS_CONDITIONAL_PUT=disabled`, for stores that cannot tell.
            Ok(Err(
                object_store::Error::AlreadyExists { .. } | object_store::Error::NotImplemented { .. },
            )) => Ok(Put::Exists),
            Ok(Err(error)) => Err(ObjectError::new(path, &error)),
        }
    }

    /// An object of at most so many bytes.
    ///
    /// # Errors
    /// See [`ObjectError`].
    pub async fn get(&self, path: &str, most: usize) -> Result<Bytes, ObjectError> {
        let path = name(path)?;
        let reading = async {
            let found = self.store.get(&path).await.map_err(|error| ObjectError::new(&path, &error))?;
            if found.meta.size > most as u64 {
                return Err(ObjectError::TooLong { path: path.to_string(), most });
            }
            found.bytes().await.map_err(|error| ObjectError::new(&path, &error))
        };
        timeout(CALL, reading).await.map_err(|_elapsed| ObjectError::Timeout(path.to_string()))?
    }

    /// What is in a directory and below, in the order of the names.
    ///
    /// # Errors
    /// See [`ObjectError`].
    pub async fn list(&self, directory: &str) -> Result<Vec<Listed>, ObjectError> {
        let prefix = name(directory)?;
        let mut found = Vec::new();
        let mut objects = self.store.list(Some(&prefix));
        // The deadline is that of one page of 1,000.
        while let Some(object) = timeout(CALL, objects.try_next())
            .await
            .map_err(|_elapsed| ObjectError::Timeout(prefix.to_string()))?
            .map_err(|error| ObjectError::new(&prefix, &error))?
        {
            if found.len() == MOST_LISTED {
                return Err(ObjectError::TooMany(prefix.to_string()));
            }
            found.push(Listed { path: object.location.to_string(), bytes: object.size });
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Removes an object that nobody needs, as was found when `begun`; not if that is too long ago, as with [`Self::put`].
    /// One that is not there is fine.
    ///
    /// # Errors
    /// See [`ObjectError`].
    pub async fn delete(&self, path: &str, begun: Instant) -> Result<(), ObjectError> {
        let path = name(path)?;
        if begun.elapsed() > FRESH {
            return Err(ObjectError::Overtaken(path.to_string()));
        }
        match timeout(CALL, self.store.delete(&path)).await {
            Err(_elapsed) => Err(ObjectError::Timeout(path.to_string())),
            Ok(Ok(()) | Err(object_store::Error::NotFound { .. })) => Ok(()),
            Ok(Err(error)) => Err(ObjectError::new(&path, &error)),
        }
    }
}

enum Put {
    Done,
    Exists,
}

/// Names are ours, and have only what every store and file system takes as it is.
fn name(path: &str) -> Result<Path, ObjectError> {
    let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
    // A prefix without a name would be everything.
    let is_safe = is_plain && path.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
    match Path::parse(path) {
        Ok(parsed) if is_safe => Ok(parsed),
        _ => Err(ObjectError::Name(path.to_owned())),
    }
}

/// Messages of learners: nobody else on the machine reads them.
fn directory(path: &str) -> anyhow::Result<Arc<dyn ObjectStore>> {
    let path = Directory::new(path);
    anyhow::ensure!(path.is_absolute(), "a directory is written file:///absolute/directory");
    let shown = path.display();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("failed to make {shown}"))?;
    // None of the six bits of group and others.
    let mode = fs::metadata(path).with_context(|| format!("failed to look at {shown}"))?.permissions().mode();
    anyhow::ensure!(mode.trailing_zeros() >= 6, "others may enter {shown}: chmod 700 it");
    // What is deleted elsewhere because it is here must survive a power cut.
    let store = LocalFileSystem::new_with_prefix(path).with_context(|| format!("failed to open {shown}"))?;
    Ok(Arc::new(store.with_fsync(true)))
}

fn s3(place: &str, aws: &[(&'static str, Secret)]) -> anyhow::Result<Arc<dyn ObjectStore>> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    anyhow::ensure!(!bucket.is_empty(), "a store is written s3://bucket/prefix");
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: 3,
        retry_timeout: Duration::from_secs(10),
    };
    let mut builder = AmazonS3Builder::new();
    for (name, value) in aws {
        let key: AmazonS3ConfigKey = name.to_ascii_lowercase().parse().with_context(|| (*name).to_owned())?;
        builder = builder.with_config(key, value.expose());
    }
    let store = builder
        .with_bucket_name(bucket)
        .with_retry(retry)
        .build()
        .context("failed to read the AWS_* variables")?;
    if prefix.is_empty() {
        return Ok(Arc::new(store));
    }
    let prefix = name(prefix.trim_end_matches('/')).context("failed to read the prefix")?;
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(directory: &tempfile::TempDir, below: &str) -> Objects {
        Objects::open(&format!("file://{}{below}", directory.path().display()), &[]).unwrap()
    }

    async fn put(objects: &Objects, path: &str, text: &'static str) -> Result<(), ObjectError> {
        objects.put(path, Bytes::from_static(text.as_bytes()), Instant::now()).await
    }

    #[tokio::test]
    async fn what_is_written_is_read_and_listed_and_removed() {
        let directory = testkit::private_directory();
        let objects = open(&directory, "/made/if missing");
        let mode = std::fs::metadata(directory.path().join("made/if missing")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        put(&objects, "a/2.txt", "two").await.unwrap();
        put(&objects, "a/b/1.txt", "one").await.unwrap();
        put(&objects, "ab.txt", "beside").await.unwrap();
        let listed: Vec<_> =
            objects.list("a").await.unwrap().into_iter().map(|one| (one.path, one.bytes)).collect();
        assert_eq!(listed, [("a/2.txt".to_owned(), 3), ("a/b/1.txt".to_owned(), 3)]);
        assert_eq!(objects.get("a/2.txt", 3).await.unwrap(), "two");
        assert!(matches!(objects.get("a/2.txt", 2).await, Err(ObjectError::TooLong { most: 2, .. })));
        objects.delete("a/2.txt", Instant::now()).await.unwrap();
        objects.delete("a/2.txt", Instant::now()).await.unwrap();
        assert!(
            matches!(objects.get("a/2.txt", 3).await, Err(ObjectError::Missing(path)) if path == "a/2.txt")
        );
        assert_eq!(objects.list("nowhere").await.unwrap(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn only_who_was_not_halted_replaces_what_is_there() {
        let directory = testkit::private_directory();
        let objects = open(&directory, "");
        let begun = Instant::now();
        put(&objects, "part", "theirs").await.unwrap();
        tokio::time::advance(FRESH * 2).await;
        let late = objects.put("part", Bytes::from_static(b"ours"), begun).await;
        assert!(matches!(late, Err(ObjectError::Overtaken(_))), "{late:?}");
        assert_eq!(objects.get("part", 100).await.unwrap(), "theirs");
        objects.put("part", Bytes::from_static(b"theirs"), begun).await.expect("the same bytes are fine");
        assert!(matches!(objects.delete("part", begun).await, Err(ObjectError::Overtaken(_))));
        for text in ["longer than theirs", "short"] {
            put(&objects, "part", text).await.unwrap();
            assert_eq!(objects.get("part", 100).await.unwrap(), text);
        }
    }

    #[tokio::test]
    async fn a_name_stays_below_the_directory_and_is_plain() {
        let directory = testkit::private_directory();
        let objects = open(&directory, "/below");
        std::fs::write(directory.path().join("secret"), "x").unwrap();
        for path in [
            "../secret",
            "a/../../secret",
            "/secret",
            "a//b",
            "",
            ".",
            "a/",
            "%2e%2e/secret",
            "a b",
            "a\0",
            "가",
        ] {
            let error = objects.get(path, 10).await.unwrap_err();
            assert!(matches!(error, ObjectError::Name(_)), "{path}: {error}");
            assert!(matches!(put(&objects, path, "y").await, Err(ObjectError::Name(_))), "{path}");
            assert!(matches!(objects.list(path).await, Err(ObjectError::Name(_))), "{path}");
        }
        assert_eq!(std::fs::read_to_string(directory.path().join("secret")).unwrap(), "x");
    }

    #[test]
    fn only_urls_that_are_understood_are_opened() {
        for url in
            ["", "relative", "file://relative", "http://host/x", "s3://", "s3:///x", "s3://bucket/../x"]
        {
            assert!(Objects::open(url, &[]).is_err(), "{url}");
        }
        for url in ["s3://bucket", "s3://bucket/", "s3://bucket/deep/prefix/"] {
            let variables = [("AWS_REGION", Secret::new("eu-central-1".to_owned()))];
            Objects::open(url, &variables).unwrap_or_else(|error| panic!("{url}: {error:#}"));
        }
    }

    #[test]
    fn every_variable_is_one_of_the_stores() {
        for name in AWS {
            assert!(name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>().is_ok(), "{name}");
        }
    }

    #[test]
    fn a_directory_that_others_may_enter_is_refused() {
        let directory = testkit::private_directory();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o750)).unwrap();
        let error = Objects::open(&format!("file://{}", directory.path().display()), &[]).err().unwrap();
        assert!(error.to_string().contains("chmod 700"), "{error:#}");
    }

    #[test]
    fn what_a_store_repeats_of_our_keys_is_not_passed_on() {
        let answer =
            "status code: 403 Forbidden: <?xml?><Error><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>";
        let error = object_store::Error::PermissionDenied { path: "x".to_owned(), source: answer.into() };
        let error = ObjectError::new(&Path::from("x"), &error);
        let text = error.to_string();
        assert!(text.ends_with("403 Forbidden") && !text.contains("AKIA"), "{text}");
        assert!(matches!(Fault::from(error), Fault::Fatal { .. }));
        assert!(matches!(Fault::from(ObjectError::Timeout("x".to_owned())), Fault::Transient { .. }));
    }
}
