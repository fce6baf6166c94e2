//! A broker in this process, and a client that is nothing but a socket and the protocol crate: one
//! behaviour a file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_errors_doc,
    missing_docs,
    reason = "tests"
)]

mod support;

mod alter_configs;
mod api_versions;
mod auto_creation;
mod bad_frames;
mod bombs;
mod committed_reads;
mod compaction;
mod connection_limits;
mod create_topics;
mod delete_records;
mod delete_topics;
mod describe;
mod every_version;
mod fetch_errors;
mod fetch_sizes;
mod list_offsets;
mod long_poll;
mod mutated_frames;
mod partitions_grow;
mod pipelining;
mod produce_acks;
mod produce_refused;
mod producer_ids;
mod restart;
mod scrub;
mod slow_reader;
mod storage_failure;
