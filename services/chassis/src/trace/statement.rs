//! A span for each statement that sqlx has run, made from what it tells `tracing` of it.
//!
//! Of the statement's text, only its verb and the name of its table leave this file: the text itself may have
//! values in it. sqlx tells of a statement when it is over, in the task that asked for it, and never of parameters.

use std::fmt::Debug;
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::name::Name;
use super::span::{Kind, Span};

/// Hears sqlx at every level that it speaks at, whatever the log is told. Prints nothing.
pub(crate) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    Statements.with_filter(Targets::new().with_target("sqlx::query", LevelFilter::TRACE))
}

struct Statements;

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut span = Span::child(Kind::Client, "");
        if !span.is_on() {
            return;
        }
        let mut told = Told::default();
        event.record(&mut told);
        span.set("db.system.name", "postgresql");
        if let Some(statement) = told.statement {
            let name = if let Some(table) = statement.table {
                span.set("db.query.summary", format!("{} {table}", statement.operation));
                span.set("db.collection.name", table.clone());
                Name::with(statement.operation, table)
            } else {
                span.set("db.query.summary", statement.operation);
                Name::of(statement.operation)
            };
            span.set("db.operation.name", statement.operation);
            span.rename(name);
        }
        if let Some(rows) = told.rows {
            span.set("db.response.returned_rows", rows);
        }
        span.end_after(told.took);
    }
}

/// What the event says, as far as it goes out.
#[derive(Default)]
struct Told {
    statement: Option<Statement>,
    rows: Option<i64>,
    took: Duration,
}

impl Visit for Told {
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}

    fn record_str(&mut self, field: &Field, text: &str) {
        match field.name() {
            // The whole statement, unless it is short: then it is all in the summary.
            "summary" => self.statement = Some(read(text)),
            "db.statement" if !text.is_empty() => self.statement = Some(read(text)),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, number: u64) {
        if field.name() == "rows_returned" {
            self.rows = i64::try_from(number).ok();
        }
    }

    fn record_f64(&mut self, field: &Field, seconds: f64) {
        if field.name() == "elapsed_secs" {
            self.took = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Statement {
    operation: &'static str,
    table: Option<String>,
}

const OPERATIONS: [&str; 14] = [
    "select",
    "insert",
    "update",
    "delete",
    "begin",
    "commit",
    "rollback",
    "savepoint",
    "release",
    "set",
    "copy",
    "listen",
    "notify",
    "show",
];

/// The verb of a statement, and the table it is about.
fn read(sql: &str) -> Statement {
    let mut words = sql.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';'));
    let mut words = words.by_ref().filter(|word| !word.is_empty());
    let known = |word: &str| OPERATIONS.into_iter().find(|known| known.eq_ignore_ascii_case(word));
    let first = words.next().unwrap_or_default();
    if first.eq_ignore_ascii_case("with") {
        return read_with(words);
    }
    let operation = known(first).unwrap_or("other");
    let table = match operation {
        "update" => words.next(),
        "select" | "delete" => words.skip_while(|word| !word.eq_ignore_ascii_case("from")).nth(1),
        "insert" => words.skip_while(|word| !word.eq_ignore_ascii_case("into")).nth(1),
        _ => None,
    };
    Statement { operation, table: table.and_then(identifier) }
}

/// Behind `with`: the first change is what it is about, else what it first reads from.
fn read_with<'a>(words: impl Iterator<Item = &'a str>) -> Statement {
    let mut read_from = None;
    let mut before = "";
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let is = |known: &str| word.eq_ignore_ascii_case(known);
        // `for update`, `for no key update` and `on conflict … do update` change nothing by themselves.
        let changes = !["for", "key", "do"].iter().any(|other| before.eq_ignore_ascii_case(other));
        let following = words.peek().and_then(|next| identifier(next));
        if is("update") && changes {
            return Statement { operation: "update", table: following };
        } else if is("into") && before.eq_ignore_ascii_case("insert") {
            return Statement { operation: "insert", table: following };
        } else if is("from") && before.eq_ignore_ascii_case("delete") {
            return Statement { operation: "delete", table: following };
        } else if is("from") && read_from.is_none() {
            read_from = following;
        }
        before = word;
    }
    Statement { operation: "select", table: read_from }
}

/// A table's name; anything else might be a value.
fn identifier(word: &str) -> Option<String> {
    let name = word.trim_matches('"');
    let fits = name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.'));
    // `from (select …)`: what follows is no name.
    (fits && name != "select").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verb_and_table_are_all_that_is_told_of_a_statement() {
        for (sql, operation, table) in [
            ("select id, name from user_profile where id = $1", "select", Some("user_profile")),
            ("\n\n  SELECT 1\n", "select", None),
            ("select pg_advisory_xact_lock(1)", "select", None),
            ("select * from (select 'secret' from x) y", "select", None),
            ("select * from \"order\" where id = $1 for update", "select", Some("order")),
            ("insert into outbox (id) values ('secret')", "insert", Some("outbox")),
            ("update chat_room set last_seq = last_seq + 1", "update", Some("chat_room")),
            ("delete from token where id = $1", "delete", Some("token")),
            ("begin; set local statement_timeout = 12", "begin", None),
            ("COMMIT", "commit", None),
            ("'secret'", "other", None),
            ("update 'secret'", "update", None),
            ("", "other", None),
            ("with a as (select id from t for update) update outbox set x = 1", "update", Some("outbox")),
            ("with a as (delete from token returning 1) select count(*) from a", "delete", Some("token")),
            ("with a as (select 1 from t) select * from a", "select", Some("t")),
            ("with a as (select 1) insert into b select * from a", "insert", Some("b")),
        ] {
            let expected = Statement { operation, table: table.map(str::to_owned) };
            assert_eq!(read(sql), expected, "{sql}");
        }
    }
}
