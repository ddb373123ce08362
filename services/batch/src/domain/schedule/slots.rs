//! A cron expression in a time zone, and its slots.

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use super::error::{Field, ScheduleError};

/// For machines that have no zones, or not all.
static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
/// The least time there is: PostgreSQL's.
pub(super) const MOMENT: TimeDelta = TimeDelta::microseconds(1);

/// When a job runs by itself.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
    /// Whether it goes by hours that pass, and not by the clock on the wall.
    hourly: bool,
}

impl Schedule {
    /// # Errors
    /// What is wrong with the expression, or with the zone's name.
    pub fn new(cron: &str, zone: &str) -> Result<Self, ScheduleError> {
        let cron = parse(cron)?;
        let zone = find_zone(zone).ok_or_else(|| ScheduleError::Zone(zone.to_owned()))?;
        let hourly = (0..24).all(|hour| cron.pattern.hour_match(hour).unwrap_or(false));
        Ok(Self { cron, zone, hourly })
    }

    /// The zone's name as the database of zones writes it.
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The first slot behind `after`; none when there is none, as on 31 February.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let after = timestamp(after)?;
        if self.hourly {
            let next = self.cron.find_next_occurrence(&after.to_zoned(self.zone.clone()), false);
            return instant(next.ok()?.timestamp());
        }
        let mut civil = self.zone.to_datetime(after);
        loop {
            civil = self.cron.find_next_occurrence(&civil, false).ok()?;
            let slot = self.resolve(civil)?;
            // Behind a clock that was put back stand times that have been.
            if slot > after {
                return instant(slot);
            }
        }
    }

    /// The newest slot that is not behind `until`.
    pub fn last(&self, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // Cron knows whole seconds only.
        let until = Timestamp::from_second(until.timestamp()).ok()?;
        if self.hourly {
            let last = self.cron.find_previous_occurrence(&until.to_zoned(self.zone.clone()), true);
            return instant(last.ok()?.timestamp());
        }
        let mut civil = self.zone.to_datetime(until).checked_add(self.repeated(until)).ok()?;
        let mut inclusive = true;
        loop {
            civil = self.cron.find_previous_occurrence(&civil, inclusive).ok()?;
            let slot = self.resolve(civil)?;
            if slot <= until {
                return instant(slot);
            }
            inclusive = false;
        }
    }

    /// When it is that time on the clock of the zone.
    fn resolve(&self, civil: civil::DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(civil);
        let offset = ambiguous.offset();
        let earlier = ambiguous.earlier().ok()?;
        match offset {
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => Some(earlier),
            AmbiguousOffset::Gap { .. } => {
                self.zone.following(earlier).next().map(|transition| transition.timestamp())
            }
        }
    }

    /// How far a clock that was put back may be behind itself then: times that are later on the wall have been.
    fn repeated(&self, now: Timestamp) -> SignedDuration {
        match self.zone.to_ambiguous_timestamp(self.zone.to_datetime(now)).offset() {
            AmbiguousOffset::Fold { before, after } => {
                SignedDuration::from_secs(i64::from(before.seconds() - after.seconds()))
            }
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => SignedDuration::ZERO,
        }
    }

    /// The oldest slots from `from` to `until`, both included.
    pub(super) fn oldest(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: usize,
    ) -> Vec<DateTime<Utc>> {
        let following = |after| self.next(after).filter(|slot| *slot <= until);
        std::iter::successors(following(from - MOMENT), |slot| following(*slot)).take(limit).collect()
    }

    /// The newest slots from `from` to `until`, both included, the oldest first.
    pub(super) fn newest(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: usize,
    ) -> Vec<DateTime<Utc>> {
        let preceding = |until| self.last(until).filter(|slot| *slot >= from);
        let mut slots: Vec<_> =
            std::iter::successors(preceding(until), |slot| preceding(*slot - MOMENT)).take(limit).collect();
        slots.reverse();
        slots
    }
}

/// A schedule as somebody wants it to be from now on. Its next slot.
///
/// # Errors
/// What is wrong with it; also that it has no slot at all.
pub fn first(cron: &str, zone: &str, now: DateTime<Utc>) -> Result<(Schedule, DateTime<Utc>), ScheduleError> {
    let schedule = Schedule::new(cron, zone)?;
    let next = schedule.next(now).ok_or(ScheduleError::Never)?;
    Ok((schedule, next))
}

fn parse(text: &str) -> Result<Cron, ScheduleError> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let names = match fields.len() {
        5 => &Field::ALL[1..],
        6 => &Field::ALL,
        count => return Err(ScheduleError::Fields(count)),
    };
    let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
    parser.parse(text).map_err(|error| {
        // The parser does not say which field it means: each is tried alone.
        let wrong = fields.iter().enumerate().find_map(|(at, field)| {
            let alone: Vec<&str> =
                (0..fields.len()).map(|other| if other == at { *field } else { "*" }).collect();
            Some((at, parser.parse(&alone.join(" ")).err()?))
        });
        match wrong {
            Some((at, error)) => {
                ScheduleError::Field { field: names[at], text: fields[at].to_owned(), reason: reason(error) }
            }
            None => ScheduleError::Together(reason(error)),
        }
    })
}

/// Without the parser's own heading.
fn reason(error: CronError) -> String {
    match error {
        CronError::InvalidPattern(reason)
        | CronError::IllegalCharacters(reason)
        | CronError::ComponentError(reason) => reason,
        CronError::EmptyPattern
        | CronError::InvalidDate
        | CronError::InvalidTime
        | CronError::TimeSearchLimitExceeded => error.to_string(),
    }
}

/// As the machine knows it, whose zones may be newer than ours; else as we do.
fn find_zone(name: &str) -> Option<TimeZone> {
    let zone = jiff::tz::db().get(name).or_else(|_unknown| BUNDLED.get(name)).ok()?;
    (!zone.is_unknown()).then_some(zone)
}

fn timestamp(time: DateTime<Utc>) -> Option<Timestamp> {
    Timestamp::new(time.timestamp(), time.timestamp_subsec_nanos().try_into().ok()?).ok()
}

fn instant(slot: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(slot.as_second(), 0)
}
