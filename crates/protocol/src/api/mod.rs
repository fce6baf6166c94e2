//! The APIs, one file each: the layout of the request and of the response, field by field, and what each version
//! changes.
//!
//! The names of structures and fields are those of Kafka's message definitions, in Rust's case. A field that a
//! version does not have reads as Kafka's default. It is left out when a response is written; a request whose
//! meaning would change without it is an [error](crate::EncodeError::UnsupportedField).

pub mod alter_configs;
pub mod api_versions;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_cluster;
pub mod describe_configs;
pub mod fetch;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod list_offsets;
pub mod metadata;
mod node_endpoint;
pub mod offset_for_leader_epoch;
pub mod produce;

mod isolation;
mod leader;

pub use isolation::IsolationLevel;
pub use leader::LeaderIdAndEpoch;
pub use node_endpoint::NodeEndpoint;
