//! Who dies where: written down before the processes start, and fulfilled once, by whoever gets there first.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};

const FILE: &str = "fates.json";
/// For all threads of a process to stand.
const STOPPING: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    /// SIGKILL: nothing of it gets to say goodbye.
    Killed,
    /// SIGSTOP: it stands until somebody lets it go on.
    Stopped,
}

/// Whoever passes the point of the step for the n-th time in its life (1, 2, 3 …), and whoever passes it later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fate {
    pub(crate) end: End,
    pub(crate) point: String,
    pub(crate) step: String,
    pub(crate) nth: u64,
}

/// Fates of the processes of one scene, in a directory that all of them see.
#[derive(Debug, Clone)]
pub(crate) struct Fates {
    directory: PathBuf,
    fates: Vec<Fate>,
}

impl Fates {
    pub(crate) fn write(directory: &Path, fates: &[Fate]) {
        let text = serde_json::to_string(fates).unwrap();
        fs::create_dir_all(directory).unwrap();
        fs::write(directory.join(FILE), text).unwrap();
    }

    pub(crate) fn read(directory: PathBuf) -> Self {
        let text = fs::read_to_string(directory.join(FILE)).unwrap();
        Self { fates: serde_json::from_str(&text).unwrap(), directory }
    }

    /// What this process has to suffer here and now.
    pub(crate) fn meet(&self, point: &str, step: &str, count: u64) -> Option<(usize, End)> {
        self.fates
            .iter()
            .enumerate()
            .filter(|(_, fate)| fate.point == point && fate.step == step && fate.nth <= count)
            .find(|(number, _)| self.take(*number))
            .map(|(number, fate)| (number, fate.end))
    }

    /// True for one process only.
    fn take(&self, number: usize) -> bool {
        match File::create_new(self.directory.join(number.to_string())) {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
            Err(error) => panic!("fate {number}: {error}"),
        }
    }

    /// Those that nobody has met so far.
    pub(crate) fn open(&self) -> Vec<&Fate> {
        self.fates
            .iter()
            .enumerate()
            .filter(|(number, _)| !self.is_met(*number))
            .map(|(_, fate)| fate)
            .collect()
    }

    pub(crate) fn met(&self) -> Vec<&Fate> {
        self.fates
            .iter()
            .enumerate()
            .filter(|(number, _)| self.is_met(*number))
            .map(|(_, fate)| fate)
            .collect()
    }

    fn is_met(&self, number: usize) -> bool {
        self.directory.join(number.to_string()).exists()
    }
}

impl End {
    /// Of this process.
    pub(crate) fn befall(self) {
        let signal = match self {
            Self::Killed => Signal::KILL,
            Self::Stopped => Signal::STOP,
        };
        kill_process(getpid(), signal).unwrap();
        // A thread that stops its process may run on for a moment, and must not leave the point in it. When the process goes
        // on, the time is long over.
        std::thread::park_timeout(STOPPING);
    }
}
