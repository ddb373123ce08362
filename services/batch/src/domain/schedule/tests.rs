use chrono::{DateTime, TimeDelta, Utc};
use contract::batch::{Concurrency, FireOutcome, Misfire};
use proptest::prelude::*;

use super::*;

const SEOUL: &str = "Asia/Seoul";
const BERLIN: &str = "Europe/Berlin";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn schedule(cron: &str, zone: &str) -> Schedule {
    Schedule::new(cron, zone).unwrap_or_else(|error| panic!("{cron} in {zone}: {error}"))
}

/// The slots behind `after`, as long as they are not behind `until`.
fn slots(cron: &str, zone: &str, after: &str, until: &str) -> Vec<String> {
    let (schedule, until) = (schedule(cron, zone), time(until));
    std::iter::successors(schedule.next(time(after)), |slot| schedule.next(*slot))
        .take_while(|slot| *slot <= until)
        .map(|slot| slot.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
        .collect()
}

#[test]
fn the_next_slot_is_the_first_one_behind_a_time() {
    for (cron, zone, after, next) in [
        // Seoul is nine hours ahead, the whole year.
        ("0 3 * * *", SEOUL, "2026-01-15T17:59:59.999999Z", "2026-01-15T18:00:00Z"),
        ("0 3 * * *", SEOUL, "2026-01-15T18:00:00Z", "2026-01-16T18:00:00Z"),
        ("0 3 * * *", SEOUL, "2026-07-15T00:00:00Z", "2026-07-15T18:00:00Z"),
        ("0 2 * * SUN", SEOUL, "2026-11-23T00:00:00Z", "2026-11-28T17:00:00Z"),
        ("0 2 * * 7", SEOUL, "2026-11-23T00:00:00Z", "2026-11-28T17:00:00Z"),
        ("* * * * *", SEOUL, "2026-11-23T00:00:00Z", "2026-11-23T00:01:00Z"),
        ("*/10 * * * * *", SEOUL, "2026-11-23T00:00:50.5Z", "2026-11-23T00:01:00Z"),
        ("30 0 9 * * *", SEOUL, "2026-11-23T00:00:00Z", "2026-11-23T00:00:30Z"),
        // Days that not every month, or not every year has.
        ("0 0 29 2 *", SEOUL, "2026-03-01T00:00:00Z", "2028-02-28T15:00:00Z"),
        ("0 0 29 2 *", SEOUL, "2096-03-01T00:00:00Z", "2104-02-28T15:00:00Z"),
        ("0 0 31 * *", "UTC", "2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"),
        ("0 0 L * *", "UTC", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z"),
        ("0 0 L * *", "UTC", "2028-02-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 0 * * FRI#L", "UTC", "2026-11-01T00:00:00Z", "2026-11-27T00:00:00Z"),
        ("0 0 15W * *", "UTC", "2026-11-01T00:00:00Z", "2026-11-16T00:00:00Z"),
        // Zones of half and quarter hours.
        ("0 0 * * *", "Asia/Kathmandu", "2026-11-23T00:00:00Z", "2026-11-23T18:15:00Z"),
        ("0 * * * *", "Asia/Kolkata", "2026-11-23T00:00:00Z", "2026-11-23T00:30:00Z"),
    ] {
        assert_eq!(
            schedule(cron, zone).next(time(after)),
            Some(time(next)),
            "{cron} in {zone} after {after}"
        );
    }
}

/// On 29 March 2026 Berlin's clocks go from 02:00 to 03:00, at 01:00 UTC.
#[test]
fn a_slot_in_the_hour_that_does_not_exist_fires_once_behind_it() {
    let night = |cron| slots(cron, BERLIN, "2026-03-28T22:00:00Z", "2026-03-29T22:00:00Z");
    assert_eq!(night("30 2 * * *"), ["2026-03-29T01:00:00Z"]);
    assert_eq!(night("0 3 * * *"), ["2026-03-29T01:00:00Z"]);
    assert_eq!(night("0,30 2 * * *"), ["2026-03-29T01:00:00Z"]);
    assert_eq!(
        night("*/20 2,3 * * *"),
        ["2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:40:00Z"]
    );
    assert_eq!(night("30 2 29 3 *"), ["2026-03-29T01:00:00Z"]);
    // Those of every hour go by hours that pass.
    let hourly = slots("30 * * * *", BERLIN, "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z");
    assert_eq!(hourly, ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"]);
    // The days around it.
    let days = slots("30 2 * * *", BERLIN, "2026-03-27T12:00:00Z", "2026-03-30T12:00:00Z");
    assert_eq!(days, ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
}

/// On 25 October 2026 Berlin's clocks go from 03:00 back to 02:00, at 01:00 UTC.
#[test]
fn a_slot_in_the_hour_that_comes_twice_fires_once() {
    let night = |cron| slots(cron, BERLIN, "2026-10-24T22:00:00Z", "2026-10-25T22:00:00Z");
    assert_eq!(night("30 2 * * *"), ["2026-10-25T00:30:00Z"]);
    assert_eq!(night("0 2,3 * * *"), ["2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"]);
    assert_eq!(night("0,30 2 * * *"), ["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"]);
    // Asked in the middle of the hour that comes again.
    let again = slots("50 2 * * *", BERLIN, "2026-10-25T01:20:00Z", "2026-10-26T12:00:00Z");
    assert_eq!(again, ["2026-10-26T01:50:00Z"]);
    // Those of every hour go by hours that pass.
    let hourly = slots("30 * * * *", BERLIN, "2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z");
    assert_eq!(hourly, ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"]);
}

/// Samoa had no 30 December 2011; Lord Howe's clocks move by half an hour.
#[test]
fn stranger_clocks_are_followed_too() {
    let samoa = slots("0 12 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", "2012-01-01T12:00:00Z");
    assert_eq!(
        samoa,
        ["2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z", "2011-12-31T22:00:00Z"]
    );
    let howe = slots("15 2 * * *", "Australia/Lord_Howe", "2026-10-02T20:00:00Z", "2026-10-04T20:00:00Z");
    assert_eq!(howe, ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]);
}

#[test]
fn what_has_no_slot_says_so() {
    for cron in ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "* * * 31 2 *"] {
        assert_eq!(schedule(cron, SEOUL).next(time("2026-01-01T00:00:00Z")), None, "{cron}");
        assert_eq!(schedule(cron, SEOUL).last(time("2026-01-01T00:00:00Z")), None, "{cron}");
        let refused = first(cron, SEOUL, time("2026-01-01T00:00:00Z")).unwrap_err();
        assert_eq!(refused, ScheduleError::Never);
    }
}

#[test]
fn bad_input_says_which_field_is_wrong_and_why() {
    for (cron, zone, key, message) in [
        ("", SEOUL, "cron", "There must be five fields, or six with seconds first, and there are 0."),
        ("* * * *", SEOUL, "cron", "There must be five fields, or six with seconds first, and there are 4."),
        (
            "0 0 0 1 1 * 2027",
            SEOUL,
            "cron",
            "There must be five fields, or six with seconds first, and there are 7.",
        ),
        ("@daily", SEOUL, "cron", "There must be five fields, or six with seconds first, and there are 1."),
        ("61 * * * *", SEOUL, "cron", "`61` is not valid as minute: "),
        ("0 25 * * *", SEOUL, "cron", "`25` is not valid as hour: "),
        ("0 0 32 * *", SEOUL, "cron", "`32` is not valid as day of month: "),
        ("0 0 0 * *", SEOUL, "cron", "`0` is not valid as day of month: "),
        ("0 0 * 13 *", SEOUL, "cron", "`13` is not valid as month: "),
        ("0 0 * * 8", SEOUL, "cron", "`8` is not valid as day of week: "),
        ("60 0 0 * * *", SEOUL, "cron", "`60` is not valid as second: "),
        ("5/5 * * * *", SEOUL, "cron", "`5/5` is not valid as minute: "),
        ("*/0 * * * *", SEOUL, "cron", "`*/0` is not valid as minute: "),
        ("9-5 * * * *", SEOUL, "cron", "`9-5` is not valid as minute: "),
        ("0 three * * *", SEOUL, "cron", "`three` is not valid as hour: "),
        ("0 0 * * 월", SEOUL, "cron", "`월` is not valid as day of week: "),
        (
            "0 3 * * *",
            "Asia/Soul",
            "zone",
            "`Asia/Soul` is not the name of an IANA time zone, e.g. Asia/Seoul.",
        ),
        ("0 3 * * *", "", "zone", "`` is not the name of an IANA time zone, e.g. Asia/Seoul."),
        ("0 3 * * *", "+09:00", "zone", "`+09:00` is not the name"),
        ("0 3 * * *", "../../etc/passwd", "zone", "`../../etc/passwd` is not the name"),
        ("0 3 * * *", "Etc/Unknown", "zone", "`Etc/Unknown` is not the name"),
    ] {
        let error = Schedule::new(cron, zone).expect_err(cron);
        assert_eq!(error.key(), key, "{cron} in {zone}");
        let text = error.text();
        assert!(text.en.starts_with(message), "{cron} in {zone}: {}", text.en);
        assert!(!text.en.ends_with(": "), "there is a reason: {}", text.en);
        assert_ne!(text.ko, text.en);
    }
}

#[test]
fn a_zone_is_called_as_the_database_calls_it() {
    assert_eq!(schedule("0 3 * * *", "asia/seoul").zone(), SEOUL);
    assert_eq!(schedule("0 3 * * *", "UTC").zone(), "UTC");
}

#[test]
fn zones_are_there_without_those_of_the_machine() {
    let bundled = jiff::tz::TimeZoneDatabase::bundled();
    for zone in [SEOUL, BERLIN, "America/New_York", "UTC"] {
        assert!(bundled.get(zone).is_ok(), "{zone}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_input_brings_the_parser_down(cron in "[0-9*/,LW#?+@A-Z -]{0,30}", any in "\\PC{0,40}") {
        let _ = Schedule::new(&cron, SEOUL);
        let _ = Schedule::new(&any, &any);
    }

    /// Around both changes of the year, and wherever else it falls.
    #[test]
    fn forwards_and_backwards_the_slots_are_the_same(
        cron in prop::sample::select(vec![
            "30 2 * * *", "0,30 2 * * *", "*/20 1-3 * * *", "0 */2 * * *", "15 * * * *", "0 0 2,3 * * *", "59 59 2 * * *",
        ]),
        zone in prop::sample::select(vec![SEOUL, BERLIN, "Australia/Lord_Howe", "America/New_York"]),
        day in prop::sample::select(vec!["2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-10-04", "2026-04-05"]),
        minutes in -720_i64..720,
    ) {
        let schedule = schedule(cron, zone);
        let at = time(&format!("{day}T00:00:00Z")) + TimeDelta::minutes(minutes);
        let next = schedule.next(at).unwrap();
        prop_assert!(next > at);
        prop_assert_eq!(schedule.last(next), Some(next));
        let before = schedule.last(next - TimeDelta::microseconds(1)).unwrap();
        prop_assert!(before <= at);
        prop_assert_eq!(schedule.next(before), Some(next));
    }
}

/// Slots of a minutely job, by the minute; `now` by the second.
fn planned(misfire: Misfire, first: i64, now_secs: i64) -> Plan {
    let zero = time("2026-11-23T00:00:00Z");
    let schedule = schedule("* * * * *", SEOUL);
    plan(&schedule, misfire, zero + TimeDelta::minutes(first), zero + TimeDelta::seconds(now_secs))
}

fn minutes(range: std::ops::RangeInclusive<i64>) -> Vec<DateTime<Utc>> {
    range.map(|minute| time("2026-11-23T00:00:00Z") + TimeDelta::minutes(minute)).collect()
}

fn minute(minute: i64) -> Option<DateTime<Utc>> {
    minutes(minute..=minute).pop()
}

#[test]
fn what_is_in_time_fires_whatever_the_policy() {
    for misfire in [Misfire::Skip, Misfire::RunOnce, Misfire::RunAll] {
        let expected = Plan { fire: minutes(5..=5), next: minute(6), ..Plan::default() };
        assert_eq!(planned(misfire, 5, 300), expected, "{misfire}, at once");
        assert_eq!(planned(misfire, 5, 359), expected, "{misfire}, 59 s late");
        // Found 60 s late, with the next one.
        let expected = Plan { fire: minutes(5..=6), next: minute(7), ..Plan::default() };
        assert_eq!(planned(misfire, 5, 360), expected, "{misfire}, 60 s late");
        // It is not time yet.
        let expected = Plan { next: minute(5), ..Plan::default() };
        assert_eq!(planned(misfire, 5, 299), expected, "{misfire}, before");
    }
}

#[test]
fn what_was_missed_is_skipped_or_made_up_for_once_or_all_of_it() {
    // From the fifth minute to the tenth, a second behind it.
    let now = 601;
    let skip = Plan { fire: minutes(10..=10), missed: minutes(5..=9), next: minute(11), more_missed: false };
    assert_eq!(planned(Misfire::Skip, 5, now), skip);
    let once = Plan { fire: minutes(10..=10), missed: minutes(5..=9), next: minute(11), more_missed: false };
    assert_eq!(planned(Misfire::RunOnce, 5, now), once);
    let all = Plan { fire: minutes(5..=10), next: minute(11), ..Plan::default() };
    assert_eq!(planned(Misfire::RunAll, 5, now), all);
}

#[test]
fn a_daily_slot_that_was_missed_fires_late_or_never() {
    let schedule = schedule("0 3 * * *", SEOUL);
    let (slot, next) = (time("2026-11-22T18:00:00Z"), Some(time("2026-11-23T18:00:00Z")));
    let now = time("2026-11-22T23:15:00Z");
    let skip = Plan { missed: vec![slot], next, ..Plan::default() };
    assert_eq!(plan(&schedule, Misfire::Skip, slot, now), skip);
    let fire = Plan { fire: vec![slot], next, ..Plan::default() };
    assert_eq!(plan(&schedule, Misfire::RunOnce, slot, now), fire);
    assert_eq!(plan(&schedule, Misfire::RunAll, slot, now), fire);
}

#[test]
fn a_week_that_was_missed_leaves_a_bounded_number_of_rows() {
    let week = 7 * 24 * 60;
    for misfire in [Misfire::Skip, Misfire::RunOnce] {
        let plan = planned(misfire, 0, week * 60);
        assert!(plan.fire.len() <= 2, "{misfire}");
        assert_eq!(plan.fire.last().copied(), minute(week), "{misfire}: the newest");
        assert_eq!(plan.missed.len(), RECORDED, "{misfire}");
        assert!(plan.missed.last() < plan.fire.first() && plan.more_missed, "{misfire}: those before");
        assert_eq!(plan.next, minute(week + 1), "{misfire}");
    }
    // All of it, a hundred at a time.
    let plan = planned(Misfire::RunAll, 0, week * 60);
    assert_eq!(plan, Plan { fire: minutes(0..=99), next: minute(100), ..Plan::default() });
}

#[test]
fn a_schedule_by_the_second_is_made_up_for_within_bounds() {
    let schedule = schedule("* * * * * *", SEOUL);
    let first = time("2026-11-01T00:00:00Z");
    let now = first + TimeDelta::days(20);
    let skip = plan(&schedule, Misfire::Skip, first, now);
    assert_eq!((skip.fire.len(), skip.missed.len(), skip.more_missed), (61, RECORDED, true));
    assert_eq!(skip.missed.last().map(|slot| *slot + TimeDelta::seconds(1)), skip.fire.first().copied());
    let once = plan(&schedule, Misfire::RunOnce, first, now);
    assert_eq!((once.fire, once.missed.len()), (vec![now], RECORDED));
    let all = plan(&schedule, Misfire::RunAll, first, now);
    assert_eq!((all.fire.len(), all.next), (AT_ONCE, Some(first + TimeDelta::seconds(100))));
}

#[test]
fn a_slot_while_another_execution_runs_fires_unless_that_is_forbidden() {
    for (concurrency, running, expected) in [
        (Concurrency::Forbid, true, FireOutcome::Forbidden),
        (Concurrency::Forbid, false, FireOutcome::Fired),
        (Concurrency::Replace, true, FireOutcome::Fired),
        (Concurrency::Replace, false, FireOutcome::Fired),
        (Concurrency::Allow, true, FireOutcome::Fired),
        (Concurrency::Allow, false, FireOutcome::Fired),
    ] {
        assert_eq!(outcome(concurrency, running), expected, "{concurrency}");
    }
}
