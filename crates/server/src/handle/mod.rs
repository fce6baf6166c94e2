//! What each API does: one file each. A handler turns a request into a response and knows no socket.

mod alterable;
mod caller;
mod config;
mod lookup;
mod operations;

pub(crate) mod alter_configs;
pub(crate) mod api_versions;
mod broker_configs;
pub(crate) mod create_partitions;
pub(crate) mod create_topics;
pub(crate) mod delete_records;
pub(crate) mod delete_topics;
pub(crate) mod describe_cluster;
pub(crate) mod describe_configs;
pub(crate) mod fetch;
pub(crate) mod incremental_alter_configs;
pub(crate) mod init_producer_id;
pub(crate) mod list_offsets;
pub(crate) mod metadata;
pub(crate) mod offset_for_leader_epoch;
pub(crate) mod produce;

pub(crate) use caller::Caller;
