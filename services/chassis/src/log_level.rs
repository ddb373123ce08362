//! Which levels are logged, readable and changeable while the service runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// The name of the level that everything without a level of its own has, as in Spring Boot.
pub const ROOT: &str = "ROOT";

/// Reads `level` and `target=level`, separated by commas; what has no level of its own is logged from `info`.
///
/// # Errors
/// Names what is neither.
pub(crate) fn parse(text: &str) -> Result<Targets, String> {
    let mut targets = Targets::new().with_default(LevelFilter::INFO);
    for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
        let (target, level) = directive.split_once('=').unwrap_or((ROOT, directive));
        let level: LevelFilter =
            level.trim().parse().map_err(|_| format!("`{directive}` is not a level or target=level"))?;
        targets = match target.trim() {
            ROOT => targets.with_default(level),
            target => targets.with_target(target, level),
        };
    }
    Ok(targets)
}

/// Cheap to clone.
#[derive(Clone)]
pub struct LogControl {
    inner: Arc<Inner>,
}

struct Inner {
    targets: Mutex<Targets>,
    apply: Box<dyn Fn(Targets) + Send + Sync>,
}

impl LogControl {
    pub(crate) fn new(targets: Targets, apply: impl Fn(Targets) + Send + Sync + 'static) -> Self {
        Self { inner: Arc::new(Inner { targets: Mutex::new(targets), apply: Box::new(apply) }) }
    }

    /// The level of each target that has one, and of [`ROOT`].
    pub fn levels(&self) -> BTreeMap<String, LevelFilter> {
        let targets = self.inner.targets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut levels: BTreeMap<_, _> =
            targets.iter().map(|(target, level)| (target.to_owned(), level)).collect();
        levels.insert(ROOT.to_owned(), targets.default_level().unwrap_or(LevelFilter::OFF));
        levels
    }

    /// Changes one level; `None` makes the target follow the others again.
    pub fn set(&self, target: &str, level: Option<LevelFilter>) {
        let mut levels = self.levels();
        match level {
            Some(level) => levels.insert(target.to_owned(), level),
            None => levels.remove(target),
        };
        let root = levels.remove(ROOT).unwrap_or(LevelFilter::INFO);
        let targets = Targets::new().with_targets(levels).with_default(root);
        *self.inner.targets.lock().unwrap_or_else(PoisonError::into_inner) = targets.clone();
        (self.inner.apply)(targets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_levels_and_nothing_else() {
        let levels = |text| LogControl::new(parse(text).unwrap(), |_| {}).levels();
        assert_eq!(levels("sqlx=warn")[ROOT], LevelFilter::INFO);
        assert_eq!(levels("DEBUG, sqlx=off")[ROOT], LevelFilter::DEBUG);
        assert_eq!(levels("debug,sqlx=off")["sqlx"], LevelFilter::OFF);
        assert!(parse("loud").is_err() && parse("sqlx=loud").is_err());
    }

    #[test]
    fn levels_change_one_by_one() {
        let control = LogControl::new(parse("info,sqlx=warn").unwrap(), |_| {});
        control.set("chat", Some(LevelFilter::DEBUG));
        control.set(ROOT, Some(LevelFilter::WARN));
        let levels: Vec<_> = control.levels().into_iter().map(|(t, l)| format!("{t}={l}")).collect();
        assert_eq!(levels, ["ROOT=warn", "chat=debug", "sqlx=warn"]);
        control.set("sqlx", None);
        assert!(!control.levels().contains_key("sqlx"));
    }
}
