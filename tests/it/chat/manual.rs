//! The session that docs/chat.md shows.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use rustix::process::{Pid, Signal, kill_process_group};

use super::stack::Stack;
use crate::fixture::eventually;

const DOCUMENT: &str = include_str!("../../../docs/chat.md");
/// Where the demo's gateway is.
const GATEWAY: &str = "http://127.0.0.1:8080";

pub(super) fn the_session_in_the_documentation_shows_a_turn(stack: &Stack) {
    let session = DOCUMENT.split("```console\n").nth(1).and_then(|rest| rest.split("```").next());
    let session = session.expect("the document shows a session");
    assert!(session.contains(GATEWAY), "{session}");
    let session = session.replace(GATEWAY, &stack.gateway());
    let mut command = Command::new("bash");
    // The stream goes on when the shell has ended: both are one group.
    command.args(["-euo", "pipefail", "-c", &session]).process_group(0).stdout(Stdio::piped());
    let mut shell = command.spawn().expect("start a shell");
    let stdout = BufReader::new(shell.stdout.take().expect("standard output"));
    let (heard, hear) = mpsc::channel();
    let reading = std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            heard.send(line).expect("somebody listens");
        }
    });
    let mut shown = String::new();
    eventually("the session shows a turn", || {
        shown.extend(hear.try_iter().flat_map(|line| [line, "\n".to_owned()]));
        let mut rest = shown.as_str();
        ["ready", "intimacy_analysis", "vocabulary_extracted", "conversation_complete"].iter().try_for_each(
            |part| {
                rest = rest.split_once(part)?.1;
                Some(())
            },
        )
    });
    let status = eventually("the shell ends", || shell.try_wait().expect("a child can be asked"));
    let group = Pid::from_raw(shell.id().cast_signed()).expect("a pid");
    kill_process_group(group, Signal::KILL).expect("the stream is still open");
    reading.join().expect("the reader ends with what it reads");
    assert!(status.success(), "{shown}");
    assert!(shown.contains("저는 학생이야."), "the message is shown, too: {shown}");
}
