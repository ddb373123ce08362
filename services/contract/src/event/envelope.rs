//! The envelope: CloudEvents 1.0, JSON format, in batches.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::id::EventId;

/// The one version of CloudEvents that is written and read.
pub const SPEC_VERSION: &str = "1.0";
/// A feed's answer: an array of events.
pub const BATCH_CONTENT_TYPE: &str = "application/cloudevents-batch+json";
/// The last position that the producer has given out, on every answer of a feed.
pub const HEAD_HEADER: &str = "x-events-head";
/// The most events in one answer of a feed.
pub const MAX_BATCH: u32 = 1000;

/// One event, the whole of it readable without any other. Attributes that are not known are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CloudEvent {
    pub specversion: String,
    /// Unique for ever: the same event again is a duplicate.
    pub id: EventId,
    /// `/auth`
    pub source: String,
    /// `com.dorandoran.user.created.v1`
    #[serde(rename = "type")]
    pub kind: String,
    /// The id of the aggregate, i.e. of the thing that changed.
    pub subject: Uuid,
    /// When the change happened.
    #[serde(with = "crate::time::micros")]
    pub time: DateTime<Utc>,
    pub datacontenttype: String,
    /// Names the JSON Schema of `data`, see [`schema_urn`].
    pub dataschema: String,
    /// W3C trace context of what caused the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// 1, 2, 3 … within the aggregate. A string: CloudEvents' integers have 32 bits.
    #[serde(with = "decimal")]
    #[schema(value_type = String)]
    pub sequence: i64,
    /// Where the event stands in its producer's feed.
    #[serde(with = "decimal")]
    #[schema(value_type = String)]
    pub position: i64,
    /// Events with the same key keep their order.
    pub partitionkey: String,
    #[schema(value_type = Object)]
    pub data: Value,
}

impl CloudEvent {
    /// What the event says, as the type its `kind` stands for.
    ///
    /// # Errors
    /// When the data is something else.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.data)
    }
}

/// The `source` of a service's events.
pub fn source_of(service: &str) -> String {
    format!("/{service}")
}

/// The `dataschema` of a type of events.
pub fn schema_urn(kind: &str) -> String {
    format!("urn:dorandoran:event:{kind}")
}

mod decimal {
    //! A whole number as a string of decimal digits.

    use serde::de::Error;
    use serde::{Deserialize as _, Deserializer, Serializer};

    // Serde hands fields over by reference.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(number: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wire() -> Value {
        json!({
            "specversion": "1.0",
            "id": "01931f0e-7c5a-7000-8000-0123456789ab",
            "source": "/user",
            "type": "com.dorandoran.user.created.v1",
            "subject": "01931f0e-7c5a-7000-8000-0123456789ac",
            "time": "2026-11-22T03:04:05.678901Z",
            "datacontenttype": "application/json",
            "dataschema": "urn:dorandoran:event:com.dorandoran.user.created.v1",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "sequence": "7",
            "position": "9007199254740993",
            "partitionkey": "01931f0e-7c5a-7000-8000-0123456789ac",
            "data": { "name": "미나" },
        })
    }

    #[test]
    fn an_event_reads_back_what_it_writes() {
        let event: CloudEvent = serde_json::from_value(wire()).unwrap();
        assert_eq!((event.sequence, event.position), (7, 9_007_199_254_740_993));
        assert_eq!(serde_json::to_value(&event).unwrap(), wire());
        assert_eq!(event.dataschema, schema_urn(&event.kind));
        assert_eq!(event.source, source_of("user"));
    }

    #[test]
    fn attributes_of_later_versions_are_ignored_and_an_absent_trace_stays_absent() {
        let mut wire = wire();
        wire["extra"] = json!("x");
        wire.as_object_mut().unwrap().remove("traceparent");
        let event: CloudEvent = serde_json::from_value(wire).unwrap();
        assert_eq!(event.traceparent, None);
        let written = serde_json::to_value(&event).unwrap();
        assert!(written.get("traceparent").is_none() && written.get("extra").is_none());
    }

    #[test]
    fn a_number_that_is_no_string_of_digits_is_refused() {
        for sequence in [json!(7), json!("seven"), json!("")] {
            let mut wire = wire();
            wire["sequence"] = sequence;
            assert!(serde_json::from_value::<CloudEvent>(wire).is_err());
        }
    }

    #[test]
    fn data_is_read_as_what_its_type_stands_for() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Named {
            name: String,
        }
        let event: CloudEvent = serde_json::from_value(wire()).unwrap();
        assert_eq!(event.read::<Named>().unwrap(), Named { name: "미나".to_owned() });
        assert!(event.read::<Vec<u8>>().is_err());
    }
}
