//! Why a pass ends early.

use ottla_record::RecordError;

use crate::dir::FileKind;
use crate::error::{Corruption, Error};
use crate::offset::Position;
use crate::segment::{ScanEnd, Segment};

/// Why a pass ends early. Either way the log is whole.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The log was closed or changed under the pass, or the cleaner was stopped: nothing is wrong.
    Aborted,
    /// It cannot be compacted now.
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Halt {
        Halt::Failed(error)
    }
}

pub(super) type Pass<T> = Result<T, Halt>;

/// A batch whose bytes are whole but whose records cannot be read.
pub(super) fn unreadable(segment: &Segment, position: Position, error: &RecordError) -> Error {
    damaged(segment, u64::from(position.get()), error.to_string())
}

/// Bytes of a sealed segment that are no batch.
pub(super) fn no_batch(segment: &Segment, end: &ScanEnd) -> Error {
    damaged(segment, end.position, format!("{:?}", end.end))
}

fn damaged(segment: &Segment, position: u64, found: String) -> Error {
    Corruption {
        path: segment.home().path(segment.base_offset(), FileKind::Log),
        position: Some(position),
        what: "a segment with a damaged batch cannot be compacted",
        expected: "whole batches that can be read".to_owned(),
        found,
        advice: "run `ottla verify` on the partition; the log is tried again later",
    }
    .into()
}
