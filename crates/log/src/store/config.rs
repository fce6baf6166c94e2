use crate::config::{Environment, LogConfig};
use crate::fs::open_files_limit;

/// What a store is opened with.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The settings of topics where they set nothing of their own.
    pub defaults: LogConfig,
    /// The node id that a new data directory gets; one that exists keeps its own.
    pub node_id: i32,
    /// How many files of segments may be open at once, over all topics. A log that nothing is appended to
    /// gives its files up first, and opens them again when it is used. Readers in flight keep theirs, and
    /// so may logs that are all written to at the same moment, so leave some room below the limit of the
    /// process. Half of that limit unless told otherwise, and at most 16,384. A store in which more logs are
    /// written to by turns than have room here syncs and closes one to write to the next.
    pub open_files: usize,
    /// Where the files are and what time it is.
    pub environment: Environment,
}

impl Default for StoreConfig {
    fn default() -> Self {
        StoreConfig {
            defaults: LogConfig::default(),
            node_id: 1,
            // Half of them, and some where there are hardly any.
            open_files: (open_files_limit() / 2).clamp(16, 16_384),
            environment: Environment::default(),
        }
    }
}
