//! Which events are wanted.

use contract::event::CloudEvent;
use jiff::Timestamp;

#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    /// A type, or words of one.
    pub(super) kind: Option<String>,
    pub(super) since: Option<Timestamp>,
}

impl Filter {
    pub(super) fn keeps(&self, event: &CloudEvent) -> bool {
        self.is_young(event) && self.kind.as_deref().is_none_or(|kind| is_of(&event.kind, kind))
    }

    pub(super) fn is_young(&self, event: &CloudEvent) -> bool {
        self.since.is_none_or(|since| time(event) >= since)
    }

    pub(super) fn keeps_every_kind(&self) -> bool {
        self.kind.is_none()
    }
}

/// When the change happened.
pub(super) fn time(event: &CloudEvent) -> Timestamp {
    // Both libraries end in the year 9999.
    Timestamp::from_microsecond(event.time.timestamp_micros()).unwrap_or_default()
}

/// `user.created` and `created` are words of `com.dorandoran.user.created.v1`, `creat` is not.
fn is_of(kind: &str, words: &str) -> bool {
    format!(".{kind}.").contains(&format!(".{words}."))
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(in super::super) fn event(kind: &str, time: &str, position: i64) -> CloudEvent {
        serde_json::from_value(json!({
            "specversion": "1.0",
            "id": "01931f0e-7c5a-7000-8000-0123456789ab",
            "source": "/user",
            "type": kind,
            "subject": "01931f0e-7c5a-7000-8000-0123456789ac",
            "time": time,
            "datacontenttype": "application/json",
            "dataschema": contract::event::schema_urn(kind),
            "sequence": "1",
            "position": position.to_string(),
            "partitionkey": "01931f0e-7c5a-7000-8000-0123456789ac",
            "data": {},
        }))
        .unwrap()
    }

    #[test]
    fn a_type_is_named_whole_or_by_words_of_it() {
        let kind = "com.dorandoran.user.status-changed.v1";
        for words in [kind, "user.status-changed.v1", "user", "status-changed", "v1"] {
            assert!(is_of(kind, words), "{words}");
        }
        for other in ["status", "use", "user.created", "changed", "v"] {
            assert!(!is_of(kind, other), "{other}");
        }
    }

    #[test]
    fn an_event_of_the_very_moment_is_young_enough() {
        let since = Some("2026-11-22T12:00:00Z".parse().unwrap());
        let filter = Filter { kind: Some("user".to_owned()), since };
        let keeps = |time| filter.keeps(&event("com.dorandoran.user.created.v1", time, 1));
        assert!(keeps("2026-11-22T12:00:00Z"));
        assert!(!keeps("2026-11-22T11:59:59.999999Z"));
    }
}
