//! Cutting the end of a log that is open.
//!
//! Bytes that were published are never written over: a reader, or the kernel on its behalf, may still be
//! sending them. So the segment that holds the cut is shortened and sealed, and appending goes on in a
//! new segment; a reader beyond the cut meets the end of the file, never other records.

use std::sync::Arc;

use crate::append::Appender;
use crate::commit::Commit;
use crate::dir::FileKind;
use crate::error::{Error, Result};
use crate::fs::OpenMode;
use crate::offset::Offset;
use crate::producer::TxnIndex;
use crate::recover;
use crate::remove;
use crate::segment::{BuiltIndexes, Segment, SegmentWriter};
use crate::shared::Shared;

/// The snapshot at the base of a segment tells of what is before it, and stays where that stays.
const WITHOUT_SNAPSHOT: [FileKind; 4] =
    [FileKind::Log, FileKind::Index, FileKind::TimeIndex, FileKind::TxnIndex];

/// Cuts the log so that it ends at or just below `to`: a batch that holds `to` goes whole.
pub(crate) fn truncate(shared: &Shared, commit: &Commit, appender: &mut Appender, to: Offset) -> Result<()> {
    let Some(segment) = shared.segments.floor(to) else { return Ok(()) };
    let files = segment.files()?;
    let size = segment.size_bytes()?;
    let cut = segment.find(&files, to, size)?;
    let (position, new_end) =
        cut.map_or((size, to), |(position, head)| (u64::from(position.get()), head.base_offset().min(to)));
    // A batch of magic 0 or 1 tells only its last offset; whoever cuts inside it loses it whole.
    let new_end = new_end.max(segment.base_offset());
    // A batch that the start of the log lies in goes whole too; the log is then empty at its start.
    let start = shared.log_start_offset();
    let (position, new_end) = if new_end < start { (0, start) } else { (position, new_end) };
    // Whatever is left when the power goes from here on, recovery has to look at it, indexes too.
    let recovery_point = shared.recovery_point().min(segment.base_offset());
    shared.set_recovery_point(recovery_point);
    if let Some(checkpoints) = &shared.checkpoints {
        checkpoints.lower_recovery_point(&shared.topic_partition, recovery_point)?;
        // What is appended in place of what was compacted is new.
        checkpoints.lower_cleaner_point(&shared.topic_partition, new_end)?;
    }
    let done = cut_files(shared, commit, appender, &segment, position, new_end);
    if let Err(Error::Io { source, .. }) = &done {
        shared.poison(source.clone());
    }
    done
}

fn cut_files(
    shared: &Shared,
    commit: &Commit,
    appender: &mut Appender,
    segment: &Arc<Segment>,
    position: u64,
    new_end: Offset,
) -> Result<()> {
    let _cutting = shared.begin_cut();
    // Readers first: from here on nobody is led to bytes that go.
    segment.publish_size(position);
    shared.cut_end(new_end, appender.producers.first_unstable_offset());
    commit.cut(shared, new_end);
    let config = shared.config.load_full();
    let now_ms = shared.clock.now_ms();
    retire_after(shared, segment)?;
    let kept = if position > 0 {
        Some(shorten(shared, segment, position, new_end)?)
    } else {
        retire_whole(shared, segment, new_end)?;
        None
    };
    let writer = SegmentWriter::create(&shared.home, new_end, config.index_interval_bytes, now_ms)?;
    let home = &shared.home;
    home.fs.sync_dir(&home.dir).map_err(|e| Error::io("sync", &home.dir, e))?;
    let replacements = kept.into_iter().chain([writer.segment().clone()]).collect();
    shared.segments.replace_from(segment.base_offset(), replacements);
    commit.note_names();
    appender.go_on_in(writer);
    appender.next_offset = new_end;
    remove_snapshots_past(shared, new_end)?;
    appender.producers = recover::reload(&shared.home, &shared.segments, new_end, &config, now_ms)?;
    appender.producers.truncate_head(shared.log_start_offset());
    shared.publish_end(new_end, appender.producers.first_unstable_offset());
    // As after a roll: whoever deletes the segments before this one keeps the producers by it.
    appender.take_snapshot(shared)?;
    let epochs = shared.change_epochs(|epochs| {
        epochs.truncate_from_end(new_end);
        epochs.clone()
    });
    epochs.write(&*shared.home.fs, &shared.home.dir)
}

/// Takes away the segments behind this one, the last first, so that a crash leaves no hole.
fn retire_after(shared: &Shared, segment: &Segment) -> Result<()> {
    let base_offset = segment.base_offset();
    let behind = shared.segments.from(base_offset).into_iter().filter(|old| old.base_offset() > base_offset);
    let behind: Vec<_> = behind.collect();
    behind
        .iter()
        .rev()
        .try_for_each(|old| remove::retire(shared, std::slice::from_ref(old), &WITHOUT_SNAPSHOT))
}

/// Takes a segment away of which nothing is left. Without any segment, only the checkpoint tells where
/// the log goes on.
fn retire_whole(shared: &Shared, segment: &Arc<Segment>, new_end: Offset) -> Result<()> {
    let is_first = shared.segments.first().is_some_and(|first| first.base_offset() == segment.base_offset());
    if let Some(checkpoints) = shared.checkpoints.as_ref().filter(|_| is_first) {
        checkpoints.advance_start(&shared.topic_partition, new_end)?;
    }
    remove::retire(shared, std::slice::from_ref(segment), &WITHOUT_SNAPSHOT)
}

/// Shortens a segment and returns it sealed, with indexes that end with it.
fn shorten(shared: &Shared, segment: &Segment, position: u64, new_end: Offset) -> Result<Arc<Segment>> {
    let base_offset = segment.base_offset();
    let path = shared.home.path(base_offset, FileKind::Log);
    let fail = |e| Error::io("cut", &path, e);
    let file = shared.home.fs.open(&path, OpenMode::ReadWrite).map_err(fail)?;
    file.set_len(position).map_err(fail)?;
    let interval = shared.config.load().index_interval_bytes;
    let (built, _) = BuiltIndexes::from_log(&*file, base_offset, position, interval).map_err(fail)?;
    recover::write_indexes(&shared.home, base_offset, &built)?;
    if segment.has_txn_index() {
        let path = shared.home.path(base_offset, FileKind::TxnIndex);
        TxnIndex::open(shared.home.fs.clone(), path, base_offset)?.truncate_to(new_end)?;
    }
    file.sync().map_err(fail)?;
    Ok(Arc::new(Segment::sealed(base_offset, shared.home.clone(), segment.has_txn_index())))
}

fn remove_snapshots_past(shared: &Shared, new_end: Offset) -> Result<()> {
    let entries =
        shared.home.fs.read_dir(&shared.home.dir).map_err(|e| Error::io("list", &shared.home.dir, e))?;
    let names = entries.iter().filter_map(|entry| crate::dir::FileName::parse(&entry.name));
    for name in names {
        if name.kind == FileKind::Snapshot && name.suffix.is_none() && name.base_offset > new_end {
            let path = name.in_dir(&shared.home.dir);
            shared.home.fs.remove_file(&path).map_err(|e| Error::io("remove", &path, e))?;
        }
    }
    Ok(())
}
