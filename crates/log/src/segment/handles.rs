use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::dir::{FileKind, FileName};
use crate::fs::FileSystem;
use crate::offset::Offset;

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

/// Keeps the number of open sealed segments bounded, over all logs that share it: opening one more than
/// `capacity` closes the one that was opened first. Readers in flight keep what they hold.
#[derive(Debug)]
pub struct HandleCache {
    capacity: usize,
    opened: Mutex<VecDeque<Weak<dyn Handles>>>,
}

/// What opens files when it needs them and can do without them.
pub(crate) trait Handles: Send + Sync + std::fmt::Debug {
    /// Lets go of the files. Readers in flight keep theirs.
    fn close_handles(&self);
}

impl HandleCache {
    /// A cache for this many open segments, at least one.
    pub fn new(capacity: usize) -> HandleCache {
        HandleCache { capacity: capacity.max(1), opened: Mutex::new(VecDeque::new()) }
    }

    /// Notes that a sealed segment has just been opened.
    pub(crate) fn opened(&self, segment: Weak<dyn Handles>) {
        let surplus = {
            let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            opened.push_back(segment);
            if opened.len() > self.capacity { opened.pop_front() } else { None }
        };
        if let Some(oldest) = surplus.and_then(|weak| weak.upgrade()) {
            oldest.close_handles();
        }
    }
}

impl Default for HandleCache {
    fn default() -> Self {
        HandleCache::new(512)
    }
}
