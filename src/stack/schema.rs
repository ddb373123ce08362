//! The JSON Schema of the stack file, made from the types of `raw.rs`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::decode::{Period, Port, PortRange, Table, Text};
use super::place::At;
use super::raw::RawStack;
use super::share::Share;

/// The schema that an editor checks `dorandoran.yaml` with.
pub(crate) fn stack_schema() -> Schema {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<RawStack>();
    NotNull.transform(&mut schema);
    schema
}

/// A key is left out to say nothing; schemars would have every `Option` accept `null` as well.
struct NotNull;

impl Transform for NotNull {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
            choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
            if let [Value::Object(only)] = choices.as_slice() {
                let only = only.clone();
                schema.remove("anyOf");
                let object = schema.ensure_object();
                for (key, value) in only {
                    object.entry(key).or_insert(value);
                }
            }
        }
        transform_subschemas(self, schema);
    }
}

/// Implements the schema of a type that stands for another one, or for a text of a certain form.
macro_rules! inline_schema {
    ($type:ty, $name:literal, $schema:expr) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

inline_schema!(Port, "Port", json_schema!({"type": "integer", "minimum": 1, "maximum": 65535}));
inline_schema!(PortRange, "PortRange", json_schema!({"type": "string", "pattern": r"^\d+\s*-\s*\d+$"}));
inline_schema!(Period, "Period", json_schema!({"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m|h|d)$"}));
inline_schema!(
    Share,
    "Share",
    json_schema!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 100})
);
inline_schema!(Text, "Text", json_schema!({"type": ["string", "number", "boolean"]}));

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<T: JsonSchema> JsonSchema for Table<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Table_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, T>::json_schema(generator)
    }
}
