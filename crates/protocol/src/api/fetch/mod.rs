//! Fetch: record batches to read.
//!
//! | version | change |
//! | --- | --- |
//! | 4 | the first here: `isolation_level`, record batch format v2 (KIP-98) |
//! | 5 | `log_start_offset` |
//! | 7 | fetch sessions (KIP-227) |
//! | 9 | `current_leader_epoch` in the request (KIP-320) |
//! | 10 | batches may be compressed with zstd (KIP-110) |
//! | 11 | `rack_id` and `preferred_read_replica` (KIP-392) |
//! | 12 | flexible; `last_fetched_epoch` and `diverging_epoch` (KIP-595) |
//! | 13 | topic ids in place of names (KIP-516) |
//! | 15 | the replica's id becomes a tagged field (KIP-903) |
//! | 16 | `node_endpoints` in the response (KIP-951) |
//! | 17 | `replica_directory_id` (KIP-853) |
//! | 18 | `high_watermark` in the request (KIP-1166) |

mod request;
mod response;

pub use request::{FetchPartition, FetchTopic, ForgottenTopic, Request};
pub use response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, PartitionData, Records, Response, SnapshotId,
};
