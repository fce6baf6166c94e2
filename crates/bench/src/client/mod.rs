//! A client of Kafka's protocol that does little itself, so that what it measures is the broker.

mod error;
mod frames;

mod connection;

mod fetch;
mod produce;
mod topics;

pub use connection::{Connection, Manners};
pub use error::ClientError;
pub use fetch::{FetchAsk, FetchFrom, NEWEST as NEWEST_FETCH, PartitionRecords, decode_fetch, encode_fetch};
pub use frames::Frames;
pub use produce::{ProduceFrame, Produced, decode_produced};
pub use topics::{Leader, create_topic, delete_topic, leaders, log_ends, log_starts};
