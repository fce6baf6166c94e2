//! All syncs that the workloads make and that make anything durable, and what is known of each.

/// What becomes of an engine without a sync.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// This workload shows what it loses.
    Noticed(&'static str),
    /// Nobody notices, and nobody can: why.
    Covered(&'static str),
    /// Nobody notices, and there may be a workload that would: what is supposed.
    Open(&'static str),
}

impl Fate {
    pub(crate) fn noticed_by(self) -> Option<&'static str> {
        match self {
            Noticed(by) => Some(by),
            Covered(_) | Open(_) => None,
        }
    }

    /// Why nobody notices.
    pub(crate) fn reason(self) -> Option<&'static str> {
        match self {
            Noticed(_) => None,
            Covered(why) | Open(why) => Some(why),
        }
    }
}

use Fate::{Covered, Noticed, Open};

/// What is known of a sync, by its whole name or by how it begins.
pub(crate) fn fate_of(sync: &str) -> Option<Fate> {
    let whole = SYNCS.iter().find(|(name, _)| *name == sync);
    whole.or_else(|| SYNCS.iter().find(|(name, _)| speaks_of(name, sync))).map(|(_, fate)| *fate)
}

/// Whether a line of the table speaks of this sync.
pub(crate) fn speaks_of(name: &str, sync: &str) -> bool {
    name == sync || name.strip_suffix('…').is_some_and(|beginning| sync.starts_with(beginning))
}

const FLUSHING: &str = "flushing, and what it writes into the checkpoint";
const A_PASS: &str = "a pass of the cleaner, with its swaps";
const SEVERAL_PASSES: &str = "the cleaner's checkpoint, over several passes";
const OF_PRODUCERS: &str = "DeleteRecords of the records of producers";

/// By the names that [`sync_name`](crate::sync_name::sync_name) gives; `…` stands for any end.
pub(crate) static SYNCS: &[(&str, Fate)] = &[
    ("*.cut after a write", Noticed("the first producers of a log that was closed empty")),
    ("*.index after a write", Noticed(FLUSHING)),
    ("*.index.cleaned after a write", Noticed(A_PASS)),
    (
        "*.index.rebuilt after a write",
        Open("an entry that the log does not bear out is passed over, and the index built anew"),
    ),
    ("*.log after a cut", Noticed("transactions that are cut")),
    ("*.log after a write", Noticed("appending large batches")),
    ("*.log.cleaned after a write", Noticed(A_PASS)),
    ("*.log.rebuilt after a write", Noticed("opening after a failed sync")),
    ("*.snapshot after a write", Noticed(OF_PRODUCERS)),
    ("*.snapshot.tmp after a write", Noticed(OF_PRODUCERS)),
    ("*.timeindex after a write", Noticed(FLUSHING)),
    ("*.timeindex.cleaned after a write", Noticed(A_PASS)),
    ("*.timeindex.rebuilt after a write", Noticed("transactions that commit and abort")),
    ("*.txnindex after a write", Noticed("transactions that commit and abort")),
    (
        "*.txnindex.cleaned after a write",
        Open("a pass keeps no aborted record that its index would have to tell"),
    ),
    (".kafka_cleanshutdown after a write", Covered("the mark counts whatever it says")),
    ("bootstrap.checkpoint after a write", Noticed("creating topics")),
    (
        "cleaner-offset-checkpoint after a write",
        Covered("one that cannot be read says that nothing is compacted, and the next pass reads all"),
    ),
    ("leader-epoch-checkpoint after a write", Noticed("cutting the end")),
    ("log-start-offset-checkpoint after a write", Noticed("DeleteRecords")),
    ("meta.properties after a write", Noticed("creating topics")),
    ("partition.metadata after a write", Noticed("creating topics")),
    ("recovery-point-offset-checkpoint after a write", Noticed("DeleteRecords")),
    ("replication-offset-checkpoint after a write", Noticed("DeleteRecords")),
    ("topic-being-deleted after a write", Noticed("deleting a topic")),
    ("/ after the making of the data directory", Noticed("creating topics")),
    ("a partition after a rename to *.cut", Noticed("waiting for the disk, several appends at once")),
    ("a partition after a rename to *.index", Covered("opening gives a `.swap` index its name again")),
    (
        "a partition after a rename to *.log",
        Covered("an index that has its name before its log is built anew"),
    ),
    ("a partition after a rename to *.snapshot", Noticed(OF_PRODUCERS)),
    ("a partition after a rename to *.snapshot.deleted", Noticed("retention of some segments")),
    (
        "a partition after a rename to *.timeindex",
        Covered("an index that is back as it was is built anew again, or the segment is read again"),
    ),
    ("a partition after a rename to *.timeindex.deleted", Noticed("cutting everything")),
    ("a partition after a rename to *.timeindex.swap", Noticed(SEVERAL_PASSES)),
    ("a partition after a rename to *.txnindex", Covered("opening gives a `.swap` index its name again")),
    ("a partition after a rename to *.txnindex.deleted", Open("only of a segment that takes its own place")),
    ("a partition after a rename to *.txnindex.swap", Open("only of a segment that takes its own place")),
    (
        "a partition after a rename to leader-epoch-checkpoint",
        Noticed("appends that wait for the disk by themselves"),
    ),
    ("a partition after a rename to partition.metadata", Noticed("creating topics")),
    ("a partition after the making of *.cut", Noticed("appends that wait for the disk by themselves")),
    ("a partition after the making of *.snapshot", Noticed("appending large batches")),
    (
        "a partition after the making of *.timeindex",
        Covered(
            "before the first record the leader epochs are written there too, and the directory is synced",
        ),
    ),
    (
        "a partition after the making of *.timeindex.cleaned",
        Covered("a rename carries a file whose name was not durable; indexes that are lost are built anew"),
    ),
    ("a partition after the making of *.txnindex", Noticed("transactions that commit and abort")),
    (
        "a partition after the making of *.txnindex.cleaned",
        Covered(
            "a rename carries a file whose name was not durable; a lost index is written from the markers",
        ),
    ),
    ("a partition after the removal of *.log", Noticed(SEVERAL_PASSES)),
    ("a partition after the removal of *.timeindex", Noticed(SEVERAL_PASSES)),
    ("a partition after the removal of …", Covered("what was removed may be back, and is removed again")),
    ("the data directory after a rename to .kafka_cleanshutdown", Noticed("epochs of other leaders")),
    ("the data directory after a rename to a deleted partition", Noticed("creating topics")),
    ("the data directory after a rename to bootstrap.checkpoint", Noticed("creating topics")),
    (
        "the data directory after a rename to cleaner-offset-checkpoint",
        Open("an older mark costs the next pass work; no workload cuts a compacted log"),
    ),
    ("the data directory after a rename to log-start-offset-checkpoint", Noticed("DeleteRecords")),
    (
        "the data directory after a rename to meta.properties",
        Covered("the directory is synced again before it names a topic; one without any may get another id"),
    ),
    ("the data directory after a rename to recovery-point-offset-checkpoint", Noticed("cutting the end")),
    (
        "the data directory after a rename to replication-offset-checkpoint",
        Covered("the end of the log is its high watermark; the file is Kafka's"),
    ),
    ("the data directory after a rename to topic-being-deleted", Noticed("deleting a topic")),
    ("the data directory after the making of .lock", Noticed("creating topics")),
    (
        "the data directory after the making of a partition",
        Covered("what names it is written to the same directory, and synced, before anybody is told"),
    ),
    (
        "the data directory after the removal of .kafka_cleanshutdown",
        Noticed("idempotent producers and their snapshots"),
    ),
];
