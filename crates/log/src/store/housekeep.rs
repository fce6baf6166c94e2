//! What is due now and then: every step goes on where another log's failed.

use super::change;
use super::state::Inner;
use crate::dir::TopicPartition;
use crate::error::{Error, Result};
use crate::log::Log;

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
    /// What went wrong, by partition.
    pub failures: Vec<(TopicPartition, Error)>,
}

pub(super) fn run(store: &Inner) -> Result<HousekeepReport> {
    let mut report = HousekeepReport::default();
    let catalog = store.catalog.load_full();
    for log in catalog.logs() {
        match keep(log, &mut report) {
            // A topic that was deleted meanwhile.
            Ok(()) | Err(Error::Closed { .. }) => {}
            Err(e) => report.failures.push((log.topic_partition().clone(), e)),
        }
    }
    remove_directories(store)?;
    let mut changes = store.changes()?;
    let there = store.catalog.load_full();
    if let Some(data_dir) = changes.data_dir.as_mut() {
        data_dir.checkpoint(|| there.logs().map(Log::marks).collect())?;
    }
    Ok(report)
}

fn keep(log: &Log, report: &mut HousekeepReport) -> Result<()> {
    report.files_removed += log.remove_deleted_files()?;
    report.producers_expired += log.expire_producers();
    report.segments_removed += log.apply_retention()?;
    report.logs_flushed += usize::from(log.flush_if_due()?);
    Ok(())
}

fn remove_directories(store: &Inner) -> Result<()> {
    let environment = &store.config.environment;
    let now = environment.clock.monotonic();
    let due: Vec<_> = {
        let mut changes = store.changes()?;
        changes.deletions.extract_if(.., |(due, _)| *due <= now).map(|(_, path)| path).collect()
    };
    due.iter().try_for_each(|path| change::remove_directory(&*environment.fs, path))
}
