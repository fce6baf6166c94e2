use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use crate::dir::{FileKind, FileName};
use crate::fs::FileSystem;
use crate::offset::Offset;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// Where the segments of one log live, and what they share.
#[derive(Debug)]
pub(crate) struct Home {
    pub fs: Arc<dyn FileSystem>,
    pub dir: PathBuf,
    pub handles: Arc<HandleCache>,
}

impl Home {
    /// The path of one of a segment's files.
    pub(crate) fn path(&self, base_offset: Offset, kind: FileKind) -> PathBuf {
        self.dir.join(FileName::new(base_offset, kind).to_string())
    }
}

/// Keeps the number of open segment files bounded, over all logs that share it. One file more than
/// `capacity` closes others, those first that were not used since they were last looked at (the clock
/// algorithm). Readers in flight keep what they hold.
#[derive(Debug)]
pub struct HandleCache {
    capacity: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    holders: VecDeque<Holder>,
    files: usize,
}

#[derive(Debug)]
struct Holder {
    who: Weak<dyn Handles>,
    files: usize,
}

/// What opens files when it needs them and can do without them.
pub(crate) trait Handles: Send + Sync + std::fmt::Debug {
    /// Lets go of the files; readers in flight keep theirs. Tells whether it did: one that is busy may keep
    /// them for now. Never waits for a lock that is held while files are opened.
    fn close_handles(&self) -> bool;

    /// Whether the files were used since this was last asked.
    fn take_used(&self) -> bool;
}

impl HandleCache {
    /// A cache for this many open files, at least one.
    pub fn new(capacity: usize) -> HandleCache {
        HandleCache { capacity: capacity.max(1), open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that files have just been opened, and closes as many others as are too many now.
    pub(crate) fn opened(&self, who: Weak<dyn Handles>, files: usize) {
        let surplus = {
            let mut open = self.open();
            open.add(Holder { who, files });
            open.take_surplus(self.capacity)
        };
        // Outside the lock: closing may write.
        for (handles, holder) in surplus {
            if !handles.close_handles() {
                self.open().add(holder);
            }
        }
    }
}

impl Open {
    fn add(&mut self, holder: Holder) {
        self.files += holder.files;
        self.holders.push_back(holder);
    }

    /// Takes out holders until no more than `capacity` files are left. Twice around at most: on the second
    /// time none looks used.
    fn take_surplus(&mut self, capacity: usize) -> Vec<(Arc<dyn Handles>, Holder)> {
        let mut surplus = Vec::new();
        for _ in 0..2 * self.holders.len() {
            if self.files <= capacity {
                break;
            }
            let Some(holder) = self.holders.pop_front() else { break };
            match holder.who.upgrade() {
                Some(handles) if handles.take_used() => self.holders.push_back(holder),
                Some(handles) => {
                    self.files -= holder.files;
                    surplus.push((handles, holder));
                }
                None => self.files -= holder.files,
            }
        }
        surplus
    }
}

impl Default for HandleCache {
    fn default() -> Self {
        HandleCache::new(512)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct Files {
        used: AtomicBool,
        busy: AtomicBool,
        closed: AtomicUsize,
    }

    impl Handles for Files {
        fn close_handles(&self) -> bool {
            let busy = self.busy.load(Ordering::Relaxed);
            self.closed.fetch_add(usize::from(!busy), Ordering::Relaxed);
            !busy
        }

        fn take_used(&self) -> bool {
            self.used.swap(false, Ordering::Relaxed)
        }
    }

    fn open(cache: &HandleCache, files: usize) -> Arc<Files> {
        let holder = Arc::new(Files::default());
        let weak = Arc::downgrade(&holder);
        cache.opened(weak, files);
        holder
    }

    fn closed(holders: &[&Arc<Files>]) -> Vec<usize> {
        holders.iter().map(|holder| holder.closed.load(Ordering::Relaxed)).collect()
    }

    #[test]
    fn what_was_opened_first_is_closed_first() {
        let cache = HandleCache::new(4);
        let (first, second, third) = (open(&cache, 2), open(&cache, 2), open(&cache, 1));
        assert_eq!(closed(&[&first, &second, &third]), [1, 0, 0]);
    }

    #[test]
    fn what_is_in_use_gets_a_second_chance() {
        let cache = HandleCache::new(2);
        let (first, second) = (open(&cache, 1), open(&cache, 1));
        first.used.store(true, Ordering::Relaxed);
        let third = open(&cache, 1);
        assert_eq!(closed(&[&first, &second, &third]), [0, 1, 0]);
    }

    #[test]
    fn where_all_are_in_use_one_is_closed_all_the_same() {
        let cache = HandleCache::new(2);
        let (first, second) = (open(&cache, 1), open(&cache, 1));
        first.used.store(true, Ordering::Relaxed);
        second.used.store(true, Ordering::Relaxed);
        let third = open(&cache, 1);
        assert_eq!(closed(&[&first, &second, &third]).iter().sum::<usize>(), 1);
    }

    #[test]
    fn one_that_is_busy_is_asked_again() {
        let cache = HandleCache::new(1);
        let first = open(&cache, 1);
        first.busy.store(true, Ordering::Relaxed);
        let second = open(&cache, 1);
        assert_eq!(closed(&[&first, &second]), [0, 0]);
        first.busy.store(false, Ordering::Relaxed);
        let third = open(&cache, 1);
        assert_eq!(closed(&[&first, &second, &third]), [1, 1, 0]);
    }

    #[test]
    fn what_is_gone_counts_no_more() {
        let cache = HandleCache::new(2);
        drop(open(&cache, 2));
        let (second, third) = (open(&cache, 1), open(&cache, 1));
        assert_eq!(closed(&[&second, &third]), [0, 0]);
    }
}
