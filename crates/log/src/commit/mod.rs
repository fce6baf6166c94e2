//! From published to durable: who syncs, what a sync covers, and who is told.
//!
//! [`Commit`] is one log's: one `fdatasync` acknowledges everything that was appended before it began. [`Keeper`] adds those
//! who wait for it.
//! [`Asked`] is one store's: which of its logs somebody waits for without syncing himself. [`Committer`]
//! serves those, in rounds over all the logs that were asked for.

mod asked;
mod committer;
mod keeper;
mod promises;
mod round;

/// The logs of one store that somebody wants synced.
pub(crate) type Asked = asked::Asked<Keeper>;
/// Whoever ends that.
pub(crate) type AskedOwner = asked::AskedOwner<Keeper>;

pub use committer::Committer;
pub(crate) use keeper::Keeper;
pub(crate) use round::Commit;
