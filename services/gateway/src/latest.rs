//! The newest of a value that another thread replaces, at the price of one atomic load a look.

use std::cell::RefCell;
use std::sync::Arc;

use tokio::sync::watch;

/// One core's view.
pub(crate) struct Latest<T> {
    changes: RefCell<watch::Receiver<Arc<T>>>,
    seen: RefCell<Arc<T>>,
}

impl<T> Latest<T> {
    pub(crate) fn of(mut changes: watch::Receiver<Arc<T>>) -> Self {
        let seen = Arc::clone(&changes.borrow_and_update());
        Self { changes: RefCell::new(changes), seen: RefCell::new(seen) }
    }

    pub(crate) fn get(&self) -> Arc<T> {
        self.refresh();
        Arc::clone(&self.seen.borrow())
    }

    /// Whether there is another value than at the last look.
    pub(crate) fn refresh(&self) -> bool {
        let mut changes = self.changes.borrow_mut();
        // An error means that nobody replaces it any more: the last value stays.
        let replaced = changes.has_changed().unwrap_or(false);
        if replaced {
            *self.seen.borrow_mut() = Arc::clone(&changes.borrow_and_update());
        }
        replaced
    }
}
