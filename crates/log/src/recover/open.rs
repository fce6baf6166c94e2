use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::gaps::Gaps;
use super::producers::{self, Replay, Replaying};
use super::rebuild;
use super::report::{Damage, RecoveryReport, Truncation};
use super::survey::{SegmentNames, Survey};
use super::tail::{self, CheckedSegment};
use super::{epochs, leftovers};
use crate::append::Appender;
use crate::commit::Asked;
use crate::config::{Environment, LogConfig};
use crate::data_dir::{Checkpoints, Marks};
use crate::dir::{FileKind, FileName, LeaderEpochs, TopicPartition, make_dir};
use crate::doubt;
use crate::error::{Error, Result};
use crate::offset::Offset;
use crate::producer::{ProducerState, TxnIndex, snapshot};
use crate::segment::{HandleCache, Home, Segment, SegmentSet, SegmentWriter, WalkEnd};
use crate::shared::{Bounds, Shared};

/// What opening a log needs to know.
#[derive(Debug)]
pub(crate) struct OpenOptions {
    pub dir: PathBuf,
    pub topic_partition: TopicPartition,
    pub marks: Marks,
    pub checkpoints: Option<Arc<Checkpoints>>,
    pub config: LogConfig,
    pub environment: Environment,
    pub handles: Arc<HandleCache>,
    pub asked: Arc<Asked>,
    /// Whether the data directory was closed cleanly.
    pub clean: bool,
    /// The log appends under this epoch, or a later one that it has seen.
    pub least_leader_epoch: i32,
}

/// Opens a log for writing: the steps of the module's table.
pub(crate) fn open(options: OpenOptions) -> Result<(Shared, Appender, RecoveryReport)> {
    let home = make_home(&options)?;
    recover(&home, options).inspect_err(|e| {
        // Whatever was synced together, the next open must not take it for written.
        if let Error::Io { action: "sync" | "sync the directory" | "cut" | "write", .. } = e {
            doubt::note(&home);
        }
    })
}

fn recover(home: &Arc<Home>, options: OpenOptions) -> Result<(Shared, Appender, RecoveryReport)> {
    let mut opening = Opening::survey(home, &options)?;
    opening.epochs = epochs::load(home, &opening.names)?;
    if opening.report.clean {
        opening.find_end()?
    } else {
        opening.check_past_recovery_point()?
    }
    opening.mend_indexes()?;
    opening.finish(options)
}

/// Opens a log to read only: nothing is made or changed.
pub(crate) fn open_read_only(options: OpenOptions) -> Result<Shared> {
    let home = Arc::new(Home {
        fs: options.environment.fs.clone(),
        dir: options.dir.clone(),
        handles: options.handles.clone(),
    });
    let survey = Survey::of(&*home.fs, &home.dir)?;
    let names = survey.whole_segments();
    let Some((last_base, _)) = names.last_key_value().map(|(base, names)| (*base, *names)) else {
        return Err(Error::NotADirectoryOfOurs {
            path: options.dir,
            expected: "partition directory",
            reason: "there is no segment in it".to_owned(),
        });
    };
    let (log_end_offset, size, _) = tail::end_by_index(&home, last_base)?;
    let segments = sealed(&home, &names);
    if let Some(last) = segments.last() {
        last.publish_size(size);
    }
    let now_ms = options.environment.clock.now_ms();
    let replay = Replay { end_offset: log_end_offset, without_snapshot: true, index_from: None };
    let state = producers::load(&home, &survey, &segments, &replay, &options.config, now_ms)?;
    let bounds = bounds(&options, &names, log_end_offset);
    let epochs = LeaderEpochs::read(&*home.fs, &home.dir)?;
    let first_unstable = state.first_unstable_offset();
    let shared = assemble(options, home, segments, epochs, bounds);
    shared.publish_end(log_end_offset, first_unstable);
    Ok(shared)
}

fn make_home(options: &OpenOptions) -> Result<Arc<Home>> {
    let fs = &options.environment.fs;
    make_dir(&**fs, &options.dir)?;
    Ok(Arc::new(Home { fs: fs.clone(), dir: options.dir.clone(), handles: options.handles.clone() }))
}

fn sealed(home: &Arc<Home>, names: &BTreeMap<Offset, SegmentNames>) -> SegmentSet {
    SegmentSet::new(
        names.iter().map(|(base, names)| Arc::new(Segment::sealed(*base, home.clone(), names.txn_index))),
    )
}

fn bounds(options: &OpenOptions, names: &BTreeMap<Offset, SegmentNames>, log_end_offset: Offset) -> Bounds {
    let first = names.keys().next().copied().unwrap_or(log_end_offset);
    let marked = options.marks.log_start_offset.unwrap_or(first);
    Bounds {
        log_start_offset: marked.max(first).min(log_end_offset),
        log_end_offset,
        recovery_point: options.marks.recovery_point.unwrap_or(first).min(log_end_offset),
    }
}

fn assemble(
    options: OpenOptions,
    home: Arc<Home>,
    segments: SegmentSet,
    epochs: LeaderEpochs,
    bounds: Bounds,
) -> Shared {
    let clock = options.environment.clock;
    Shared::new(
        options.topic_partition,
        home,
        clock,
        options.config,
        segments,
        epochs,
        bounds,
        options.checkpoints,
    )
}

/// A log that is being opened.
struct Opening<'a> {
    home: &'a Arc<Home>,
    config: LogConfig,
    now_ms: i64,
    gaps: Gaps,
    names: BTreeMap<Offset, SegmentNames>,
    epochs: LeaderEpochs,
    /// Everything below was on disk before the crash.
    recovery_point: Offset,
    /// The recovery point as the checkpoint tells it.
    marked_end: Option<Offset>,
    log_end_offset: Offset,
    /// Whether appending needs a new segment: the last one ends in damage that stays, or below offsets that
    /// were given out once.
    needs_segment: bool,
    /// Whether what the files show may not be on disk.
    in_doubt: bool,
    /// Where reading again began, after a crash.
    checked_from: Option<Offset>,
    /// What the batches that were read again say of the producers.
    replaying: Option<Replaying<'a>>,
    report: RecoveryReport,
}

impl<'a> Opening<'a> {
    /// Steps 1 and 2.
    fn survey(home: &'a Arc<Home>, options: &OpenOptions) -> Result<Opening<'a>> {
        let survey = Survey::of(&*home.fs, &home.dir)?;
        let mut removed_leftovers = leftovers::finish(home, &survey)?;
        let mut names = Survey::of(&*home.fs, &home.dir)?.whole_segments();
        let now_ms = options.environment.clock.now_ms();
        let swaps = survey.leftovers.swaps();
        let rebuilt_indexes = leftovers::index_swapped_in(home, &swaps, &mut names, &options.config, now_ms)?;
        if let Some(log_start_offset) = options.marks.log_start_offset {
            let finished =
                leftovers::finish_delete(home, &mut names, log_start_offset, &options.config, now_ms)?;
            removed_leftovers.extend(finished);
        }
        let in_doubt = doubt::is_noted(home)?;
        let first = names.keys().next().copied().unwrap_or_default();
        let recovery_point = options.marks.recovery_point.unwrap_or(first).max(first);
        Ok(Opening {
            home,
            config: options.config.clone(),
            now_ms,
            gaps: Gaps::of(options, &survey),
            recovery_point,
            marked_end: options.marks.recovery_point,
            needs_segment: false,
            log_end_offset: options.marks.log_start_offset.unwrap_or_default(),
            checked_from: None,
            replaying: None,
            in_doubt,
            report: RecoveryReport {
                clean: options.clean && !in_doubt,
                recovery_point,
                segments: names.len(),
                removed_leftovers,
                rebuilt_indexes,
                ..Default::default()
            },
            names,
            epochs: LeaderEpochs::default(),
        })
    }

    /// Step 3 after a clean shutdown.
    fn find_end(&mut self) -> Result<()> {
        let Some(last) = self.names.keys().next_back().copied() else { return Ok(()) };
        let (log_end_offset, position, end) = tail::end_by_index(self.home, last)?;
        // Closing flushes everything, so the checkpoint tells the end of the log, where there is one.
        let as_marked = self.marked_end.is_none_or(|marked| marked == log_end_offset);
        if end == WalkEnd::Clean && as_marked && log_end_offset >= last {
            self.log_end_offset = log_end_offset;
            return Ok(());
        }
        // The mark says clean, the file says otherwise: the file is right.
        let marked_end = self.marked_end.map(Offset::get);
        tracing::warn!(dir = %self.home.dir.display(), position, ?end, %log_end_offset, marked_end, "the log does not end as its clean shutdown says");
        self.report.clean = false;
        // Where no checkpoint tells, what was closed before the last segment began is taken for sure.
        self.recovery_point = self.marked_end.unwrap_or(last).max(self.recovery_point);
        self.check_past_recovery_point()
    }

    /// Step 3 after a crash: segments that end below the recovery point are not looked at.
    fn check_past_recovery_point(&mut self) -> Result<()> {
        let bases: Vec<Offset> = self.names.keys().copied().collect();
        // One that ends exactly there too: it may have been closed after the flush, and then the last entry
        // of its time index is not sure.
        let first = bases.partition_point(|base| *base < self.recovery_point).saturating_sub(1);
        let suspects = bases.get(first..).unwrap_or_default();
        let first_suspect = suspects.first().copied().unwrap_or_default();
        let checked_from = first_suspect.max(self.recovery_point);
        let mut replaying = self.replay_before(first_suspect, checked_from)?;
        self.epochs.truncate_from_end(self.recovery_point);
        let mut previous = None;
        for (number, base) in suspects.iter().enumerate() {
            let behind = |from| suspects.get(from..).unwrap_or_default();
            let overlaps = |end: Offset| end > *base && *base >= self.recovery_point;
            if let Some((before, end)) = previous
                && (overlaps(end) || self.is_hole(before, end, *base)?)
            {
                self.report.truncated = self.set_aside(behind(number))?;
                break;
            }
            let segment = Arc::new(Segment::sealed(*base, self.home.clone(), false));
            let gapless = self.gaps.are_none_from(*base);
            let checked = tail::check_segment(
                &segment,
                self.recovery_point,
                gapless,
                self.config.index_interval_bytes,
                &mut self.epochs,
                &mut replaying,
            )?;
            previous = Some((*base, checked.end_offset));
            if !self.take_in(*base, checked, behind(number + 1))? {
                break;
            }
        }
        if !suspects.is_empty() {
            (self.checked_from, self.replaying) = (Some(checked_from), Some(replaying));
        }
        self.keep_offsets_below_recovery_point();
        self.home.fs.sync_dir(&self.home.dir).map_err(|e| Error::io("sync", &self.home.dir, e))?;
        if self.in_doubt { doubt::clear(self.home) } else { Ok(()) }
    }

    /// Takes in what checking a segment has found, and cuts what is not whole. Tells whether the log goes on with the
    /// segments behind it.
    fn take_in(&mut self, base: Offset, checked: CheckedSegment, behind: &[Offset]) -> Result<bool> {
        self.report.scanned_bytes += checked.scanned_bytes;
        self.needs_segment = checked.ends_in_damage();
        self.log_end_offset = checked.end_offset;
        let (whole, has_aborted) = (checked.is_kept_whole(), checked.has_aborted);
        self.report.damaged.extend_from_slice(&checked.damaged);
        // First what cannot follow the cut, so that a crash in between leaves no hole.
        let aside = if whole { None } else { self.set_aside(behind)? };
        self.report.truncated = checked.settle(self.home)?;
        if self.in_doubt {
            doubt::rewrite(self.home, base)?;
        }
        if let Some(names) = self.names.get_mut(&base) {
            (names.index, names.time_index) = (true, true);
            names.txn_index |= has_aborted;
        }
        self.report.add_to_cut(aside);
        Ok(whole)
    }

    /// What the segments before the first suspect say of the producers. Those behind it are read anyway; their
    /// transaction indexes lose what that will write again.
    fn replay_before(&self, first_suspect: Offset, checked_from: Offset) -> Result<Replaying<'a>> {
        self.cut_txn_indexes(checked_from)?;
        let before: BTreeMap<_, _> =
            self.names.range(..first_suspect).map(|(base, names)| (*base, *names)).collect();
        let survey = Survey::of(&*self.home.fs, &self.home.dir)?;
        let replay =
            Replay { end_offset: checked_from, without_snapshot: true, index_from: Some(checked_from) };
        let segments = sealed(self.home, &before);
        Replaying::of(self.home, &survey, &segments, &replay, &self.config, self.now_ms)
    }

    /// Whether offsets are lost between `end`, where the segment `before` ends, and the next one. A gap below the
    /// recovery point is damage too, which nothing that is cut would mend.
    fn is_hole(&self, before: Offset, end: Offset, next: Offset) -> Result<bool> {
        Ok(end.max(self.recovery_point) < next
            && self.gaps.is_hole_before(self.home, &self.names, before, next)?)
    }

    /// Offsets below the recovery point were given out, and their records were on disk: where they are lost,
    /// the log goes on behind them, so that nobody reads others in their place.
    fn keep_offsets_below_recovery_point(&mut self) {
        /// More offsets than a segment can hold are not lost with its end; then the checkpoint is wrong.
        const MOST: i64 = i32::MAX as i64;
        let Some(marked) = self.marked_end else { return };
        let lost = marked - self.log_end_offset;
        // Behind damage that stays, any offset is better than one that another segment may have for its name.
        let goes_on = (1..=MOST).contains(&lost) || (self.needs_segment && lost > 0);
        let Some((last, _)) = self.names.last_key_value().filter(|_| goes_on) else { return };
        if !self.needs_segment {
            let path = self.home.path(*last, FileKind::Log);
            self.report.damaged.push(Damage {
                position: self.home.fs.metadata(&path).map_or(0, |file| file.len),
                path,
                bytes: 0,
                next_offset: self.log_end_offset,
                reason: format!("the file ends there, and offsets up to {marked} were on disk"),
            });
        }
        self.needs_segment = true;
        self.log_end_offset = marked;
    }

    /// Takes segments out of the log that cannot follow what is there now, and tells what was cut so.
    fn set_aside(&mut self, bases: &[Offset]) -> Result<Option<Truncation>> {
        let Some(first) = bases.first() else { return Ok(None) };
        let mut truncated = Truncation {
            path: self.home.path(*first, FileKind::Log),
            position: 0,
            cut_bytes: 0,
            log_end_offset: self.log_end_offset,
            reason: format!(
                "the segment does not follow the one before it, which ends at {}",
                self.log_end_offset
            ),
            kept_aside: Vec::new(),
        };
        for base in bases.iter().rev() {
            let (bytes, aside) = tail::set_aside(self.home, *base)?;
            self.names.remove(base);
            truncated.cut_bytes += bytes;
            truncated.kept_aside.extend(aside);
        }
        self.home.fs.sync_dir(&self.home.dir).map_err(|e| Error::io("sync", &self.home.dir, e))?;
        Ok(Some(truncated))
    }

    /// Step 4: of segments that were checked, the indexes were written with them.
    fn mend_indexes(&mut self) -> Result<()> {
        let checked = |base: &Offset| {
            self.checked_from.is_some_and(|from| {
                self.names.range(..=from).next_back().is_some_and(|(first, _)| base >= first)
            })
        };
        let suspects: Vec<(Offset, SegmentNames)> = self
            .names
            .iter()
            .filter(|(base, _)| !checked(base))
            .map(|(base, names)| (*base, *names))
            .collect();
        let last = self.names.keys().next_back().copied();
        for (base, names) in suspects {
            let there = names.index && names.time_index;
            // After a clean shutdown names are all that is looked at, but for the indexes that appending resumes.
            let looks_no_further = self.report.clean && Some(base) != last;
            if there && (looks_no_further || rebuild::indexes_agree(self.home, base)?) {
                continue;
            }
            self.report.rebuilt_indexes.extend(rebuild::rebuild(
                self.home,
                base,
                self.config.index_interval_bytes,
            )?);
        }
        if !self.report.rebuilt_indexes.is_empty() {
            self.home.fs.sync_dir(&self.home.dir).map_err(|e| Error::io("sync", &self.home.dir, e))?;
        }
        Ok(())
    }

    /// Steps 5 and 6: the log as appender and readers will see it.
    fn finish(mut self, options: OpenOptions) -> Result<(Shared, Appender, RecoveryReport)> {
        let marked_start = options.marks.log_start_offset.unwrap_or_default();
        if marked_start > self.log_end_offset {
            self.begin_at(marked_start)?;
        }
        let writer = self.resume_writer()?;
        let bounds = bounds(&options, &self.names, self.log_end_offset);
        // What is appended from here on is not on disk, whatever was there before.
        if let Some(checkpoints) =
            options.checkpoints.as_ref().filter(|_| self.marked_end > Some(self.log_end_offset))
        {
            checkpoints.lower_recovery_point(&options.topic_partition, self.log_end_offset)?;
        }
        let survey = self.remove_stray_snapshots()?;
        let segments = sealed(self.home, &self.names);
        segments.replace_from(writer.segment().base_offset(), vec![writer.segment().clone()]);
        let producers = self.load_producers(&survey, &segments)?;
        let leader_epoch = self.settle_epochs(&bounds, options.least_leader_epoch)?;
        let first_unstable = producers.first_unstable_offset();
        let shared = assemble(options, self.home.clone(), segments, self.epochs, bounds);
        shared.publish_end(self.log_end_offset, first_unstable);
        self.report.segments = shared.segments.len();
        let mut producers = producers;
        producers.truncate_head(shared.log_start_offset());
        Ok((shared, Appender::new(writer, producers, self.log_end_offset, leader_epoch), self.report))
    }

    /// Deletes reached past everything that is left: the log goes on from there, and still knows its
    /// producers.
    fn begin_at(&mut self, start: Offset) -> Result<()> {
        let survey = Survey::of(&*self.home.fs, &self.home.dir)?;
        let mut producers = self.load_producers(&survey, &sealed(self.home, &self.names))?;
        producers.advance_to(start);
        snapshot::write(&*self.home.fs, &self.home.path(start, FileKind::Snapshot), &producers)?;
        let bases: Vec<Offset> = self.names.keys().copied().collect();
        self.set_aside(&bases)?;
        self.log_end_offset = start;
        self.checked_from = None;
        Ok(())
    }

    fn resume_writer(&self) -> Result<SegmentWriter> {
        let interval_bytes = self.config.index_interval_bytes;
        let last = self.names.last_key_value().filter(|_| !self.needs_segment);
        let Some((base, names)) = last else {
            return SegmentWriter::create(self.home, self.log_end_offset, interval_bytes, self.now_ms);
        };
        let path = self.home.path(*base, FileKind::Log);
        let size = self.home.fs.metadata(&path).map_err(|e| Error::io("look at", &path, e))?.len;
        SegmentWriter::resume(self.home, *base, size, interval_bytes, self.now_ms, names.txn_index)
    }

    /// Those that nothing needs, and those that a crash has torn: what they were to tell is in the log.
    fn remove_stray_snapshots(&self) -> Result<Survey> {
        let mut survey = Survey::of(&*self.home.fs, &self.home.dir)?;
        let torn = match self.checked_from {
            Some(from) => producers::torn_snapshots(self.home, &survey, from)?,
            None => Vec::new(),
        };
        for stray in survey.stray_snapshots(self.log_end_offset).into_iter().chain(torn) {
            if !survey.snapshots.contains(&stray) {
                continue;
            }
            let path = FileName::new(stray, FileKind::Snapshot).in_dir(&self.home.dir);
            self.home.fs.remove_file(&path).map_err(|e| Error::io("remove", &path, e))?;
            survey.snapshots.remove(&stray);
        }
        Ok(survey)
    }

    fn load_producers(&mut self, survey: &Survey, segments: &SegmentSet) -> Result<ProducerState> {
        if let Some(replaying) = self.replaying.take() {
            return Ok(replaying.finish(self.log_end_offset));
        }
        let replay = Replay {
            end_offset: self.log_end_offset,
            without_snapshot: !self.report.clean,
            index_from: None,
        };
        producers::load(self.home, survey, segments, &replay, &self.config, self.now_ms)
    }

    /// What reading again writes must not stand there twice.
    fn cut_txn_indexes(&self, from: Offset) -> Result<()> {
        let first = self.names.range(..=from).next_back().map_or(from, |(base, _)| *base);
        for (base, _) in self.names.range(first..).filter(|(_, names)| names.txn_index) {
            let path = self.home.path(*base, FileKind::TxnIndex);
            TxnIndex::keep_whole_before(&*self.home.fs, &path, *base, from)?;
        }
        Ok(())
    }

    /// The epochs follow the log's ends, and every unclean start begins a new one, so that clients find
    /// out about records that were lost instead of reading others at their offsets.
    fn settle_epochs(&mut self, bounds: &Bounds, least: i32) -> Result<i32> {
        let before = self.epochs.clone();
        self.epochs.truncate_from_end(self.log_end_offset);
        self.epochs.truncate_from_start(bounds.log_start_offset);
        let latest = before.latest().map(|latest| latest.epoch);
        let after_crash = !self.report.clean && bounds.log_end_offset > Offset::ZERO;
        let next = latest.map_or(0, |latest| if after_crash { latest.saturating_add(1) } else { latest });
        if before != LeaderEpochs::read(&*self.home.fs, &self.home.dir)? || before != self.epochs {
            self.epochs.write(&*self.home.fs, &self.home.dir)?;
        }
        Ok(next.max(least))
    }
}
