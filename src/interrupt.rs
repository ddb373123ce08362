//! The signals that ask a foreground verb to end.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::ExitStatus;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// Ctrl-C.
    Int,
    Term,
    /// The terminal is gone.
    Hangup,
}

impl Interrupt {
    pub(crate) fn exit_status(self) -> ExitStatus {
        match self {
            Self::Int => ExitStatus::Interrupted,
            Self::Term | Self::Hangup => ExitStatus::Terminated,
        }
    }
}

/// From here on these signals do nothing by themselves.
pub(crate) struct Interrupts {
    int: Signal,
    term: Signal,
    hangup: Signal,
}

impl Interrupts {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            int: signal(SignalKind::interrupt()).context("listen for SIGINT")?,
            term: signal(SignalKind::terminate()).context("listen for SIGTERM")?,
            hangup: signal(SignalKind::hangup()).context("listen for SIGHUP")?,
        })
    }

    /// Cancel-safe.
    pub(crate) async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.int.recv() => Interrupt::Int,
            _ = self.term.recv() => Interrupt::Term,
            _ = self.hangup.recv() => Interrupt::Hangup,
        }
    }
}
