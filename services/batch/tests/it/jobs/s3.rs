//! Archives in a store that speaks S3: moto's server, with boto3 as the reader, in a program of tests/outside.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use batch::engine::Fault;
use batch::jobs::message_archiving::{self, NAME};
use batch::objects::{ObjectError, Objects};
use bytes::Bytes;
use chassis::Secret;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout};

use super::chat::{Chat, step};
use super::instance::{Ground, below};

/// Names the interpreter that has tests/outside/requirements.txt installed.
const PYTHON: &str = "DORAN_TEST_PYTHON";
const BUCKET: &str = "dorandoran";
/// Python imports for a while on a busy machine.
const LIMIT: Duration = Duration::from_secs(90);

/// Ends with the test.
struct Store {
    endpoint: String,
    answers: Lines<BufReader<ChildStdout>>,
    questions: ChildStdin,
    process: Child,
}

impl Store {
    async fn start(python: OsString) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/outside/s3_archive.py");
        let mut process = Command::new(python)
            .arg(program)
            .arg(BUCKET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let questions = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut store = Self { endpoint: String::new(), answers, questions, process };
        store.endpoint = store.answer().await;
        store
    }

    async fn answer(&mut self) -> String {
        timeout(LIMIT, self.answers.next_line()).await.unwrap().unwrap().expect("the program goes on")
    }

    /// What the other reader found in an archive.
    async fn check(&mut self, directory: &str) -> String {
        self.questions.write_all(format!("{directory}\n").as_bytes()).await.unwrap();
        self.answer().await
    }

    fn objects(&self, url: &str) -> Objects {
        let variables = [
            ("AWS_ENDPOINT", &*self.endpoint),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "inside"),
            ("AWS_SECRET_ACCESS_KEY", "inside"),
        ];
        Objects::open(url, &variables.map(|(name, value)| (name, Secret::new(value.to_owned())))).unwrap()
    }
}

/// The interpreter, if this machine has one. Where it has none that is said, and in CI it fails.
fn python() -> Option<OsString> {
    let python = std::env::var_os(PYTHON);
    if python.is_none() {
        testkit::skip(format_args!("{PYTHON} is not set; .ci/run prepares it"));
    }
    python
}

#[tokio::test]
async fn objects_are_kept_in_a_store_that_speaks_s3() {
    let Some(python) = python() else { return };
    let store = Store::start(python).await;
    let objects = store.objects(&format!("s3://{BUCKET}/some/prefix"));
    let put = async |path: &str, text: &'static str| {
        objects.put(path, Bytes::from_static(text.as_bytes()), Instant::now()).await
    };
    put("a/1.txt", "one").await.unwrap();
    put("a/1.txt", "one").await.expect("the same bytes are fine");
    put("a/1.txt", "another").await.unwrap();
    put("a/b/2.txt", "").await.unwrap();
    assert_eq!(objects.get("a/1.txt", 7).await.unwrap(), "another");
    assert!(matches!(objects.get("a/1.txt", 6).await, Err(ObjectError::TooLong { .. })));
    assert!(matches!(objects.get("a/3.txt", 6).await, Err(ObjectError::Missing(_))));
    let listed: Vec<_> = objects.list("a").await.unwrap().into_iter().map(|one| one.path).collect();
    assert_eq!(listed, ["a/1.txt", "a/b/2.txt"], "names are those below the prefix");
    let beside = store.objects(&format!("s3://{BUCKET}"));
    assert_eq!(beside.list("some").await.unwrap()[0].path, "some/prefix/a/1.txt");
    objects.delete("a/1.txt", Instant::now()).await.unwrap();
    objects.delete("a/1.txt", Instant::now()).await.unwrap();
    assert_eq!(objects.list("a").await.unwrap().len(), 1);

    let mut process = store.process;
    process.kill().await.unwrap();
    let fault = Fault::from(objects.get("a/b/2.txt", 6).await.unwrap_err());
    assert!(matches!(fault, Fault::Transient { .. }), "a store that is away comes back: {fault:?}");
}

#[tokio::test]
async fn an_archive_in_s3_reads_the_same_to_others() {
    let Some(python) = python() else { return };
    let mut store = Store::start(python).await;
    let (ground, chat) = (Ground::new().await, Chat::with_old_months().await);
    let objects = store.objects(&format!("s3://{BUCKET}/batch"));
    let job = message_archiving::job(&chat.means_with(&ground, objects.clone()));
    let run = ground.instance(NAME, &[("olderThanMonths", "12")]).await;
    ground.work(&run, step(&job, "export"), 2).await.unwrap();
    for name in ["verify", "drop"] {
        ground.work(&run, step(&job, name), 1).await.unwrap();
    }
    assert_eq!(chat.count("select count(*) from message").await, 0);
    let archive = "archives/messages/2024-02";
    let all: Vec<u8> = below(&objects, archive)
        .await
        .into_iter()
        .filter(|(path, _)| path.contains("/part-"))
        .flat_map(|(_, bytes)| bytes)
        .collect();
    let expected = format!("12000 {}", super::message_archiving::hex(&all));
    assert_eq!(store.check(&format!("batch/{archive}")).await, expected);
}
