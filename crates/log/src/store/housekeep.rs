//! What is due now and then: every step goes on where another log's failed.

use super::state::Inner;
use super::unfinished;
use crate::dir::TopicPartition;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::retain::{JUMPED, Wall};
use crate::sync::PoisonError;

/// What housekeeping did.
#[derive(Clone, Debug, Default)]
pub struct HousekeepReport {
    /// Segments that retention took out of their logs.
    pub segments_removed: usize,
    /// Files that went for good.
    pub files_removed: usize,
    /// Idle producers that were forgotten.
    pub producers_expired: usize,
    /// Logs that were flushed.
    pub logs_flushed: usize,
    /// By how many milliseconds the wall clock has jumped since the last time, where it has: then nothing is
    /// removed because of its age for a few minutes.
    pub clock_jump_ms: Option<i64>,
    /// What went wrong, by partition.
    pub failures: Vec<(TopicPartition, Error)>,
}

pub(super) fn run(store: &Inner) -> Result<HousekeepReport> {
    let mut report = HousekeepReport::default();
    let wall = look_at_clock(store, &mut report);
    let catalog = store.catalog.load_full();
    for log in catalog.logs() {
        match keep(log, wall, &mut report) {
            // A topic that was deleted meanwhile.
            Ok(()) | Err(Error::Closed { .. }) => {}
            Err(e) => report.failures.push((log.topic_partition().clone(), e)),
        }
    }
    let removed = remove_directories(store);
    let mut changes = store.changes()?;
    let there = store.catalog.load_full();
    if let Some(data_dir) = changes.data_dir.as_mut() {
        data_dir.checkpoint(|| there.logs().map(Log::marks).collect())?;
    }
    removed.map(|()| report)
}

fn look_at_clock(store: &Inner, report: &mut HousekeepReport) -> Wall {
    let mut watch = store.clock_watch.lock().unwrap_or_else(PoisonError::into_inner);
    let wall = watch.look(&*store.config.environment.clock);
    if let Wall::Jumped(by_ms) = wall {
        tracing::warn!(by_ms, "{JUMPED}");
        report.clock_jump_ms = Some(by_ms);
    }
    wall
}

fn keep(log: &Log, wall: Wall, report: &mut HousekeepReport) -> Result<()> {
    let removed = log.remove_deleted_files().map(|files| report.files_removed += files);
    report.producers_expired += log.expire_producers();
    let retained = log.apply_retention_by(wall).map(|segments| report.segments_removed += segments);
    let flushed = log.flush_if_due().map(|flushed| report.logs_flushed += usize::from(flushed));
    removed.and(retained).and(flushed)
}

/// One that cannot be removed holds up no other; the next open takes it up again.
fn remove_directories(store: &Inner) -> Result<()> {
    let environment = &store.config.environment;
    let now = environment.clock.monotonic();
    let due: Vec<_> = {
        let mut changes = store.changes()?;
        changes.deletions.extract_if(.., |(due, _)| *due <= now).map(|(_, path)| path).collect()
    };
    due.iter().map(|path| unfinished::remove_directory(&*environment.fs, path)).fold(Ok(()), Result::and)
}
