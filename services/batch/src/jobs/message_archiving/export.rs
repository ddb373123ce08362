//! The first step: the messages of a month become parts of an archive, one a chunk.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use chassis::client::ServiceClient;
use contract::chat::maintenance::{ArchiveChunk, MessagePartition, path};
use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::PgPool;
use tokio::time::Instant;

use super::found::{Found, State};
use super::manifest::hex;
use super::part::Part as Lines;
use super::{month, part, turn};
use crate::engine::work::Run;
use crate::engine::{Chunk, Counts, Fault, Part, Place, Work};
use crate::objects::Objects;
use crate::repository::archived;

/// The most that chat answers at once.
const PAGE: u32 = 2000;

pub(super) struct Export {
    pub(super) db: PgPool,
    pub(super) objects: Objects,
    pub(super) chat: ServiceClient,
}

impl Work for Export {
    fn parts<'a>(&'a self, run: &'a Run) -> BoxFuture<'a, Result<Vec<Part>, Fault>> {
        Box::pin(self.plan(run))
    }

    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(self.export(place))
    }
}

impl Export {
    /// A part for each archive, which is called like it.
    async fn plan(&self, run: &Run) -> Result<Vec<Part>, Fault> {
        turn::ours(&self.db, run).await?;
        let partitions: Vec<MessagePartition> = self.chat.get(path::PARTITIONS).await?;
        let due = month::due(run, partitions).map_err(Fault::fatal)?;
        let mut connection = self.db.acquire().await?;
        let taken = archived::of_others(&mut connection, run.instance, month::DIRECTORY).await?;
        let taken = taken.into_iter().collect();
        let part = |one: MessagePartition| Part {
            name: Some(month::free_name(&one.month, &taken)),
            total: one.rows.and_then(|rows| rows.try_into().ok()),
        };
        Ok(due.into_iter().map(part).collect())
    }

    async fn export(&self, place: &Place) -> Result<Chunk, Fault> {
        let begun = Instant::now();
        let archive = place.part.clone().unwrap_or_default();
        let after = place.cursor.as_ref().and_then(Value::as_str).map(str::to_owned);
        let (lines, goes_on) = self.read(month::of(&archive), after, place.size).await?;
        let messages = u64::from(lines.messages);
        if messages == 0 && place.chunk > 0 {
            return Ok(Chunk::default());
        }
        let object = part::object(place.chunk);
        let state = match messages {
            0 => State::Empty,
            _ if place.run.dry_run => State::WouldArchive,
            _ => State::Exported,
        };
        let next = lines.last.filter(|_| goes_on).map(Value::from);
        let bytes = Bytes::from(lines.bytes);
        let found = Found {
            object: Some(object.clone()).filter(|_| messages > 0),
            messages,
            bytes: bytes.len() as u64,
            sha256: Some(hex(digest(&SHA256, &bytes).as_ref())),
            state,
            archive,
        };
        let mut written = 0;
        if state == State::Exported {
            // A run that is restarted finds its archive's name taken when another has made it since.
            turn::our_archive(&self.db, &place.run, &found.archive).await?;
            let path = format!("{}/{object}", month::path(&found.archive));
            self.objects.put(&path, bytes, begun).await?;
            written = messages;
        }
        Ok(Chunk {
            counts: Counts { read: messages, filtered: 0, written },
            next,
            summary: BTreeMap::from([
                ("messages".to_owned(), i64::from(lines.messages)),
                ("bytes".to_owned(), i64::try_from(found.bytes).unwrap_or(i64::MAX)),
                ("parts".to_owned(), i64::from(messages > 0)),
            ]),
            rows: vec![found.row()?],
            ..Chunk::default()
        })
    }

    /// The next part, and whether there may be more behind it.
    async fn read(&self, month: &str, mut after: Option<String>, most: u32) -> Result<(Lines, bool), Fault> {
        let mut lines = Lines::default();
        loop {
            let limit = PAGE.min(most.saturating_sub(lines.messages));
            if limit == 0 {
                return Ok((lines, true));
            }
            let behind = after.map(|after| format!("&after={after}")).unwrap_or_default();
            let path = format!("{}?limit={limit}{behind}", path::messages(month));
            let page: ArchiveChunk = self.chat.get(&path).await?;
            if !page.content.iter().all(|message| lines.take(message, most)) {
                return Ok((lines, true));
            }
            if page.next.is_none() {
                return Ok((lines, false));
            }
            after = page.next;
        }
    }
}
