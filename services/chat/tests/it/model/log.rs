//! What the log says: once, and no secrets.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use super::stage::{KEY, Stage, TEXT};
use crate::fake_model::Act;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_key_that_is_refused_is_said_once_and_nothing_secret_ever() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(lines.clone())
        .finish();
    // With one subscriber alone, tracing asks only the thread that first comes by a line whether anybody wants it, and
    // that may be another test's. With two it asks both.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let stage = Stage::new().await;
    // Of this thread, on which the whole test runs.
    let guard = tracing::subscriber::set_default(subscriber);
    stage.model.always(Act::Refuse(401, None));
    for _ in 0..3 {
        stage.answer().await;
    }
    stage.model.always(Act::Say(format!("<html> {KEY}")));
    stage.answer().await;
    drop(guard);
    let text = lines.text();
    assert_eq!(text.matches("does not accept our key").count(), 1, "{text}");
    assert_eq!(text.matches(" ERROR ").count(), 1, "{text}");
    assert!(text.contains("401 Unauthorized (some_error)") && text.contains("answered nonsense"), "{text}");
    let ours: Vec<_> = text.lines().filter(|line| line.contains(" chat::")).collect();
    assert!(ours.len() > 5, "{text}");
    for secret in [KEY, "sk-secret", TEXT] {
        assert!(
            !ours.iter().any(|line| line.contains(secret)),
            "{secret} is in the log:\n{}",
            ours.join("\n")
        );
        // Not even the HTTP client's trace shows the key.
        assert!(secret == TEXT || !text.contains(secret), "{secret} is in the log:\n{text}");
    }
}
