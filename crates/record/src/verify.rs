use crate::checksum::Running;
use crate::head::first_bytes;
use crate::{BatchHeader, Head, RecordError, checksum, header, legacy};

/// Checks that `batch` is one whole stored batch or legacy message: that its length, counts and checksum
/// are those of its bytes. The records are not read and nothing is decompressed.
///
/// Stored batches may hold fewer records than their offsets span, even none: compaction leaves such.
///
/// ```
/// use ottla_record::{BatchBuilder, RecordError, verify_crc};
/// let mut builder = BatchBuilder::new();
/// builder.push(0, None, Some(b"whole"), &[])?;
/// let mut batch = builder.build()?;
/// assert!(verify_crc(&batch).is_ok());
/// *batch.last_mut().unwrap() ^= 1;
/// assert!(matches!(verify_crc(&batch), Err(RecordError::CrcMismatch { .. })));
/// # Ok::<(), RecordError>(())
/// ```
///
/// # Errors
/// What [`Head::parse`] says; [`RecordError::TooShort`] and [`RecordError::TrailingBytes`] where the bytes
/// are not exactly as many as the head says; [`RecordError::CountMismatch`]; [`RecordError::CrcMismatch`].
pub fn verify_crc(batch: &[u8]) -> Result<Head, RecordError> {
    let head = Head::parse(batch)?;
    verify_size(batch.len(), head.size_bytes())?;
    match &head {
        Head::V2(header) => {
            verify_counts(header)?;
            verify_checksum(header, batch)?;
        }
        Head::Legacy(header) => legacy::verify_checksum(header, batch)?,
    }
    Ok(head)
}

/// [`verify_crc`] of a batch that is not in memory as a whole: its bytes come in pieces.
///
/// ```
/// use ottla_record::{BatchBuilder, BatchChecksum, HEAD_PEEK_LEN, verify_crc};
/// let mut builder = BatchBuilder::new();
/// builder.push(0, None, Some(&[7; 10_000]), &[])?;
/// let batch = builder.build()?;
/// let (head, rest) = batch.split_at(HEAD_PEEK_LEN);
/// let mut checksum = BatchChecksum::start(head)?;
/// for piece in rest.chunks(4096) {
///     checksum.update(piece);
/// }
/// assert_eq!(checksum.finish(), verify_crc(&batch));
/// # Ok::<(), ottla_record::RecordError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BatchChecksum {
    head: Head,
    taken_bytes: usize,
    running: Running,
}

impl BatchChecksum {
    /// Begins with the first bytes, which hold the head.
    ///
    /// # Errors
    /// What [`Head::parse`] says, and [`RecordError::CountMismatch`].
    pub fn start(first: &[u8]) -> Result<BatchChecksum, RecordError> {
        let head = Head::parse(first)?;
        let (mut running, covered_from) = match &head {
            Head::V2(header) => {
                verify_counts(header)?;
                (Running::crc32c(), header::ATTRIBUTES)
            }
            Head::Legacy(_) => (Running::crc32(), legacy::CRC_COVERS_FROM),
        };
        running.update(first.get(covered_from..).unwrap_or_default());
        Ok(BatchChecksum { head, taken_bytes: first.len(), running })
    }

    /// The head, which is not yet known to be right.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Goes on with the next bytes.
    pub fn update(&mut self, piece: &[u8]) {
        self.taken_bytes = self.taken_bytes.saturating_add(piece.len());
        self.running.update(piece);
    }

    /// Says whether all the bytes together are the batch.
    ///
    /// # Errors
    /// [`RecordError::TooShort`] and [`RecordError::TrailingBytes`] where they are not exactly as many as the
    /// head says; [`RecordError::CrcMismatch`].
    pub fn finish(self) -> Result<Head, RecordError> {
        verify_size(self.taken_bytes, self.head.size_bytes())?;
        let stored = match &self.head {
            Head::V2(header) => header.crc,
            Head::Legacy(header) => header.crc,
        };
        match self.running.finish() {
            computed if computed == stored => Ok(self.head),
            computed => Err(RecordError::CrcMismatch { stored, computed }),
        }
    }
}

/// Refuses a batch of other than the bytes that its head says.
pub(crate) fn verify_size(found: usize, needed: usize) -> Result<(), RecordError> {
    match found.checked_sub(needed) {
        None => Err(RecordError::TooShort { needed, found }),
        Some(0) => Ok(()),
        Some(count) => Err(RecordError::TrailingBytes { count }),
    }
}

fn verify_counts(header: &BatchHeader) -> Result<(), RecordError> {
    let BatchHeader { record_count, last_offset_delta, .. } = *header;
    if record_count < 0 || last_offset_delta < 0 || record_count.saturating_sub(1) > last_offset_delta {
        return Err(RecordError::CountMismatch { record_count, last_offset_delta });
    }
    Ok(())
}

/// Compares the stored CRC with that of the bytes of one whole batch of magic 2.
pub(crate) fn verify_checksum(header: &BatchHeader, batch: &[u8]) -> Result<(), RecordError> {
    let covered = batch.get(header::ATTRIBUTES..).unwrap_or_default();
    let computed = checksum::crc32c(covered);
    if computed != header.crc {
        return Err(RecordError::CrcMismatch { stored: header.crc, computed });
    }
    Ok(())
}

/// One whole batch of magic 2 in its two parts. The caller has compared sizes.
pub(crate) fn split(batch: &[u8]) -> Result<(&[u8; BatchHeader::LEN], &[u8]), RecordError> {
    first_bytes::<{ BatchHeader::LEN }>(batch)
        .map(|header| (header, batch.get(BatchHeader::LEN..).unwrap_or_default()))
}
