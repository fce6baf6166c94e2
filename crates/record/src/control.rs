//! The records of control batches: what logs say to readers, and no reader shows.
//!
//! ```text
//!  key                  version: i16 | type: i16
//!  value of end markers version: i16 | coordinator epoch: i32
//! ```
//!
//! (Kafka: `ControlRecordType`, `EndTransactionMarker`; KIP-98, KIP-595, KIP-630, KIP-853.)

use crate::{BatchBuilder, Offset, RecordError};

/// A control record, by its key and value. Versions above those that are known have the same fields first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ControlRecord {
    /// The producer's open transaction ends, and its records are to be skipped.
    Abort {
        /// Epoch of the transaction coordinator.
        coordinator_epoch: i32,
    },
    /// The producer's open transaction ends, and its records count.
    Commit {
        /// Epoch of the transaction coordinator.
        coordinator_epoch: i32,
    },
    /// KRaft: a leader was elected.
    LeaderChange,
    /// KRaft: a snapshot begins.
    SnapshotHeader,
    /// KRaft: a snapshot ends.
    SnapshotFooter,
    /// KRaft: the version of the protocol.
    KRaftVersion,
    /// KRaft: the voters.
    KRaftVoters,
    /// A type that came after this library; readers skip it.
    Other(i16),
}

const ABORT: i16 = 0;
const COMMIT: i16 = 1;
const KEY_LEN: usize = 4;
const MARKER_VALUE_LEN: usize = 6;

impl ControlRecord {
    /// Reads the key, and the value where the type has one that is known here.
    ///
    /// ```
    /// use ottla_record::ControlRecord;
    /// let record = ControlRecord::parse(Some(&[0, 0, 0, 1]), Some(&[0, 0, 0, 0, 0, 7]))?;
    /// assert_eq!(record, ControlRecord::Commit { coordinator_epoch: 7 });
    /// # Ok::<(), ottla_record::RecordError>(())
    /// ```
    ///
    /// # Errors
    /// [`RecordError::BadControlRecord`] where one is missing, too short, or of a negative version.
    pub fn parse(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<ControlRecord, RecordError> {
        let [_, _, kind @ ..] = versioned::<KEY_LEN>("key", key)?;
        Ok(match i16::from_be_bytes(kind) {
            ABORT => ControlRecord::Abort { coordinator_epoch: coordinator_epoch(value)? },
            COMMIT => ControlRecord::Commit { coordinator_epoch: coordinator_epoch(value)? },
            2 => ControlRecord::LeaderChange,
            3 => ControlRecord::SnapshotHeader,
            4 => ControlRecord::SnapshotFooter,
            5 => ControlRecord::KRaftVersion,
            6 => ControlRecord::KRaftVoters,
            other => ControlRecord::Other(other),
        })
    }
}

fn coordinator_epoch(value: Option<&[u8]>) -> Result<i32, RecordError> {
    let [_, _, epoch @ ..] = versioned::<MARKER_VALUE_LEN>("value", value)?;
    Ok(i32::from_be_bytes(epoch))
}

/// The first bytes of a key or value, whose version is checked to be one.
fn versioned<const N: usize>(part: &'static str, bytes: Option<&[u8]>) -> Result<[u8; N], RecordError> {
    let bytes = bytes.unwrap_or_default();
    let version = bytes.first_chunk().map(|version| i16::from_be_bytes(*version));
    match (bytes.first_chunk::<N>(), version) {
        (Some(fields), Some(0..)) => Ok(*fields),
        _ => Err(RecordError::BadControlRecord { part, length: bytes.len(), version }),
    }
}

/// The marker with which a coordinator ends a transaction in one partition.
///
/// ```
/// use ottla_record::{EndTransactionMarker, Head, verify_crc};
/// let marker = EndTransactionMarker {
///     producer_id: 4_000,
///     producer_epoch: 2,
///     coordinator_epoch: 0,
///     commit: true,
///     timestamp_ms: 1_700_000_000_000,
/// };
/// let head = verify_crc(&marker.to_batch()?)?;
/// assert!(head.is_control() && head.is_transactional());
/// # Ok::<(), ottla_record::RecordError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTransactionMarker {
    /// The producer whose transaction ends.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Epoch of the transaction coordinator.
    pub coordinator_epoch: i32,
    /// Whether the transaction's records count.
    pub commit: bool,
    /// When it ends.
    pub timestamp_ms: i64,
}

impl EndTransactionMarker {
    /// The marker as a batch of one control record, without compression, at offset 0 and leader epoch -1,
    /// which the log replaces.
    ///
    /// # Errors
    /// None that these fields can cause.
    pub fn to_batch(&self) -> Result<Vec<u8>, RecordError> {
        let [high, low] = (if self.commit { COMMIT } else { ABORT }).to_be_bytes();
        let key = [0, 0, high, low];
        let [a, b, c, d] = self.coordinator_epoch.to_be_bytes();
        let value = [0, 0, a, b, c, d];
        let mut builder = BatchBuilder::new()
            .base_offset(Offset::ZERO)
            .producer(self.producer_id, self.producer_epoch, -1)
            .transactional(true)
            .control(true);
        builder.push(self.timestamp_ms, Some(&key), Some(&value), &[])?;
        builder.build()
    }
}
