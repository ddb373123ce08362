//! Reads a unit's output for the shim, on a thread of its own, so that a slow disk delays neither signals
//! nor the exit status.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::time::{ClockId, clock_gettime};

use super::index::{Stamp, Stream};
use super::write::SegmentWriter;

/// One read. A pipe of 1 MiB is emptied in four.
const READ_BYTES: usize = 256 * 1024;
/// How often a refusing disk is asked again while the unit is silent.
const RETRY: Duration = Duration::from_millis(250);
/// How long a refusing disk is asked after the unit's end.
const LAST_RETRIES: Duration = Duration::from_millis(500);
/// The thread's calls are shallow, and there is one per unit.
const STACK_BYTES: usize = 128 * 1024;

/// The thread that owns the reading ends.
pub(crate) struct Capture {
    ask: PipeWriter,
    drained: Receiver<()>,
    /// Reaches its end when everything is written.
    done: PipeReader,
}

/// The unit's ends of its output.
pub(crate) struct Pipes {
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
}

impl Capture {
    pub(crate) fn start<L, I>(pipes: Pipes, writer: SegmentWriter<L, I>) -> io::Result<Self>
    where
        L: Write + Send + 'static,
        I: Write + Send + 'static,
    {
        let (asked, ask) = io::pipe()?;
        let (done, open_while_running) = io::pipe()?;
        let (answer, drained) = sync_channel(1);
        let mut reader = Reader {
            sources: vec![
                Source { stream: Stream::Stdout, pipe: pipes.stdout.into() },
                Source { stream: Stream::Stderr, pipe: pipes.stderr.into() },
            ],
            asked,
            answer,
            writer,
            buffer: vec![0; READ_BYTES],
        };
        thread::Builder::new().name("capture".to_owned()).stack_size(STACK_BYTES).spawn(move || {
            reader.run();
            drop(open_while_running);
        })?;
        Ok(Self { ask, drained, done })
    }

    /// Waits until everything that the unit has written so far is in the log, but no longer than `limit`.
    pub(crate) fn drain(&mut self, limit: Duration) {
        // An answer that came after an earlier limit answers nothing now.
        while self.drained.try_recv().is_ok() {}
        // A thread that is gone has drained everything.
        if self.ask.write_all(&[0]).is_ok() {
            let _ = self.drained.recv_timeout(limit);
        }
    }

    /// Readable (at its end) when all output has ended and is written.
    pub(crate) fn done(&self) -> BorrowedFd<'_> {
        self.done.as_fd()
    }
}

struct Source {
    stream: Stream,
    pipe: File,
}

struct Reader<L, I> {
    /// Those that have not ended.
    sources: Vec<Source>,
    asked: PipeReader,
    answer: SyncSender<()>,
    writer: SegmentWriter<L, I>,
    buffer: Vec<u8>,
}

impl<L: Write, I: Write> Reader<L, I> {
    fn run(&mut self) {
        // The segment exists from the start, also for a unit that says nothing.
        let mut clean = self.writer.flush();
        while !self.sources.is_empty() {
            let Ok((readable, asked)) = self.wait((!clean).then_some(RETRY)) else {
                return;
            };
            clean = self.read(&readable);
            if readable.is_empty() && asked && !self.acknowledge() {
                return;
            }
        }
        let until = Instant::now() + LAST_RETRIES;
        while !self.writer.flush() && Instant::now() < until {
            // Nothing can arrive any more: this is a pause, and a wish to end cuts it short.
            if self.wait(Some(RETRY)).is_ok_and(|(_, asked)| asked) && !self.acknowledge() {
                break;
            }
        }
        self.writer.give_up();
    }

    /// Which sources have something, and whether somebody asks for an acknowledgement.
    fn wait(&self, limit: Option<Duration>) -> io::Result<(Vec<usize>, bool)> {
        let mut fds: Vec<PollFd<'_>> =
            self.sources.iter().map(|source| PollFd::new(&source.pipe, PollFlags::IN)).collect();
        fds.push(PollFd::new(&self.asked, PollFlags::IN));
        let limit = limit.map(|limit| Timespec::try_from(limit).expect("a quarter of a second fits"));
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let asked = fds.pop().is_some_and(|fd| !fd.revents().is_empty());
        let readable =
            fds.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty()).map(|(i, _)| i).collect();
        Ok((readable, asked))
    }

    /// One read from each; `true` when nothing is held back.
    fn read(&mut self, readable: &[usize]) -> bool {
        let mut ended = Vec::new();
        for &which in readable {
            let source = &mut self.sources[which];
            match source.pipe.read(&mut self.buffer) {
                Ok(0) => ended.push(which),
                Ok(length) => self.writer.accept(source.stream, now(), &self.buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => ended.push(which),
            }
        }
        for which in ended.into_iter().rev() {
            self.sources.remove(which);
        }
        self.writer.flush()
    }

    /// `false` when the keeper is gone.
    fn acknowledge(&mut self) -> bool {
        let mut question = [0; 8];
        // Not being waited for any more is no failure.
        let _ = self.answer.try_send(());
        matches!(self.asked.read(&mut question), Ok(length) if length > 0)
    }
}

fn now() -> Stamp {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mono = clock_gettime(ClockId::Monotonic);
    let mono = Duration::new(
        u64::try_from(mono.tv_sec).unwrap_or_default(),
        u32::try_from(mono.tv_nsec).unwrap_or_default(),
    );
    Stamp { wall_ns: nanoseconds(wall), mono_ns: nanoseconds(mono) }
}

/// Until the year 2554.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
