//! Which segments the settings no longer keep, and moving the start of the log past them.
//!
//! | file | it answers |
//! | --- | --- |
//! | `decide.rs` | which go, by age and by size: pure |
//! | `age.rs` | when a segment was written, by all that is known of it: pure |
//! | `look.rs` | what the log itself says, where an index says that a segment may go |
//! | `clock_watch.rs` | whether the wall clock has jumped, so that ages are not to be believed |
//! | `start.rs` | the acting part |
//!
//! The rules are told in `docs/RETENTION.md`.

mod age;
mod clock_watch;
mod decide;
mod look;
mod start;

pub(crate) use clock_watch::{ClockWatch, JUMPED, Wall};
pub(crate) use look::Looked;
pub(crate) use start::{advance_start, delete_at, new_log_start};
