//! The logs, one file each.

mod peer;

mod floor;
mod ottla;

#[cfg(feature = "commitlog")]
mod commitlog;
#[cfg(feature = "okaywal")]
mod okaywal;
#[cfg(feature = "raft-engine")]
mod raft_engine;
#[cfg(feature = "walrus-rust")]
mod walrus;

mod all;

pub use all::{ALL, FLOOR, OTTLA, left_out, named};
pub use peer::{Log, Peer, Seen, Synced};
