//! A file that somebody else replaces by rename while we run. The old content stays when the new is not valid.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use thiserror::Error;
use tokio::sync::watch;
use tracing::{debug, warn};

/// Turns the file's text into what it means.
pub type Parse<T> = fn(&str) -> Result<T, String>;

#[derive(Debug, Error)]
pub enum WatchError {
    #[error("failed to watch {}", path.display())]
    Watch { path: PathBuf, source: notify::Error },
    #[error("failed to read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is not valid: {problem}", path.display())]
    Invalid { path: PathBuf, problem: String },
}

/// The newest valid content. Cheap to clone; the watching ends with the last clone.
pub struct Watched<T> {
    current: watch::Receiver<Arc<T>>,
    /// Held for its drop.
    watcher: Option<Arc<RecommendedWatcher>>,
}

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self { current: self.current.clone(), watcher: self.watcher.clone() }
    }
}

impl<T: Send + Sync + 'static> Watched<T> {
    /// Something that never changes.
    pub fn fixed(value: T) -> Self {
        Self { current: watch::channel(Arc::new(value)).1, watcher: None }
    }

    /// A file that must be there and valid now.
    ///
    /// # Errors
    /// When the file cannot be read, is not valid, or cannot be watched.
    pub fn open(path: &Path, parse: Parse<T>) -> Result<Self, WatchError> {
        Self::start(path, parse, || load(path, parse))
    }

    /// A file that may appear later; its directory must be there.
    ///
    /// # Errors
    /// When the directory cannot be watched, or the file is there and not valid.
    pub fn open_or(path: &Path, absent: T, parse: Parse<T>) -> Result<Self, WatchError> {
        Self::start(path, parse, || match load(path, parse) {
            Err(WatchError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Ok(absent)
            }
            loaded => loaded,
        })
    }

    pub fn current(&self) -> Arc<T> {
        self.current.borrow().clone()
    }

    /// Tells of every change.
    pub fn subscribe(&self) -> watch::Receiver<Arc<T>> {
        self.current.clone()
    }

    /// Watches before the first reading, so that no replacement falls between the two.
    fn start(
        path: &Path,
        parse: Parse<T>,
        first: impl FnOnce() -> Result<T, WatchError>,
    ) -> Result<Self, WatchError> {
        let failed = |source| WatchError::Watch { path: path.to_owned(), source };
        let (notify, changes) = std::sync::mpsc::channel();
        let mut watcher = notify::recommended_watcher(notify).map_err(failed)?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        watcher.watch(directory.unwrap_or(Path::new(".")), RecursiveMode::NonRecursive).map_err(failed)?;
        let (sender, current) = watch::channel(Arc::new(first()?));
        let file = path.to_owned();
        // Ends when the watcher, and with it the channel's sender, is dropped.
        std::thread::Builder::new()
            .name("watch".to_owned())
            .stack_size(256 * 1024)
            .spawn(move || follow(&file, parse, &changes, &sender))
            .map_err(|source| WatchError::Read { path: path.to_owned(), source })?;
        Ok(Self { current, watcher: Some(Arc::new(watcher)) })
    }
}

type Changes = std::sync::mpsc::Receiver<notify::Result<notify::Event>>;

fn follow<T>(file: &Path, parse: Parse<T>, changes: &Changes, sender: &watch::Sender<Arc<T>>) {
    let touches = |event: &notify::Event| {
        !event.kind.is_access() && event.paths.iter().any(|path| path.file_name() == file.file_name())
    };
    while let Ok(event) = changes.recv() {
        // An error here may mean lost events: read again to be sure.
        if !event.is_ok_and(|event| !touches(&event)) {
            match load(file, parse) {
                Ok(value) => {
                    sender.send_replace(Arc::new(value));
                    debug!(file = %file.display(), "reloaded {}", file.display());
                }
                Err(error) => warn!(%error, "kept the old content of {}", file.display()),
            }
        }
    }
}

fn load<T>(path: &Path, parse: Parse<T>) -> Result<T, WatchError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| WatchError::Read { path: path.to_owned(), source })?;
    parse(&text).map_err(|problem| WatchError::Invalid { path: path.to_owned(), problem })
}
