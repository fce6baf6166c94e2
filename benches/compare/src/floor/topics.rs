//! Topics of one partition each: a file, and its end.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ottla_record::Head;

pub struct Topics {
    dir: PathBuf,
    by_name: Mutex<HashMap<String, Arc<Topic>>>,
}

impl Topics {
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), by_name: Mutex::default() }
    }

    pub fn create(&self, name: &str) -> Result<()> {
        let path = self.file_of(name);
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path);
        let file = file.with_context(|| path.display().to_string())?;
        let topic = Topic { name: name.to_owned(), file, end: Mutex::default(), grown: Condvar::new() };
        lock(&self.by_name).insert(name.to_owned(), Arc::new(topic));
        Ok(())
    }

    /// Forgets the topic and removes its file; whoever still reads it keeps the bytes.
    pub fn delete(&self, name: &str) -> Result<()> {
        lock(&self.by_name).remove(name);
        Ok(std::fs::remove_file(self.file_of(name))?)
    }

    pub fn get(&self, name: &str) -> Option<Arc<Topic>> {
        lock(&self.by_name).get(name).cloned()
    }

    fn file_of(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.log"))
    }
}

pub struct Topic {
    pub name: String,
    pub file: File,
    end: Mutex<End>,
    grown: Condvar,
}

#[derive(Debug, Clone, Copy, Default)]
struct End {
    batches: u64,
    batch_bytes: u64,
    records_a_batch: i64,
    /// Fetches that wait for `grown`: nobody is woken while there are none.
    waiting: usize,
}

impl End {
    fn offset(&self) -> i64 {
        self.batches as i64 * self.records_a_batch
    }

    fn position(&self) -> u64 {
        self.batches * self.batch_bytes
    }

    fn position_of(&self, offset: i64) -> Option<u64> {
        if self.records_a_batch == 0 {
            return (offset == 0).then_some(0);
        }
        let batch = u64::try_from(offset / self.records_a_batch).ok()?;
        (batch <= self.batches).then_some(batch * self.batch_bytes)
    }
}

/// What a fetch may send: a range of the file, and the log's end.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    pub position: u64,
    pub len: usize,
    pub end_offset: i64,
}

impl Topic {
    /// Gives the batch its base offset in place, writes it behind the last one, and returns the offset.
    pub fn append(&self, batch: &mut [u8], head: Head) -> Result<i64> {
        let record_count = head.last_offset() - head.base_offset() + 1;
        let mut end = lock(&self.end);
        if end.batches == 0 {
            end.batch_bytes = batch.len() as u64;
            end.records_a_batch = record_count;
        }
        let uniform = end.batch_bytes == batch.len() as u64 && end.records_a_batch == record_count;
        ensure!(uniform, "the floor takes batches of one size a topic");
        let base_offset = end.offset();
        batch[..8].copy_from_slice(&base_offset.to_be_bytes());
        self.file.write_all_at(batch, end.position())?;
        end.batches += 1;
        if end.waiting > 0 {
            self.grown.notify_all();
        }
        Ok(base_offset)
    }

    pub fn end_offset(&self) -> i64 {
        lock(&self.end).offset()
    }

    /// The bytes from `offset` on, at most `max_bytes`; at the end it waits. `None` for an offset that is not there.
    pub fn range(&self, offset: i64, max_bytes: usize, max_wait: Duration) -> Option<Range> {
        let mut end = lock(&self.end);
        if offset == end.offset() && !max_wait.is_zero() {
            end.waiting += 1;
            let still_there = |end: &mut End| end.offset() == offset;
            let waited = self.grown.wait_timeout_while(end, max_wait, still_there);
            end = waited.unwrap_or_else(PoisonError::into_inner).0;
            end.waiting -= 1;
        }
        let position = end.position_of(offset)?;
        let len = (end.position() - position).min(max_bytes as u64) as usize;
        Some(Range { position, len, end_offset: end.offset() })
    }
}

/// A thread that panicked inside holds no half-made change: each is made after the write it stands for.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
