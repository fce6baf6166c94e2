//! Many partitions in one data directory.
//!
//! [`Store`] is the door. [`Topic`] and the catalog are what is there, the image on disk
//! (`bootstrap.checkpoint`) is how Kafka and the next open learn of it, and `change` is the steps of
//! creating and deleting, `alter` is changing settings: each is decided by one durable write of the image.

mod alter;
mod catalog;
mod change;
mod compact;
mod config;
mod deleting;
mod found;
mod housekeep;
mod identity;
mod open;
mod quarantine;
mod scrub;
mod state;
#[expect(clippy::module_inception, reason = "the folder is the store and its steps; this file is the type")]
mod store;
mod unfinished;

pub use catalog::Topic;
pub use config::StoreConfig;
pub use housekeep::HousekeepReport;
pub use open::StoreReport;
pub use quarantine::Quarantined;
pub use scrub::{Scrubbed, Scrubber};
pub use store::Store;
