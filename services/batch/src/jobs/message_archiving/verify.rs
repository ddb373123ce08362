//! The second step: every part is read back and compared with what was written, then the manifest completes the archive.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;
use aws_lc_rs::digest::{Context as Digest, SHA256, digest};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use sqlx::PgPool;
use tokio::time::Instant;

use super::found::{Found, State, lines};
use super::manifest::{self, Manifest, ManifestPart, hex};
use super::{month, turn};
use crate::engine::work::Run;
use crate::engine::{Chunk, Effect, Fault, NewArchive, Part, Place, Work};
use crate::objects::{ObjectError, Objects};

pub(super) struct Verify {
    pub(super) db: PgPool,
    pub(super) objects: Objects,
}

impl Work for Verify {
    /// The archives that this instance has written.
    fn parts<'a>(&'a self, run: &'a Run) -> BoxFuture<'a, Result<Vec<Part>, Fault>> {
        Box::pin(async move {
            let found = lines(&self.db, run.instance, None).await?;
            let exported = found.into_iter().filter(|line| line.state == State::Exported);
            let names: BTreeSet<_> = exported.map(|line| line.archive).collect();
            Ok(names.into_iter().map(|name| Part { name: Some(name), total: None }).collect())
        })
    }

    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(self.verify(&place.run, place.part.as_deref().unwrap_or_default()))
    }
}

impl Verify {
    async fn verify(&self, run: &Run, archive: &str) -> Result<Chunk, Fault> {
        turn::our_archive(&self.db, run, archive).await?;
        let found = lines(&self.db, run.instance, Some(archive)).await?;
        let mut all = Digest::new(&SHA256);
        let mut parts = Vec::new();
        for line in found.into_iter().filter(|line| line.state == State::Exported) {
            let part = part(line)?;
            let bytes = self.read(archive, &part).await?;
            all.update(&bytes);
            parts.push(part);
        }
        let sum = all.finish();
        let manifest = Manifest {
            month: month::of(archive).to_owned(),
            messages: parts.iter().map(|part| part.messages).sum(),
            bytes: parts.iter().map(|part| part.bytes).sum(),
            sha256: hex(sum.as_ref()),
            parts,
        };
        self.complete(run, archive, &manifest).await?;
        let sha256 = sum.as_ref().try_into().map_err(Fault::fatal)?;
        chunk(archive, &manifest, sha256)
    }

    async fn read(&self, archive: &str, part: &ManifestPart) -> Result<Bytes, Fault> {
        let path = format!("{}/{}", month::path(archive), part.name);
        let most = usize::try_from(part.bytes).unwrap_or(usize::MAX);
        let broken = || {
            Fault::fatal(anyhow!(
                "{path} is not what was written; nothing was deleted. Start a new run, which writes it again"
            ))
        };
        let bytes = match self.objects.get(&path, most).await {
            Err(ObjectError::Missing(_) | ObjectError::TooLong { .. }) => return Err(broken()),
            read => read?,
        };
        // Every line ends with a line feed, behind which nothing is.
        let messages = bytes.split(|byte| *byte == b'\n').count().saturating_sub(1) as u64;
        if messages == part.messages && hex(digest(&SHA256, &bytes).as_ref()) == part.sha256 {
            Ok(bytes)
        } else {
            Err(broken())
        }
    }

    /// Removes what an earlier run that came to nothing has left there, and writes the manifest.
    async fn complete(&self, run: &Run, archive: &str, manifest: &Manifest) -> Result<(), Fault> {
        let begun = Instant::now();
        // Once more: reading may have taken long.
        turn::our_archive(&self.db, run, archive).await?;
        let directory = month::path(archive);
        let ours: BTreeSet<_> =
            manifest.parts.iter().map(|part| format!("{directory}/{}", part.name)).collect();
        let file = format!("{directory}/{}", manifest::FILE);
        for object in self.objects.list(&directory).await? {
            if !ours.contains(&object.path) && object.path != file {
                self.objects.delete(&object.path, begun).await?;
            }
        }
        let bytes = manifest.file().map_err(Fault::fatal)?;
        self.objects.put(&file, Bytes::from(bytes), begun).await?;
        Ok(())
    }
}

fn part(line: Found) -> Result<ManifestPart, Fault> {
    let (Some(name), Some(sha256)) = (line.object, line.sha256) else {
        return Err(Fault::fatal(anyhow!("a part of {} has no name or no checksum", line.archive)));
    };
    Ok(ManifestPart { name, messages: line.messages, bytes: line.bytes, sha256 })
}

fn chunk(archive: &str, manifest: &Manifest, sha256: [u8; 32]) -> Result<Chunk, Fault> {
    let (period_start, period_end) =
        month::period(archive).ok_or_else(|| Fault::fatal(anyhow!("{archive} is not of a month")))?;
    let found = Found {
        archive: archive.to_owned(),
        object: Some(manifest::FILE.to_owned()),
        messages: manifest.messages,
        bytes: manifest.bytes,
        sha256: Some(manifest.sha256.clone()),
        state: State::Verified,
    };
    let new = NewArchive {
        id: chassis::fresh_id(),
        path: month::path(archive),
        period_start,
        period_end,
        parts: u32::try_from(manifest.parts.len()).unwrap_or(u32::MAX),
        rows: manifest.messages,
        bytes: manifest.bytes,
        sha256,
    };
    Ok(Chunk {
        summary: BTreeMap::from([("archives".to_owned(), 1)]),
        rows: vec![found.row()?],
        effects: vec![Effect::Archive(new)],
        ..Chunk::default()
    })
}
