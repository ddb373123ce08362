//! The one who writes the ledger: everybody asks it, and it answers when the entry is on the disk.
//!
//! What was asked meanwhile is written together, with one wait for the disk.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use chassis::spawn::TaskSet;
use chrono::{DateTime, Utc};
use contract::id::PaymentId;
use contract::payment::{Entry, Payment};
use metrics::{counter, histogram};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tracing::error;

use super::file::Ledger;
use crate::domain::{Before, Books, Command, Refusal};
use crate::webhook::{Announcer, Manner};

/// Entries by what they book.
const BOOKINGS: &str = "payment_sandbox_bookings_total";
/// Time for a group of entries to reach the disk.
const COMMITS: &str = "payment_sandbox_commit_seconds";
/// Questions written with one wait for the disk, at most.
const GROUP: usize = 256;
/// Questions that wait; more wait outside, within their own time.
const QUEUE: usize = 1024;

/// Asks the ledger. Cheap to clone.
#[derive(Clone)]
pub struct Teller {
    asks: mpsc::Sender<Ask>,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub payment: Payment,
    /// `None` when it was so already.
    pub entry: Option<Entry>,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum TellerError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the ledger could not be written")]
    Unwritten(#[source] Arc<io::Error>),
    #[error("the ledger could not be read")]
    Unread(#[source] Arc<io::Error>),
    #[error("the ledger is closed")]
    Closed,
}

type Reply<T> = oneshot::Sender<Result<T, TellerError>>;

enum Ask {
    Book { payment: PaymentId, command: Command, manner: Manner, reply: Reply<Receipt> },
    Read(Read),
}

enum Read {
    Find { payment: PaymentId, reply: Reply<Option<Payment>> },
    Page { after: u64, from: Option<DateTime<Utc>>, limit: usize, reply: Reply<Vec<Entry>> },
}

impl Teller {
    pub fn start(tasks: &TaskSet, ledger: Ledger, books: Books, announcer: Announcer) -> Self {
        let (asks, asked) = mpsc::channel(QUEUE);
        tasks.spawn("ledger", Desk { ledger, books, announcer }.serve(asked));
        Self { asks }
    }

    /// Does what a command wants, if it is not so already. The answer is on the disk.
    ///
    /// # Errors
    /// See [`TellerError`].
    pub async fn book(
        &self,
        payment: PaymentId,
        command: Command,
        manner: Manner,
    ) -> Result<Receipt, TellerError> {
        self.ask(|reply| Ask::Book { payment, command, manner, reply }).await
    }

    /// # Errors
    /// When the ledger is closed.
    pub async fn find(&self, payment: PaymentId) -> Result<Option<Payment>, TellerError> {
        self.ask(|reply| Ask::Read(Read::Find { payment, reply })).await
    }

    /// Up to `limit` entries behind number `after`, from a time on.
    ///
    /// # Errors
    /// See [`TellerError`].
    pub async fn page(
        &self,
        after: u64,
        from: Option<DateTime<Utc>>,
        limit: usize,
    ) -> Result<Vec<Entry>, TellerError> {
        self.ask(|reply| Ask::Read(Read::Page { after, from, limit, reply })).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, TellerError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(ask(reply)).await.map_err(|_closed| TellerError::Closed)?;
        answer.await.map_err(|_closed| TellerError::Closed)?
    }
}

/// Where the ledger lies. Its one owner.
struct Desk {
    ledger: Ledger,
    books: Books,
    announcer: Announcer,
}

/// A group of commands on their way to the disk.
#[derive(Default)]
struct Group {
    entries: Vec<Entry>,
    undo: Vec<Before>,
    outcomes: Vec<(Result<Receipt, TellerError>, Manner, Reply<Receipt>)>,
}

impl Desk {
    async fn serve(mut self, mut asked: mpsc::Receiver<Ask>) {
        let mut asks = Vec::new();
        while asked.recv_many(&mut asks, GROUP).await > 0 {
            let now = std::mem::take(&mut asks);
            let work = spawn_blocking(move || {
                self.work(now);
                self
            });
            self = work.await.expect("the ledger's thread does not panic");
        }
    }

    fn work(&mut self, asks: Vec<Ask>) {
        let mut group = Group::default();
        let mut reads = Vec::new();
        for ask in asks {
            match ask {
                Ask::Book { payment, command, manner, reply } => {
                    let outcome = self.book(&mut group, payment, command);
                    group.outcomes.push((outcome, manner, reply));
                }
                Ask::Read(read) => reads.push(read),
            }
        }
        self.commit(group);
        // Behind the commit, so that nobody reads what is not on the disk.
        for read in reads {
            self.read(read);
        }
    }

    fn book(&mut self, group: &mut Group, id: PaymentId, command: Command) -> Result<Receipt, TellerError> {
        let draft = self.books.book(id, command)?;
        let entry = draft.map(|draft| self.books.entry(draft, Utc::now()));
        if let Some(entry) = &entry {
            group.undo.push(self.books.apply(entry).expect("the rules book only what can follow"));
            group.entries.push(entry.clone());
        }
        let payment = self.books.payment(id).expect("a command that was not refused is about a payment");
        Ok(Receipt { payment, entry })
    }

    fn commit(&mut self, group: Group) {
        let Group { entries, undo, outcomes } = group;
        let written = if entries.is_empty() { Ok(()) } else { self.write(&entries) };
        if let Err(cause) = written {
            error!("failed to write {} entries, nothing is booked: {cause}", entries.len());
            undo.into_iter().rev().for_each(|before| self.books.revert(before));
            // Also those that were refused or found it done: it may have been by one that now never was.
            for (_, _, reply) in outcomes {
                let _ = reply.send(Err(TellerError::Unwritten(cause.clone())));
            }
            return;
        }
        for (outcome, manner, reply) in outcomes {
            if let Ok(Receipt { payment, entry: Some(entry) }) = &outcome {
                self.announcer.announce(payment, entry, manner);
            }
            // Fails when nobody waits any more: who asks again is told.
            let _ = reply.send(outcome);
        }
    }

    fn write(&mut self, entries: &[Entry]) -> Result<(), Arc<io::Error>> {
        let since = Instant::now();
        self.ledger.append(entries).map_err(Arc::new)?;
        histogram!(COMMITS).record(since.elapsed());
        for entry in entries {
            counter!(BOOKINGS, "booking" => entry.booking.as_str()).increment(1);
        }
        Ok(())
    }

    fn read(&self, read: Read) {
        // A reply fails when nobody waits any more.
        match read {
            Read::Find { payment, reply } => {
                let _ = reply.send(Ok(self.books.payment(payment)));
            }
            Read::Page { after, from, limit, reply } => {
                let page = self.ledger.page(after, from, limit);
                let _ = reply.send(page.map_err(|error| TellerError::Unread(Arc::new(error))));
            }
        }
    }
}
