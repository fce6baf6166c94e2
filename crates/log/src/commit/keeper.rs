//! What it takes to keep the promises of one log.

use std::borrow::Borrow;
use std::sync::Arc;

use super::asked::Asked;
use super::promises::Promises;
use super::round::Commit;
use crate::shared::Shared;

/// The log's half of a [`Durability`](crate::Durability): syncs it, and knows who waits.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub shared: Arc<Shared>,
    pub commit: Commit,
    /// Those who are called once what they appended is on disk.
    pub promises: Promises,
    /// Where the log asks for a sync.
    asked: Arc<Asked<Keeper>>,
}

impl Keeper {
    pub(crate) fn new(shared: Arc<Shared>, commit: Commit, asked: Arc<Asked<Keeper>>) -> Keeper {
        Keeper { shared, commit, promises: Promises::default(), asked }
    }

    /// Has a committer sync the log, in one of its next rounds.
    pub(crate) fn ask_for_sync(self: &Arc<Self>) {
        if self.promises.must_ask() {
            self.asked.ask(self);
        }
    }

    /// Where several logs are to be synced, has the disk begin with all of them.
    pub(crate) fn begin_together<K: Borrow<Arc<Keeper>>>(logs: &[K]) {
        if logs.len() > 1 {
            logs.iter().map(Borrow::borrow).for_each(|log| log.commit.begin(&log.shared));
        }
    }

    /// Where this log asks, and the others of its store do.
    pub(crate) fn asked(&self) -> Arc<Asked<Keeper>> {
        self.asked.clone()
    }
}
