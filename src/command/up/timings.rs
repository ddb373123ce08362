//! `up --timings`: when each unit began and was ready, and the chain that the whole start waited for.

use crate::output::Printer;
use crate::supervisor::report::{StateReport, UnitReport};

pub(super) fn print(out: &Printer, state: &StateReport, units: &[String]) -> anyhow::Result<()> {
    let mut shown: Vec<&UnitReport> = state.items.iter().filter(|unit| units.contains(&unit.name)).collect();
    shown.sort_by_key(|unit| (unit.started_ms, unit.ready_ms));
    out.line("\nwhen (ms after the supervisor's start)")?;
    for unit in &shown {
        let (Some(started), Some(ready)) = (unit.started_ms, unit.ready_ms) else {
            continue;
        };
        out.line(format_args!("  {:<20} {started:>6} → {ready:>6}  {:>6}", unit.name, ready - started))?;
    }
    let path: Vec<String> = critical_path(&shown)
        .into_iter()
        .map(|unit| format!("{} {}", unit.name, unit.took_ms().unwrap_or_default()))
        .collect();
    out.line(format_args!("critical path (ms): {}", path.join(" → ")))?;
    Ok(())
}

/// From the unit that was ready last, back along the dependency that was ready last.
fn critical_path<'a>(units: &[&'a UnitReport]) -> Vec<&'a UnitReport> {
    let mut path: Vec<&UnitReport> = Vec::new();
    let mut next = units.iter().copied().max_by_key(|unit| unit.ready_ms);
    while let Some(unit) = next {
        path.push(unit);
        let needs = units.iter().copied().filter(|other| unit.depends_on.contains(&other.name));
        next = needs.max_by_key(|other| other.ready_ms);
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::state::Word;
    use crate::supervisor::unit::Kind;

    fn unit(name: &str, ready_ms: i64, depends_on: &[&str]) -> UnitReport {
        UnitReport {
            name: name.to_owned(),
            service: name.to_owned(),
            kind: Kind::Service,
            state: Word::Ready,
            pid: None,
            port: None,
            restarts: 0,
            uptime_ms: None,
            started_ms: Some(0),
            ready_ms: Some(ready_ms),
            run: 1,
            wanted: true,
            depends_on: depends_on.iter().map(|on| (*on).to_owned()).collect(),
            waits_for: vec![],
            last_failure: None,
        }
    }

    #[test]
    fn the_critical_path_follows_the_latest_dependency() {
        let (a, b, c, d) =
            (unit("a", 10, &[]), unit("b", 30, &[]), unit("c", 50, &["a", "b"]), unit("d", 40, &["a"]));
        let path = critical_path(&[&a, &b, &c, &d]);
        assert_eq!(path.iter().map(|unit| unit.name.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    }
}
