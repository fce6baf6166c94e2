//! From a stored batch or message to its records.

use std::borrow::Cow;
use std::ops::Range;

use crate::compression::decompress;
use crate::header::sequence_at;
use crate::legacy::{LegacyMessage, MessageSet, Messages};
use crate::record::RawRecord;
use crate::verify::{split, verify_size};
use crate::{
    BatchHeader, Compression, Head, Headers, LegacyHeader, Magic, Offset, Record, RecordError, TimestampType,
};

/// Opens one whole stored batch or message, of any magic, for reading its records. What is not compressed
/// is borrowed. The checksum is not looked at: [`verify_crc`](crate::verify_crc) does that.
///
/// ```
/// use ottla_record::{BatchBuilder, Compression, decode};
/// let mut builder = BatchBuilder::new().compression(Compression::None);
/// builder.push(10, Some(b"k"), None, &[])?;
/// let batch = builder.build()?;
/// let decoded = decode(&batch, 1 << 20)?;
/// let records: Vec<_> = decoded.records().collect::<Result<_, _>>()?;
/// assert_eq!((records[0].key, records[0].value), (Some(&b"k"[..]), None));
/// # Ok::<(), ottla_record::RecordError>(())
/// ```
///
/// # Memory
/// What is decompressed takes at most `max_decompressed_bytes` and 128 KiB, and while it grows its old bytes
/// are there too. Beside it stands the codec's own state, as with [`check`](crate::check).
///
/// # Errors
/// What [`Head::parse`] says, a size other than the head's, and whatever stands in the way of
/// decompression. Damage to a single record is reported by [`Decoded::records`].
pub fn decode(batch: &[u8], max_decompressed_bytes: usize) -> Result<Decoded<'_>, RecordError> {
    let head = Head::parse(batch)?;
    verify_size(batch.len(), head.size_bytes())?;
    let content = match head {
        Head::V2(header) => open_batch(header, batch, max_decompressed_bytes)?,
        Head::Legacy(header) => open_message(header, batch, max_decompressed_bytes)?,
    };
    Ok(Decoded { head, content })
}

fn open_batch(header: BatchHeader, batch: &[u8], limit: usize) -> Result<Content<'_>, RecordError> {
    let (_, payload) = split(batch)?;
    let records = match header.attributes.compression()? {
        Compression::None => Cow::Borrowed(payload),
        // The cleaner leaves a batch without records as a header alone.
        _ if header.record_count == 0 && payload.is_empty() => Cow::Borrowed(payload),
        compression => Cow::Owned(decompress(compression, Magic::V2, payload, limit)?),
    };
    Ok(Content::Batch { header, records })
}

fn open_message(header: LegacyHeader, bytes: &[u8], limit: usize) -> Result<Content<'_>, RecordError> {
    let message = LegacyMessage::read(header, bytes)?;
    match header.attributes.compression()? {
        Compression::None => Ok(Content::Message(message)),
        compression => {
            let payload = message.value.ok_or(RecordError::EmptyMessageSet)?;
            let set = decompress(compression, header.magic, payload, limit)?;
            MessageSet::new(&header, set).map(Content::Set)
        }
    }
}

/// An opened batch or message.
#[derive(Clone, Debug)]
pub struct Decoded<'a> {
    head: Head,
    content: Content<'a>,
}

#[derive(Clone, Debug)]
enum Content<'a> {
    Batch { header: BatchHeader, records: Cow<'a, [u8]> },
    Message(LegacyMessage<'a>),
    Set(MessageSet),
}

impl Decoded<'_> {
    /// Its head.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What the timestamps of the records mean; `None` in magic 0, which has none.
    pub fn timestamp_type(&self) -> Option<TimestampType> {
        self.head.timestamp_type()
    }

    /// The bytes of the records of a batch of magic 2, decompressed.
    pub(crate) fn raw_records(&self) -> &[u8] {
        match &self.content {
            Content::Batch { records, .. } => records,
            Content::Message(_) | Content::Set(_) => &[],
        }
    }

    /// The records of a batch of magic 2.
    pub(crate) fn batch_records(&self) -> Option<BatchRecords<'_>> {
        match &self.content {
            Content::Batch { header, records } => Some(BatchRecords::new(header, records)),
            Content::Message(_) | Content::Set(_) => None,
        }
    }

    /// The records in their order. An error is the last item.
    pub fn records(&self) -> Records<'_> {
        Records(match &self.content {
            Content::Batch { header, records } => State::Batch(BatchRecords::new(header, records)),
            Content::Message(message) => State::Message(Some(*message)),
            Content::Set(set) => State::Set(set.messages()),
        })
    }

    /// Reads every record as [`Decoded::records`] does, and shows only its offset and timestamp: for those who
    /// want to know that all can be read, in less time.
    ///
    /// ```
    /// use ottla_record::{BatchBuilder, RecordError, decode};
    /// let mut builder = BatchBuilder::new();
    /// builder.push(70, None, Some(b"a"), &[])?;
    /// builder.push(71, None, Some(b"b"), &[])?;
    /// let batch = builder.build()?;
    /// let mut seen = Vec::new();
    /// let looked = decode(&batch, 1 << 20)?.for_each_stamp(|offset, timestamp_ms| {
    ///     seen.push((offset.get(), timestamp_ms));
    ///     Ok::<(), ()>(())
    /// })?;
    /// assert_eq!((looked, seen), (Ok(()), vec![(0, 70), (1, 71)]));
    /// # Ok::<(), RecordError>(())
    /// ```
    ///
    /// # Errors
    /// What [`Decoded::records`] yields as an error; inside, the first that `look` returns.
    #[inline]
    pub fn for_each_stamp<E>(
        &self,
        mut look: impl FnMut(Offset, i64) -> Result<(), E>,
    ) -> Result<Result<(), E>, RecordError> {
        let Content::Batch { header, records } = &self.content else {
            for record in self.records() {
                let record = record?;
                if let Err(found) = look(record.offset, record.timestamp_ms) {
                    return Ok(Err(found));
                }
            }
            return Ok(Ok(()));
        };
        let mut records = BatchRecords::new(header, records);
        for read in 0..header.record_count {
            let raw = records.read_raw(read)?;
            let (offset, timestamp_ms) = records.offset_and_time(raw.offset_delta, raw.timestamp_delta_ms);
            if let Err(found) = look(offset, timestamp_ms) {
                return Ok(Err(found));
            }
        }
        records.finish().map(Ok)
    }
}

/// The records of a batch or message; see [`Decoded::records`].
#[derive(Clone, Debug)]
pub struct Records<'a>(State<'a>);

#[derive(Clone, Debug)]
enum State<'a> {
    Batch(BatchRecords<'a>),
    Message(Option<LegacyMessage<'a>>),
    Set(Messages<'a>),
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            State::Batch(records) => records.next(),
            State::Message(message) => message.take().map(|message| Ok(of_message(message))),
            State::Set(messages) => messages.next().map(|message| message.map(of_message)),
        }
    }
}

impl std::iter::FusedIterator for Records<'_> {}

fn of_message(message: LegacyMessage<'_>) -> Record<'_> {
    Record {
        offset: message.header.offset,
        timestamp_ms: message.header.timestamp_ms,
        sequence: None,
        key: message.key,
        value: message.value,
        headers: Headers::default(),
    }
}

#[derive(Clone, Debug)]
pub(crate) struct BatchRecords<'a> {
    header: BatchHeader,
    left: &'a [u8],
    /// Records that were read; `None` once the end or an error was given out.
    read: Option<i32>,
}

impl<'a> BatchRecords<'a> {
    fn new(header: &BatchHeader, records: &'a [u8]) -> BatchRecords<'a> {
        BatchRecords { header: *header, left: records, read: Some(0) }
    }

    fn next(&mut self) -> Option<Result<Record<'a>, RecordError>> {
        let read = self.read.take()?;
        if read >= self.header.record_count {
            return self.finish().err().map(Err);
        }
        let record = self.read_next(read);
        if record.is_ok() {
            self.read = Some(read + 1);
        }
        Some(record)
    }

    #[inline(always)]
    fn read_next(&mut self, read: i32) -> Result<Record<'a>, RecordError> {
        let raw = self.read_raw(read)?;
        Ok(self.based(raw))
    }

    #[inline(always)]
    pub(crate) fn read_raw(&mut self, read: i32) -> Result<RawRecord<'a>, RecordError> {
        if self.left.is_empty() {
            return Err(RecordError::RecordsMissing { record_count: self.header.record_count, found: read });
        }
        RawRecord::take(&mut self.left)
    }

    /// Shows every record with its place among the bytes of all.
    #[inline]
    pub(crate) fn for_each_placed(
        mut self,
        mut look: impl FnMut(Range<usize>, &Record<'a>),
    ) -> Result<(), RecordError> {
        let all_bytes = self.left.len();
        let mut start = 0;
        for read in 0..self.header.record_count {
            let record = self.read_next(read)?;
            let end = all_bytes - self.left.len();
            look(start..end, &record);
            start = end;
        }
        self.finish()
    }

    /// Refuses bytes behind the last record.
    pub(crate) fn finish(&self) -> Result<(), RecordError> {
        match self.left.len() {
            0 => Ok(()),
            count => Err(RecordError::TrailingBytes { count }),
        }
    }

    /// Adds the bases of the batch to the distances of the record. Sums wrap as they do in Kafka.
    #[inline(always)]
    fn offset_and_time(&self, offset_delta: i32, timestamp_delta_ms: i64) -> (Offset, i64) {
        let header = &self.header;
        let timestamp_ms = match header.attributes.timestamp_type() {
            TimestampType::CreateTime => header.base_timestamp_ms.wrapping_add(timestamp_delta_ms),
            TimestampType::LogAppendTime => header.max_timestamp_ms,
        };
        (header.base_offset + i64::from(offset_delta), timestamp_ms)
    }

    fn based(&self, raw: RawRecord<'a>) -> Record<'a> {
        let header = &self.header;
        let (offset, timestamp_ms) = self.offset_and_time(raw.offset_delta, raw.timestamp_delta_ms);
        let sequence = sequence_at(header.base_sequence, raw.offset_delta);
        Record {
            offset,
            timestamp_ms,
            sequence: (sequence >= 0).then_some(sequence),
            key: raw.key,
            value: raw.value,
            headers: raw.headers,
        }
    }
}
