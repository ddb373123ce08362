//! What the service logs, of all tests of this process: a subscriber of one thread would miss what another thread's
//! tests made it believe nobody listens to.

use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};

static LOG: OnceLock<Log> = OnceLock::new();

#[derive(Clone, Copy)]
struct Log(&'static Mutex<Vec<u8>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Begins to listen, unless somebody has.
pub(crate) fn listen() {
    LOG.get_or_init(|| {
        let log = Log(Box::leak(Box::default()));
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || log).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log
    });
}

/// The lines with `word` in them so far.
pub(crate) fn lines(word: &str) -> Vec<String> {
    let bytes = LOG.get().unwrap().0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    String::from_utf8(bytes).unwrap().lines().filter(|line| line.contains(word)).map(str::to_owned).collect()
}
