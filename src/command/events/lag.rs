//! `doran events lag`: what every service has published, and how far those who read it are.

use comfy_table::{CellAlignment, Table, presets};
use contract::event::{ConsumerView, Head, path};
use futures_util::future::{join_all, try_join};
use jiff::Timestamp;
use serde::Serialize;

use super::participant::{self, Participant};
use super::{feed, filter};
use crate::command::ps::age;
use crate::context::Context;
use crate::error::ExitStatus;
use crate::operator::{LIMIT, Service};
use crate::output::Printer;

const SCHEMA: &str = "doran.events-lag/1";
/// Stands for what nobody could be asked for.
const UNKNOWN: &str = "?";

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    items: Vec<Producer>,
}

/// A service, and everybody who reads its events.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Producer {
    service: String,
    status: Status,
    /// Why there is no head.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    head: Option<Head>,
    consumers: Vec<Reader>,
    #[serde(skip)]
    expected: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Up,
    /// Not running, or not ready.
    Down,
    /// It was asked and did not answer as it should.
    Failed,
}

/// A consumer, and the service that it belongs to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reader {
    service: String,
    #[serde(flatten)]
    view: ConsumerView,
    /// Age of the first event that it has not applied yet; null when nobody knows.
    lag_ms: Option<u64>,
}

/// What one service answers.
struct Answer {
    service: Service,
    head: Head,
    consumers: Vec<ConsumerView>,
}

/// Exit code 6 when a service that is wanted is down, 1 when one cannot answer.
pub(super) async fn run(cx: &Context, out: &Printer) -> anyhow::Result<ExitStatus> {
    let participants = participant::select(cx, &[]).await?;
    let answers = join_all(participants.iter().map(|participant| ask(cx, &participant.name))).await;
    let mut readers = Vec::new();
    let mut producers = Vec::new();
    let mut services = Vec::new();
    for (participant, answer) in participants.into_iter().zip(answers) {
        match answer {
            Ok(Answer { service, head, consumers }) => {
                let service_name = &participant.name;
                readers.extend(consumers.into_iter().map(|view| Reader::new(service_name, view)));
                producers.push(Producer::up(participant, head));
                services.push(Some(service));
            }
            Err(error) => {
                producers.push(Producer::silent(participant, &error));
                services.push(None);
            }
        }
    }
    assign(readers, &mut producers);
    let now = Timestamp::now();
    let dated = producers.iter_mut().zip(&services).filter_map(|(producer, service)| {
        service.as_ref().map(|service| date(service, &mut producer.consumers, now))
    });
    join_all(dated).await;
    let status = verdict(&producers);
    if out.is_document() {
        out.document(&Document { schema: SCHEMA, items: producers })?;
    } else {
        out.line(table(&producers))?;
    }
    Ok(status)
}

async fn ask(cx: &Context, name: &str) -> anyhow::Result<Answer> {
    let service = Service::find(cx, name).await?;
    let (head, consumers) = try_join(feed::head(&service), service.get(path::CONSUMERS, &(), LIMIT)).await?;
    Ok(Answer { service, head, consumers })
}

/// Finds out since when those who are behind are.
async fn date(service: &Service, readers: &mut [Reader], now: Timestamp) {
    let behind = readers.iter_mut().filter(|reader| reader.view.lag.is_some_and(|lag| lag > 0));
    join_all(behind.map(async |reader| {
        // Unknown is all there is to say when the event is gone already.
        let first = feed::first_after(service, reader.view.position).await.ok().flatten();
        reader.lag_ms = first.map(|event| {
            u64::try_from(now.duration_since(filter::time(&event)).as_millis()).unwrap_or_default()
        });
    }))
    .await;
}

/// Puts every consumer to the service that it reads, and counts what it has before it. Of a service that the
/// stack does not have there is no row, and nobody reads one.
fn assign(readers: Vec<Reader>, producers: &mut [Producer]) {
    for mut reader in readers {
        if let Some(producer) = producers.iter_mut().find(|producer| producer.service == reader.view.source) {
            if let Some(head) = &producer.head {
                let lag = (head.last_position - reader.view.position).max(0);
                reader.view.lag = Some(lag);
                reader.lag_ms = (lag == 0).then_some(0);
            }
            producer.consumers.push(reader);
        }
    }
}

fn verdict(producers: &[Producer]) -> ExitStatus {
    let any = |status| producers.iter().any(|producer| producer.expected && producer.status == status);
    match (any(Status::Failed), any(Status::Down)) {
        (true, _) => ExitStatus::Failure,
        (false, true) => ExitStatus::NotRunning,
        (false, false) => ExitStatus::Success,
    }
}

impl Producer {
    fn up(participant: Participant, head: Head) -> Self {
        let Participant { name: service, expected } = participant;
        Self { service, expected, status: Status::Up, detail: None, head: Some(head), consumers: Vec::new() }
    }

    fn silent(participant: Participant, error: &anyhow::Error) -> Self {
        let Participant { name: service, expected } = participant;
        let status = if participant::is_down(error) { Status::Down } else { Status::Failed };
        let detail = Some(format!("{error:#}"));
        Self { service, expected, status, detail, head: None, consumers: Vec::new() }
    }

    /// The columns about the producer itself.
    fn cells(&self) -> [String; 4] {
        let Some(head) = &self.head else {
            let state = match self.status {
                Status::Up | Status::Failed => "✘ failed",
                Status::Down => "○ down",
            };
            return [format!("{} {state}", self.service), UNKNOWN.into(), UNKNOWN.into(), String::new()];
        };
        let oldest = if head.unnumbered == 0 { String::new() } else { short_age(head.unnumbered_age_ms) };
        [self.service.clone(), head.last_position.to_string(), head.unnumbered.to_string(), oldest]
    }
}

impl Reader {
    fn new(service: &str, view: ConsumerView) -> Self {
        Self { service: service.to_owned(), view, lag_ms: None }
    }

    /// The columns about the consumer.
    fn cells(&self) -> [String; 5] {
        [
            format!("{}/{}", self.service, self.view.name),
            self.view.position.to_string(),
            self.view.lag.map_or(UNKNOWN.to_owned(), |lag| lag.to_string()),
            self.lag_ms.map_or(UNKNOWN.to_owned(), age),
            self.view.parked.to_string(),
        ]
    }
}

fn short_age(ms: i64) -> String {
    age(u64::try_from(ms).unwrap_or_default())
}

fn table(producers: &[Producer]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        "PRODUCER",
        "LAST",
        "UNNUMBERED",
        "OLDEST",
        "CONSUMER",
        "POSITION",
        "LAG",
        "BEHIND",
        "PARKED",
    ]);
    for producer in producers {
        let mut cells = producer.cells();
        for reader in &producer.consumers {
            table.add_row(cells.into_iter().chain(reader.cells()));
            cells = Default::default();
        }
        if producer.consumers.is_empty() {
            table.add_row(cells);
        }
    }
    for right in [1, 2, 3, 5, 6, 7, 8] {
        if let Some(column) = table.column_mut(right) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::CliError;

    fn participant(name: &str, expected: bool) -> Participant {
        Participant { name: name.to_owned(), expected }
    }

    fn up(name: &str, last_position: i64, unnumbered: i64) -> Producer {
        let head = Head {
            source: name.to_owned(),
            last_position,
            unnumbered,
            unnumbered_age_ms: unnumbered * 1500,
            oldest_position: None,
            oldest_time: None,
        };
        Producer::up(participant(name, true), head)
    }

    fn down(name: &str, expected: bool) -> Producer {
        let error = CliError::new(ExitStatus::NotRunning, format!("no instance of {name} is ready"));
        Producer::silent(participant(name, expected), &error.into())
    }

    fn reader(service: &str, name: &str, source: &str, position: i64) -> Reader {
        let view = ConsumerView {
            name: name.to_owned(),
            source: source.to_owned(),
            position,
            lag: None,
            parked: 0,
            updated_at: "2026-11-22T03:04:05Z".parse().unwrap(),
        };
        Reader::new(service, view)
    }

    #[test]
    fn every_consumer_stands_beside_who_it_reads() {
        let mut producers = [up("auth", 7, 0), down("store", true), up("user", 1204, 2)];
        let readers = vec![
            reader("auth", "accounts", "user", 1200),
            reader("chat", "members", "user", 1204),
            reader("chat", "prices", "store", 3),
        ];
        assign(readers, &mut producers);
        producers[2].consumers[0].lag_ms = Some(2500);
        let table = table(&producers).to_string();
        let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn only_who_should_be_up_spoils_the_verdict() {
        let failed = || Producer::silent(participant("chat", true), &anyhow::anyhow!("chat answered 500"));
        assert_eq!(verdict(&[up("auth", 1, 0), down("store", false)]), ExitStatus::Success);
        assert_eq!(verdict(&[up("auth", 1, 0), down("store", true)]), ExitStatus::NotRunning);
        assert_eq!(verdict(&[failed(), down("store", true)]), ExitStatus::Failure);
    }

    #[test]
    fn machines_get_numbers_and_null_for_what_nobody_knows() {
        let mut producers = [down("store", true)];
        assign(vec![reader("chat", "prices", "store", 3)], &mut producers);
        let json = serde_json::to_value(&producers[0]).unwrap();
        assert_eq!((json["status"].as_str(), json["head"].is_null()), (Some("DOWN"), true));
        let reader = &json["consumers"][0];
        assert_eq!((&reader["service"], &reader["position"]), (&"chat".into(), &3.into()));
        assert!(reader["lag"].is_null() && reader["lagMs"].is_null(), "{reader}");
    }
}
