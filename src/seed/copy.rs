//! Rows in PostgreSQL's binary COPY format: the server parses neither numbers nor times nor ids.

use uuid::Uuid;

use super::number::Time;

/// The format's signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// A field count of -1 ends the data.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// Binary timestamps count from 2000-01-01T00:00:00Z.
const POSTGRES_EPOCH_SECONDS: i64 = 946_684_800;

/// A column's value, of exactly the column's type: binary COPY converts nothing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Int2(i16),
    Int4(i32),
    Int8(i64),
    Text(&'a str),
    Json(&'a str),
    Jsonb(&'a str),
    Uuid(Uuid),
    Time(Time),
}

/// Rows on their way to the server.
#[derive(Debug)]
pub(super) struct Rows {
    bytes: Vec<u8>,
}

impl Rows {
    pub(super) fn new() -> Self {
        Self { bytes: HEADER.to_vec() }
    }

    pub(super) fn push(&mut self, values: &[Value<'_>]) {
        let fields = i16::try_from(values.len()).expect("a table has at most 1,600 columns");
        self.bytes.extend(fields.to_be_bytes());
        for value in values {
            self.field(value);
        }
    }

    pub(super) fn finish(&mut self) {
        self.bytes.extend(TRAILER);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was sent, and keeps the room.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    fn field(&mut self, value: &Value<'_>) {
        match value {
            Value::Null => self.bytes.extend((-1_i32).to_be_bytes()),
            Value::Bool(value) => self.sized(&[u8::from(*value)]),
            Value::Int2(value) => self.sized(&value.to_be_bytes()),
            Value::Int4(value) => self.sized(&value.to_be_bytes()),
            Value::Int8(value) => self.sized(&value.to_be_bytes()),
            Value::Text(value) | Value::Json(value) => self.sized(value.as_bytes()),
            Value::Jsonb(value) => {
                self.length(value.len() + 1);
                // jsonb's binary form is a version and then text.
                self.bytes.push(1);
                self.bytes.extend(value.as_bytes());
            }
            Value::Uuid(value) => self.sized(value.as_bytes()),
            Value::Time(value) => {
                let micros = value.0.cast_signed() - POSTGRES_EPOCH_SECONDS * 1_000_000;
                self.sized(&micros.to_be_bytes());
            }
        }
    }

    fn sized(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.bytes.extend(bytes);
    }

    fn length(&mut self, length: usize) {
        let length = i32::try_from(length).expect("generated values are far below 2 GiB");
        self.bytes.extend(length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_its_field_count_and_each_length_with_its_bytes() {
        let mut rows = Rows::new();
        rows.clear();
        rows.push(&[Value::Int2(7), Value::Null, Value::Text("란"), Value::Jsonb("{}"), Value::Bool(true)]);
        rows.finish();
        let expected: &[u8] = &[
            0, 5, // fields
            0, 0, 0, 2, 0, 7, // smallint
            255, 255, 255, 255, // null
            0, 0, 0, 3, 0xEB, 0x9E, 0x80, // text
            0, 0, 0, 3, 1, b'{', b'}', // jsonb
            0, 0, 0, 1, 1, // boolean
            255, 255, // end
        ];
        assert_eq!(rows.bytes(), expected);
    }
}
