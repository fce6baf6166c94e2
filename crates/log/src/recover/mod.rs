//! Opening a log: the steps, in order.
//!
//! After a clean shutdown nothing is scanned or loaded: the names in the directory, the checkpoints, the
//! last snapshot of the producers, and the batches behind the last index entry tell everything. After a
//! crash everything past the recovery point is read and checked once. Every step can be repeated: a crash
//! in the middle of opening leaves what the next open mends.
//!
//! | step | file | after a clean shutdown | after a crash |
//! | --- | --- | --- | --- |
//! | 1 | [`survey`] | list the names | list the names |
//! | 2 | [`leftovers`] | finish interrupted deletes and swaps | the same |
//! | 3 | [`tail`] | find the end behind the last index entry | check past the recovery point, cut what is torn there |
//! | 3 | [`gaps`] | – | whether offsets between two segments there are lost or compacted |
//! | 3 | [`epochs`] | load them, or find them in the batch heads | the same |
//! | 4 | [`rebuild`] | indexes that are missing; those of the last segment where they disagree | indexes that are missing or disagree |
//! | 5 | [`producers`] | load the last snapshot | load one before step 3, which shows it every batch that it reads |
//! | 6 | here | epochs, log start | the same, and a new leader epoch |

mod epochs;
mod gaps;
mod leftovers;
mod open;
mod producers;
mod rebuild;
mod report;
mod survey;
mod tail;

pub(crate) use open::{OpenOptions, open, open_read_only};
pub(crate) use producers::reload;
pub(crate) use rebuild::write_indexes;
pub use report::{Damage, RecoveryReport, Truncation};
