//! What a run has left behind, as far as another run of the same must leave the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use aws_lc_rs::digest::{Context as Digest, SHA256};
use chrono::{DateTime, Utc};
use contract::id::ExecutionId;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::cluster::Database;
use super::digest;

/// Facts by name. Two outcomes are the same when all of them are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcome(BTreeMap<String, String>);

/// What is looked at in `batch_db`: names, and one text of a row.
const FACTS: [(&str, &str); 8] = [
    ("execution", "select concat_ws(' ', job_name, status, exit_code, exit_message, summary) from execution"),
    (
        "step",
        "select concat_ws(' ', name, status, exit_code, exit_message, 'read', read_count, 'filtered', filter_count,
                          'written', write_count, 'skipped', read_skip_count, process_skip_count, write_skip_count)
         from step order by position, name",
    ),
    (
        "skipped",
        "select concat_ws(' ', step.name, phase, item_key, item, state)
         from skipped_item join step on step.id = step_id
         order by 1",
    ),
    (
        "archive",
        "select concat_ws(' ', path, period_start, period_end, part_count, row_count, byte_count, encode(sha256, 'hex'),
                          verified_at is not null, dropped_at is not null)
         from archive order by path",
    ),
    ("report", "select concat_ws(' ', period_start, period_end, summary, row_count) from report"),
    ("report rows", "select count(*) || ' ' || coalesce(sum(hashtextextended(content::text, 1)), 0) from report_row"),
    ("own items", "select count(*) || ' ' || coalesce(sum(hashtextextended(n::text, 1)), 0) from own_item"),
    ("own items twice", "select n::text from own_item group by n having count(*) > 1 order by n limit 5"),
];

impl Outcome {
    pub(crate) async fn of(
        batch: &Database,
        service: Option<&Database>,
        objects: &Path,
        execution: ExecutionId,
        began: DateTime<Utc>,
    ) -> Self {
        let mut facts = Self::default();
        let mut db = batch.superuser().await;
        for (name, sql) in FACTS {
            let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut db).await.unwrap();
            facts.0.insert(format!("batch_db: {name}"), rows.join("\n"));
        }
        facts.objects(objects, &names(&mut db, execution).await);
        if let Some(service) = service {
            let mut db = service.superuser().await;
            for (table, line) in digest::tables(&mut db, began).await {
                facts.0.insert(format!("{}_db: {table}", service.service), line);
            }
            let keys = "select concat(count(*) filter (where state <> 'DONE'), ' not done, ',
                                      count(*) filter (where status >= 300), ' refused')
                        from idempotency_key";
            let keys: String = sqlx::query_scalar(keys).fetch_one(&mut db).await.unwrap();
            facts.0.insert(format!("{}_db: idempotency_key", service.service), keys);
        }
        facts
    }

    /// The checksum of every object, with names that chance has given replaced in it.
    fn objects(&mut self, root: &Path, names: &[(String, &str)]) {
        let mut left = vec![root.to_owned()];
        while let Some(directory) = left.pop() {
            let Ok(entries) = fs::read_dir(&directory) else { continue };
            for entry in entries.map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    left.push(entry.path());
                    continue;
                }
                let path = entry.path().strip_prefix(root).unwrap().display().to_string();
                let bytes = replaced(&fs::read(entry.path()).unwrap(), names);
                let path = String::from_utf8(replaced(path.as_bytes(), names)).unwrap();
                self.0.insert(format!("object {path}"), format!("{} bytes, {}", bytes.len(), sha256(&bytes)));
            }
        }
    }

    /// What differs, a fact a line.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let names: std::collections::BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        names
            .into_iter()
            .filter(|name| self.0.get(*name) != other.0.get(*name))
            .map(|name| {
                let text = |facts: &Self| facts.0.get(name).cloned().unwrap_or_else(|| "nothing".to_owned());
                format!("{name}\n  undisturbed: {}\n  disturbed:   {}", text(self), text(other))
            })
            .collect()
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn show(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, (name, fact)| {
            let _ = writeln!(text, "{name}: {fact}");
            text
        })
    }
}

/// Ids that differ from run to run.
async fn names(db: &mut PgConnection, execution: ExecutionId) -> Vec<(String, &'static str)> {
    let sql = "select instance_id from execution where id = $1";
    let instance: Uuid =
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(execution.as_uuid()).fetch_one(db).await.unwrap();
    vec![(instance.to_string(), "INSTANCE"), (execution.to_string(), "EXECUTION")]
}

fn replaced(bytes: &[u8], names: &[(String, &str)]) -> Vec<u8> {
    match std::str::from_utf8(bytes) {
        // Large objects hold no names.
        Ok(text) if bytes.len() < 1 << 20 => {
            names.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)).into_bytes()
        }
        _ => bytes.to_owned(),
    }
}

fn sha256(bytes: &[u8]) -> String {
    let mut digest = Digest::new(&SHA256);
    digest.update(bytes);
    digest.finish().as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
