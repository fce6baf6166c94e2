//! A pass that is under way: the log it works on, and whether it may go on.

use std::sync::Arc;

use super::cleaner::Stopper;
use super::halt::{Halt, Pass};
use super::transactions::LastBatches;
use crate::error::Result;
use crate::offset::Offset;
use crate::segment::Segment;
use crate::shared::Shared;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The log that a pass works on, and what it may ask of it.
pub(crate) struct Door<'a> {
    pub shared: &'a Shared,
    /// Serialises what changes the segments; held only while a segment is swapped.
    pub maintenance: &'a Mutex<()>,
    /// Whether the log is about to be closed.
    pub is_closing: &'a dyn Fn() -> bool,
    pub last_batches: &'a dyn Fn() -> Result<LastBatches>,
}

/// A pass that is under way.
pub(super) struct Round<'a> {
    pub shared: &'a Shared,
    door: &'a Door<'a>,
    stopper: Stopper,
    /// How often the end of the log had been cut when the pass began.
    truncations: u64,
}

impl<'a> Round<'a> {
    /// A pass begins.
    pub(super) fn begin(door: &'a Door<'a>, stopper: Stopper) -> Round<'a> {
        Round { shared: door.shared, door, stopper, truncations: door.shared.truncations() }
    }

    /// Whether the pass may go on: a cut since it began may have taken the record that replaced another.
    pub(super) fn ensure_undisturbed(&self) -> Pass<()> {
        let is_disturbed = self.stopper.is_stopped()
            || (self.door.is_closing)()
            || self.shared.ensure_open().is_err()
            || self.shared.truncations() != self.truncations;
        if is_disturbed { Err(Halt::Aborted) } else { Ok(()) }
    }

    /// The sealed segments that may hold records between two offsets.
    pub(super) fn sealed_between(&self, from: Offset, to: Offset) -> Vec<Arc<Segment>> {
        let mut segments = self.shared.segments.from(from);
        segments.retain(|segment| segment.base_offset() < to && !segment.is_active());
        segments
    }

    pub(super) fn last_batches(&self) -> Result<LastBatches> {
        (self.door.last_batches)()
    }

    /// Whether the segments of a group are still those of the log.
    pub(super) fn ensure_held(&self, group: &[Arc<Segment>]) -> Pass<()> {
        let held = group.iter().all(|segment| self.shared.segments.holds(segment));
        if held { Ok(()) } else { Err(Halt::Aborted) }
    }

    /// Nothing else changes the segments while this is held.
    pub(super) fn alone(&self) -> MutexGuard<'_, ()> {
        self.door.maintenance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
