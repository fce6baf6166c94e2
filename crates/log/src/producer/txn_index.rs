use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::AbortedTxn;
use crate::error::{Corruption, Error, Result};
use crate::fs::{File, FileSystem, OpenMode};
use crate::offset::Offset;
use crate::sync::{Mutex, MutexGuard, PoisonError};

pub(super) const ENTRY_LEN: usize = 34;

const ENTRIES_PER_READ: u64 = 256;

/// The aborted transactions of one segment: the `.txnindex` file (Kafka's `TransactionIndex`).
///
/// An entry stands in the index of the segment that holds the marker; the transaction may have begun in
/// an earlier one. Last offsets grow from entry to entry. The file is made with the first entry, since
/// most segments never see one, and it is derived data: it can be rebuilt from the log.
///
/// One thread appends and truncates; any number of threads read meanwhile.
#[derive(Debug)]
pub struct TxnIndex {
    fs: Arc<dyn FileSystem>,
    path: PathBuf,
    base_offset: Offset,
    published: Mutex<Published>,
}

/// What readers may see. Entries below `entries` are never overwritten.
#[derive(Clone, Debug)]
struct Published {
    /// `None` until the first entry.
    file: Option<Arc<dyn File>>,
    entries: u64,
    last_offset: Option<Offset>,
    /// Whether the file's name would survive a crash.
    name_is_durable: bool,
}

/// What a search in one index found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxnIndexSearch {
    /// The aborted transactions that share offsets with the range, by last offset.
    pub aborted: Vec<AbortedTxn>,
    /// Whether no later segment can hold more of them; else the search goes on in the next segment.
    pub complete: bool,
}

impl TxnIndex {
    /// Opens the index of the segment that begins at `base_offset`; the file need not exist.
    ///
    /// # Errors
    /// Where the system refuses, or the last entry is of an unknown version.
    pub fn open(fs: Arc<dyn FileSystem>, path: PathBuf, base_offset: Offset) -> Result<TxnIndex> {
        let file = match fs.open(&path, OpenMode::ReadWrite) {
            Ok(file) => Some(file),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(Error::io("open", &path, e)),
        };
        TxnIndex::with_file(fs, path, base_offset, file)
    }

    /// As [`TxnIndex::open`], for a log that is only read.
    ///
    /// # Errors
    /// As [`TxnIndex::open`].
    pub fn open_read_only(fs: Arc<dyn FileSystem>, path: PathBuf, base_offset: Offset) -> Result<TxnIndex> {
        let file = match fs.open(&path, OpenMode::Read) {
            Ok(file) => Some(file),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(Error::io("open", &path, e)),
        };
        TxnIndex::with_file(fs, path, base_offset, file)
    }

    /// Keeps of a file that a crash may have harmed the first entries that are whole and in order, and
    /// belong to transactions that end before `offset`.
    ///
    /// # Errors
    /// As the system reports it.
    pub fn keep_whole_before(
        fs: &dyn FileSystem,
        path: &Path,
        base_offset: Offset,
        offset: Offset,
    ) -> Result<()> {
        let fail = |e| Error::io("read", path, e);
        let file = match fs.open(path, OpenMode::ReadWrite) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(Error::io("open", path, e)),
        };
        let len = file.len().map_err(fail)?;
        let (mut kept, mut least) = (0, base_offset);
        let mut bytes = [0; ENTRY_LEN];
        while kept + ENTRY_LEN as u64 <= len {
            file.read_exact_at(&mut bytes, kept).map_err(fail)?;
            match AbortedTxn::decode(&bytes) {
                // Its marker stands behind its first record; zeros, which a crash leaves, say that it is the same.
                Ok(txn)
                    if (least..offset).contains(&txn.last_offset) && txn.first_offset < txn.last_offset =>
                {
                    least = txn.last_offset + 1;
                }
                _ => break,
            }
            kept += ENTRY_LEN as u64;
        }
        if kept < len {
            file.set_len(kept).map_err(|e| Error::io("truncate", path, e))?;
        }
        Ok(())
    }

    fn with_file(
        fs: Arc<dyn FileSystem>,
        path: PathBuf,
        base_offset: Offset,
        file: Option<Arc<dyn File>>,
    ) -> Result<TxnIndex> {
        let len = match &file {
            Some(file) => file.len().map_err(|e| Error::io("read the length of", &path, e))?,
            None => 0,
        };
        let name_is_durable = file.is_some();
        let published =
            Published { file, entries: len / ENTRY_LEN as u64, last_offset: None, name_is_durable };
        let index = TxnIndex { fs, path, base_offset, published: Mutex::new(published) };
        let last_offset = index.last_offset_of(&index.published())?;
        index.lock().last_offset = last_offset;
        Ok(index)
    }

    /// The file, whether it exists yet or not.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of entries.
    pub fn len(&self) -> u64 {
        self.lock().entries
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an entry, and makes the file for the first.
    ///
    /// # Errors
    /// Where the system refuses (the entry is then not there), or the transaction does not end after the last one.
    pub fn append(&self, txn: &AbortedTxn) -> Result<()> {
        let mut next = self.published();
        if let Some(last) = next.last_offset.filter(|last| *last >= txn.last_offset) {
            return Err(self.corrupt(
                next.entries,
                "the transactions are out of order",
                format!("one that ends after offset {last}"),
                format!("one that ends at offset {}", txn.last_offset),
            ));
        }
        let file = match next.file.take() {
            Some(file) => file,
            None => {
                self.fs.open(&self.path, OpenMode::Create).map_err(|e| Error::io("create", &self.path, e))?
            }
        };
        file.write_all_at(&txn.encode(), next.entries * ENTRY_LEN as u64)
            .map_err(|e| Error::io("append to", &self.path, e))?;
        next.file = Some(file);
        next.entries += 1;
        next.last_offset = Some(txn.last_offset);
        *self.lock() = next;
        Ok(())
    }

    /// Makes all entries durable.
    ///
    /// # Errors
    /// As the system reports it.
    pub fn sync(&self) -> Result<()> {
        let published = self.published();
        let Some(file) = &published.file else { return Ok(()) };
        file.sync().map_err(|e| Error::io("sync", &self.path, e))?;
        if !published.name_is_durable {
            let dir = self.path.parent().unwrap_or(Path::new("."));
            self.fs.sync_dir(dir).map_err(|e| Error::io("sync", dir, e))?;
            self.lock().name_is_durable = true;
        }
        Ok(())
    }

    /// All entries.
    ///
    /// # Errors
    /// Where the system refuses, or an entry is of an unknown version.
    pub fn entries(&self) -> Result<Vec<AbortedTxn>> {
        let mut entries = Vec::new();
        self.scan(0, |txn| {
            entries.push(txn);
            true
        })?;
        Ok(entries)
    }

    /// The aborted transactions that share offsets with `fetch_offset..upper_bound`.
    ///
    /// # Errors
    /// As [`TxnIndex::entries`].
    pub fn aborted_between(&self, fetch_offset: Offset, upper_bound: Offset) -> Result<TxnIndexSearch> {
        let mut found = TxnIndexSearch::default();
        if fetch_offset >= upper_bound {
            found.complete = true;
            return Ok(found);
        }
        let first = self.first_that_ends_at(&self.published(), fetch_offset)?;
        self.scan(first, |txn| {
            if txn.first_offset < upper_bound {
                found.aborted.push(txn);
            }
            // Whatever ended later began at that entry's last stable offset or later.
            found.complete = txn.last_stable_offset >= upper_bound;
            !found.complete
        })?;
        Ok(found)
    }

    /// Removes the entries of transactions that end at `offset` or later.
    ///
    /// # Errors
    /// As [`TxnIndex::entries`].
    pub fn truncate_to(&self, offset: Offset) -> Result<()> {
        let mut next = self.published();
        let Some(file) = next.file.clone() else { return Ok(()) };
        next.entries = self.first_that_ends_at(&next, offset)?;
        next.last_offset = self.last_offset_of(&next)?;
        let len = next.entries * ENTRY_LEN as u64;
        *self.lock() = next;
        file.set_len(len).map_err(|e| Error::io("truncate", &self.path, e))
    }

    /// Removes all entries, as before they are written anew from the log. The file stays.
    ///
    /// # Errors
    /// As the system reports it.
    pub fn reset(&self) -> Result<()> {
        let mut next = self.published();
        next.entries = 0;
        next.last_offset = None;
        let file = next.file.clone();
        *self.lock() = next;
        file.map_or(Ok(()), |file| file.set_len(0)).map_err(|e| Error::io("truncate", &self.path, e))
    }

    /// Checks what must hold of every index: whole entries, each of a transaction that ends in this segment
    /// or later, after it began, and after the one before. Kafka checks only where they end.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) where it does not hold: rebuild the index from the log.
    pub fn sanity_check(&self) -> Result<()> {
        let published = self.published();
        let Some(file) = &published.file else { return Ok(()) };
        let len = file.len().map_err(|e| Error::io("read the length of", &self.path, e))?;
        if len != published.entries * ENTRY_LEN as u64 {
            let expected = format!("a multiple of {ENTRY_LEN} bytes");
            return Err(self.corrupt(published.entries, "the last entry is cut", expected, format!("{len}")));
        }
        let mut at = 0;
        let mut least = self.base_offset;
        let mut wrong = None;
        self.scan(0, |txn| {
            let ordered = txn.last_offset >= least
                && txn.first_offset <= txn.last_offset
                && txn.last_stable_offset <= txn.last_offset + 1;
            if !ordered {
                wrong = Some((at, least, txn));
            }
            at += 1;
            least = txn.last_offset + 1;
            ordered
        })?;
        wrong.map_or(Ok(()), |(at, least, txn)| {
            let expected = format!("a transaction that ends at offset {least} or later");
            Err(self.corrupt(at, "the transactions are out of order", expected, format!("{txn:?}")))
        })
    }

    /// Hands the entries from number `first` on to `visit`, until it says no.
    fn scan(&self, first: u64, mut visit: impl FnMut(AbortedTxn) -> bool) -> Result<()> {
        let published = self.published();
        let Some(file) = &published.file else { return Ok(()) };
        let mut at = first;
        let mut bytes = Vec::new();
        while at < published.entries {
            let count = (published.entries - at).min(ENTRIES_PER_READ);
            bytes.resize(count as usize * ENTRY_LEN, 0);
            self.read(file, &mut bytes, at)?;
            for (entry, number) in bytes.as_chunks::<ENTRY_LEN>().0.iter().zip(at..) {
                if !visit(self.decode(entry, number)?) {
                    return Ok(());
                }
            }
            at += count;
        }
        Ok(())
    }

    /// The number of the first entry whose transaction ends at `offset` or later, by binary search.
    fn first_that_ends_at(&self, published: &Published, offset: Offset) -> Result<u64> {
        let (mut low, mut high) = (0, published.entries);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entry(published, middle)?.is_some_and(|txn| txn.last_offset < offset) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn last_offset_of(&self, published: &Published) -> Result<Option<Offset>> {
        let Some(last) = published.entries.checked_sub(1) else { return Ok(None) };
        Ok(self.entry(published, last)?.map(|txn| txn.last_offset))
    }

    fn entry(&self, published: &Published, number: u64) -> Result<Option<AbortedTxn>> {
        let Some(file) = published.file.as_ref().filter(|_| number < published.entries) else {
            return Ok(None);
        };
        let mut bytes = [0; ENTRY_LEN];
        self.read(file, &mut bytes, number)?;
        self.decode(&bytes, number).map(Some)
    }

    fn read(&self, file: &Arc<dyn File>, bytes: &mut [u8], number: u64) -> Result<()> {
        file.read_exact_at(bytes, number * ENTRY_LEN as u64).map_err(|e| Error::io("read", &self.path, e))
    }

    fn decode(&self, bytes: &[u8; ENTRY_LEN], number: u64) -> Result<AbortedTxn> {
        AbortedTxn::decode(bytes).map_err(|version| {
            self.corrupt(number, "unknown version of an entry", "0".to_owned(), version.to_string())
        })
    }

    fn corrupt(&self, number: u64, what: &'static str, expected: String, found: String) -> Error {
        Error::from(Corruption {
            path: self.path.clone(),
            position: Some(number * ENTRY_LEN as u64),
            what,
            expected,
            found,
            advice: "remove the file; it is rebuilt from the log",
        })
    }

    fn published(&self) -> Published {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Published> {
        // Values are replaced whole under the lock, so that one left by a panic is as good as any.
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
