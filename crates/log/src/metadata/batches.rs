use std::path::Path;
use std::sync::Arc;

use ottla_record::{HEAD_PEEK_LEN, Head, RecordError, decode, verify_crc};

use crate::error::{Corruption, Error, Result};
use crate::fs::{File, FileSystem, OpenMode};

/// The largest batch that is read. Kafka's own stay below 8 MiB.
const MAX_BATCH_BYTES: usize = 64 << 20;

/// The batches of one file, one after the other, each checked before it is given out.
#[derive(Debug)]
pub(super) struct Batches<'a> {
    path: &'a Path,
    file: Arc<dyn File>,
    len: u64,
    position: u64,
    batch: Vec<u8>,
}

/// What stands next in the file.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// A whole batch: [`Batches::records`] hands out what it holds.
    Batch(Head),
    /// Nothing: the last batch was the last.
    End,
    /// No whole batch.
    Damage(RecordError),
}

/// One record of a batch of metadata.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawRecord<'a> {
    pub(super) offset: i64,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: &'a [u8],
}

impl<'a> Batches<'a> {
    pub(super) fn open(fs: &dyn FileSystem, path: &'a Path) -> Result<Batches<'a>> {
        let file = fs.open(path, OpenMode::Read).map_err(|e| Error::io("open", path, e))?;
        let len = file.len().map_err(|e| Error::io("read the length of", path, e))?;
        Ok(Batches { path, file, len, position: 0, batch: Vec::new() })
    }

    /// Goes on to the next batch; stays where there is none.
    pub(super) fn advance(&mut self) -> Result<Next> {
        self.position += self.batch.len() as u64;
        self.batch.clear();
        let left = self.len.saturating_sub(self.position);
        if left == 0 {
            return Ok(Next::End);
        }
        let mut prefix = [0; HEAD_PEEK_LEN];
        let peek = usize::try_from(left).map_or(HEAD_PEEK_LEN, |left| left.min(HEAD_PEEK_LEN));
        let prefix = prefix.get_mut(..peek).unwrap_or_default();
        self.read(prefix, self.position)?;
        let size = match Head::parse(prefix) {
            Ok(head) => head.size_bytes(),
            Err(reason) => return Ok(Next::Damage(reason)),
        };
        if size as u64 > left || size > MAX_BATCH_BYTES {
            let found = usize::try_from(left).unwrap_or(usize::MAX);
            return Ok(Next::Damage(RecordError::TooShort { needed: size, found }));
        }
        let mut batch = vec![0; size];
        self.read(&mut batch, self.position)?;
        match verify_crc(&batch) {
            Ok(head) => {
                self.batch = batch;
                Ok(Next::Batch(head))
            }
            Err(reason) => Ok(Next::Damage(reason)),
        }
    }

    /// Whether a whole batch follows the damaged one at which the reader stands, so that not a torn
    /// write is what damaged it.
    pub(super) fn batch_follows_damage(&mut self) -> Result<bool> {
        let left = self.len.saturating_sub(self.position);
        let mut prefix = [0; HEAD_PEEK_LEN];
        if left < HEAD_PEEK_LEN as u64 {
            return Ok(false);
        }
        self.read(&mut prefix, self.position)?;
        let Ok(head) = Head::parse(&prefix) else { return Ok(false) };
        let mut after =
            Batches { file: Arc::clone(&self.file), batch: Vec::new(), position: self.position, ..*self };
        after.position = after.position.saturating_add(head.size_bytes() as u64);
        Ok(matches!(after.advance()?, Next::Batch(_)))
    }

    /// Hands each record of the batch at which the reader stands to `visit`.
    pub(super) fn records(
        &self,
        mut visit: impl FnMut(RawRecord<'_>) -> std::result::Result<(), &'static str>,
    ) -> Result<()> {
        let damaged = |reason: RecordError| self.corrupt("a batch cannot be read", reason.to_string());
        let decoded = decode(&self.batch, MAX_BATCH_BYTES).map_err(damaged)?;
        for record in decoded.records() {
            let record = record.map_err(damaged)?;
            let offset = record.offset.get();
            let value = record.value.unwrap_or_default();
            visit(RawRecord { offset, key: record.key, value }).map_err(|reason| {
                self.corrupt("a metadata record cannot be read", format!("record {offset}: {reason}"))
            })?;
        }
        Ok(())
    }

    /// Says that the file goes wrong where the reader stands.
    pub(super) fn corrupt(&self, what: &'static str, found: String) -> Error {
        corrupt(self.path, self.position, what, found)
    }

    fn read(&self, buf: &mut [u8], position: u64) -> Result<()> {
        self.file.read_exact_at(buf, position).map_err(|e| Error::io("read", self.path, e))
    }
}

pub(super) fn corrupt(path: &Path, position: u64, what: &'static str, found: String) -> Error {
    Error::from(Corruption {
        path: path.to_path_buf(),
        position: Some(position),
        what,
        expected: "what Kafka 4.3 writes".to_owned(),
        found,
        advice: "start Apache Kafka on the directory to see whether it can read it, or restore the file",
    })
}
