//! Whole batches in memory, for readers that want records rather than bytes.

use std::collections::HashSet;

use ottla_record::{Decoded, Head, Magic, RecordError};

use crate::dir::FileKind;
use crate::error::{Corruption, Error, Result};
use crate::isolation::Isolation;
use crate::offset::Offset;
use crate::producer::AbortedTxn;
use crate::read::Fetched;
use crate::shared::Shared;

/// Whole batches that were read from a log, in order.
///
/// The first batch may begin before the offset that was asked for; [`Batches::for_each_record`] leaves
/// those records out, as it does control records and, for careful readers, aborted ones.
#[derive(Clone, Debug)]
pub struct Batches {
    bytes: Vec<u8>,
    from: Offset,
    next_offset: Offset,
    isolation: Isolation,
    aborted: Vec<AbortedTxn>,
    max_decompressed_bytes: usize,
}

impl Batches {
    /// Copies a fetched slice of the log, checks every batch, and cuts off the one that does not end in it, or
    /// that is damaged: whoever reads on from there is told.
    pub(crate) fn read(
        shared: &Shared,
        fetched: &Fetched,
        from: Offset,
        isolation: Isolation,
    ) -> Result<Batches> {
        let path = || {
            let segment = shared.segments.floor(fetched.base_offset);
            segment.map_or(shared.home.dir.clone(), |at| shared.home.path(at.base_offset(), FileKind::Log))
        };
        let mut bytes = fetched.slice.read_all().map_err(|e| Error::io("read", path(), e))?;
        let (whole, next_offset) = whole_batches(&bytes, from).map_err(|e| Corruption {
            path: path(),
            position: Some(fetched.slice.position()),
            what: "a stored batch is damaged",
            expected: "the bytes that were appended".to_owned(),
            found: e.to_string(),
            advice: "run `ottla verify` on the partition to see all that is wrong",
        })?;
        bytes.truncate(whole);
        let aborted = fetched.aborted.clone();
        let max_decompressed_bytes = shared.config.load().max_decompressed_bytes;
        Ok(Batches { bytes, from, next_offset, isolation, aborted, max_decompressed_bytes })
    }

    /// The bytes of all batches.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether there is no batch.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Where to read on: the offset after the last batch.
    pub fn next_offset(&self) -> Offset {
        self.next_offset
    }

    /// Decodes batch after batch, control batches and aborted ones included.
    pub fn decoded(&self) -> impl Iterator<Item = Result<Decoded<'_>, RecordError>> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let size = Head::parse(rest).ok()?.size_bytes();
            let (batch, after) = rest.split_at_checked(size)?;
            rest = after;
            Some(ottla_record::decode(batch, self.max_decompressed_bytes))
        })
    }

    /// Calls `each` with every record from the wanted offset on that this reader may see.
    ///
    /// # Errors
    /// [`Error::InvalidBatch`] for a batch that cannot be decoded, and whatever `each` returns.
    pub fn for_each_record(
        &self,
        mut each: impl FnMut(&ottla_record::Record<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut filter = TxnFilter::new(self.isolation, &self.aborted);
        for decoded in self.decoded() {
            let decoded = decoded?;
            if !filter.admits(&decoded)? {
                continue;
            }
            for record in decoded.records() {
                let record = record?;
                if record.offset >= self.from {
                    each(&record)?;
                }
            }
        }
        Ok(())
    }
}

/// How many bytes are whole batches that follow each other, and the offset after them; or why not even the first is
/// whole. Behind a gap a batch counts once the next one shows that its offsets are its own.
fn whole_batches(bytes: &[u8], from: Offset) -> Result<(usize, Offset), RecordError> {
    let (mut whole, mut next_offset) = (0, from);
    let mut behind_gap = None;
    let mut position = 0;
    while let Some(rest) = bytes.get(position..).filter(|rest| !rest.is_empty()) {
        let head = match whole_batch(rest) {
            Ok(Some(head)) => head,
            Err(e) if position == 0 => return Err(e),
            Ok(None) | Err(_) => break,
        };
        match behind_gap.take() {
            Some(before) if before > head.base_offset() => break,
            Some(before) => (whole, next_offset) = (position, before),
            None => {}
        }
        let end_offset = head.last_offset() + 1;
        position += head.size_bytes();
        // The first is the one that was found, and a message of an older magic tells no first offset.
        if whole == 0 || head.base_offset() == next_offset || head.magic() != Magic::V2 {
            (whole, next_offset) = (position, end_offset);
        } else if head.base_offset() > next_offset {
            behind_gap = Some(end_offset);
        } else {
            break;
        }
    }
    Ok((whole, next_offset))
}

/// The batch that these bytes begin with; `None` where they end in it.
fn whole_batch(bytes: &[u8]) -> Result<Option<Head>, RecordError> {
    let head = match Head::parse(bytes) {
        Ok(head) => head,
        Err(RecordError::TooShort { .. }) => return Ok(None),
        Err(e) => return Err(e),
    };
    bytes.get(..head.size_bytes()).map(ottla_record::verify_crc).transpose()
}

/// Decides batch by batch, in order, what a reader of committed records may see (KIP-98): no control
/// batch, and nothing of a transaction between its first offset and the marker that aborts it.
#[derive(Clone, Debug)]
pub struct TxnFilter {
    isolation: Isolation,
    /// By first offset, the next one last.
    upcoming: Vec<AbortedTxn>,
    aborting: HashSet<i64>,
}

impl TxnFilter {
    /// A filter for a reader that begins where `aborted` was asked for.
    pub fn new(isolation: Isolation, aborted: &[AbortedTxn]) -> TxnFilter {
        let mut upcoming = aborted.to_vec();
        upcoming.sort_by_key(|txn| std::cmp::Reverse(txn.first_offset));
        TxnFilter { isolation, upcoming, aborting: HashSet::new() }
    }

    /// Whether the records of this batch may be seen.
    ///
    /// # Errors
    /// Where the batch is a control batch that cannot be read.
    pub fn admits(&mut self, batch: &Decoded<'_>) -> Result<bool, RecordError> {
        let Head::V2(header) = batch.head() else { return Ok(true) };
        let last_offset = batch.head().last_offset();
        while let Some(txn) = self.upcoming.pop_if(|txn| txn.first_offset <= last_offset) {
            self.aborting.insert(txn.producer_id);
        }
        if header.attributes.is_control() {
            self.aborting.remove(&header.producer_id);
            return Ok(false);
        }
        let hidden = header.attributes.is_transactional() && self.aborting.contains(&header.producer_id);
        Ok(self.isolation == Isolation::ReadUncommitted || !hidden)
    }
}
