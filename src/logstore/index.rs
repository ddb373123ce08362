//! The index of a log segment: when each chunk was read, and from which stream.
//!
//! A file `<unit>.<run>.idx` is a header of 32 bytes (`DORANIDX`, format version as u32, record size as u32,
//! 16 zero bytes), then records of 32 bytes, all little endian:
//!
//! | bytes | field |
//! |---|---|
//! | 0–7 | offset of the chunk in the segment |
//! | 8–11 | its length; for a gap the number of lost bytes |
//! | 12 | 1 standard output, 2 standard error, 3 gap |
//! | 13 | zero |
//! | 14–15 | for a gap the errno that the disk answered with |
//! | 16–23 | wall clock, nanoseconds since the Unix epoch |
//! | 24–31 | monotonic clock, nanoseconds since boot |
//!
//! A record is written after its chunk, so bytes that the index does not name are still on their way.

/// Also the size of the header, so that record `n` starts at `(n + 1) * RECORD_SIZE`.
pub(crate) const RECORD_SIZE: usize = 32;
const MAGIC: [u8; 8] = *b"DORANIDX";
/// Raised when a record changes its meaning.
const VERSION: u32 = 1;

/// Where a chunk came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stream {
    Stdout,
    Stderr,
    /// Nowhere: bytes that were read from the unit and could not be kept.
    Gap,
}

/// The moment of a read on both clocks: the wall clock is for people, the monotonic one for order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Stamp {
    pub(crate) wall_ns: u64,
    pub(crate) mono_ns: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) stream: Stream,
    /// Why a gap is one; 0 otherwise.
    pub(crate) errno: u16,
    pub(crate) stamp: Stamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("read the log index: it does not begin like one")]
    NotAnIndex,
    #[error("read the log index: it has format {0}, this doran reads format {VERSION}")]
    Version(u32),
    #[error("read the log index: record with unknown stream {0}")]
    Stream(u8),
}

pub(crate) fn header() -> [u8; RECORD_SIZE] {
    let mut bytes = [0; RECORD_SIZE];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    // 32 fits; the size is in the file so that a later format can grow its records.
    bytes[12..16].copy_from_slice(&32_u32.to_le_bytes());
    bytes
}

pub(crate) fn check_header(bytes: &[u8; RECORD_SIZE]) -> Result<(), DecodeError> {
    if bytes[..8] != MAGIC {
        return Err(DecodeError::NotAnIndex);
    }
    match u32::from_le_bytes(part(bytes, 8)) {
        VERSION => Ok(()),
        other => Err(DecodeError::Version(other)),
    }
}

impl Record {
    pub(crate) fn encode(&self) -> [u8; RECORD_SIZE] {
        let mut bytes = [0; RECORD_SIZE];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.length.to_le_bytes());
        bytes[12] = match self.stream {
            Stream::Stdout => 1,
            Stream::Stderr => 2,
            Stream::Gap => 3,
        };
        bytes[14..16].copy_from_slice(&self.errno.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.stamp.wall_ns.to_le_bytes());
        bytes[24..].copy_from_slice(&self.stamp.mono_ns.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; RECORD_SIZE]) -> Result<Self, DecodeError> {
        let stream = match bytes[12] {
            1 => Stream::Stdout,
            2 => Stream::Stderr,
            3 => Stream::Gap,
            other => return Err(DecodeError::Stream(other)),
        };
        Ok(Self {
            offset: u64::from_le_bytes(part(bytes, 0)),
            length: u32::from_le_bytes(part(bytes, 8)),
            stream,
            errno: u16::from_le_bytes(part(bytes, 14)),
            stamp: Stamp {
                wall_ns: u64::from_le_bytes(part(bytes, 16)),
                mono_ns: u64::from_le_bytes(part(bytes, 24)),
            },
        })
    }
}

fn part<const N: usize>(bytes: &[u8; RECORD_SIZE], at: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes[at + i])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream() -> impl Strategy<Value = Stream> {
        prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr), Just(Stream::Gap)]
    }

    proptest! {
        #[test]
        fn a_record_survives_the_round_trip(
            offset: u64, length: u32, stream in stream(), errno: u16, wall_ns: u64, mono_ns: u64,
        ) {
            let record = Record { offset, length, stream, errno, stamp: Stamp { wall_ns, mono_ns } };
            prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn a_file_of_another_kind_or_version_is_refused() {
        assert_eq!(check_header(&header()), Ok(()));
        assert_eq!(check_header(&[0; RECORD_SIZE]), Err(DecodeError::NotAnIndex));
        let mut newer = header();
        newer[8] = 9;
        assert_eq!(check_header(&newer), Err(DecodeError::Version(9)));
        assert_eq!(Record::decode(&[0; RECORD_SIZE]), Err(DecodeError::Stream(0)));
    }
}
