//! What the log says: a key that is no good once, and nothing secret ever.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::expected::{Act, cancellation, confirmation, question, refuse, say};
use super::stage::{AMOUNT, SECRET, Stage, TOKEN, charge, provider};

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
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(lines.clone())
        .finish();
    // With one subscriber alone, tracing asks only the thread that first comes by a line whether anybody wants it, and
    // that may be another test's. With two it asks both.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let whole = |act| cancellation("void-1", "취소", None, AMOUNT, act);
    let stage = Stage::new([
        confirmation(refuse(401, "UNAUTHORIZED_KEY")),
        confirmation(refuse(401, "UNAUTHORIZED_KEY")),
        confirmation(Act::Cut),
        question(say("payment_done")),
        whole(refuse(500, "COMMON_ERROR")),
    ])
    .await;
    // Of this thread, on which the whole test runs.
    let guard = tracing::subscriber::set_default(subscriber);
    for _ in 0..3 {
        stage.provider.authorise(&charge()).await;
    }
    stage.provider.cancel(&charge(), None, "void-1", "취소").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    provider(&nowhere, &[]).find(&charge()).await.unwrap_err();
    drop(guard);
    let text = lines.text();
    assert_eq!(text.matches("does not accept our key").count(), 1, "{text}");
    assert_eq!(text.matches(" ERROR ").count(), 1, "{text}");
    let ours: Vec<_> = text.lines().filter(|line| line.contains(" store::")).collect();
    assert!(ours.len() >= 4, "{} lines:\n{text}", ours.len());
    assert!(!ours.iter().any(|line| line.contains(TOKEN)), "the token is in the log:\n{}", ours.join("\n"));
    // Not even the HTTP client's trace shows the key.
    assert!(!text.contains(SECRET), "the key is in the log:\n{text}");
}
