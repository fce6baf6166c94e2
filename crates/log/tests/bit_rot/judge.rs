//! Opens a directory in which one file has changed, and holds what it shows against what was written.

use std::collections::BTreeSet;

use ottla::{Error, Isolation, Log, Offset, RecoveryReport};
use ottla_record::{BatchBuilder, Head};
use ottla_testkit::{Image, SimFs};

use crate::change::Change;
use crate::scene::{End, Scene, starts_elsewhere};
use crate::truth::{by_time, committed, split};
use crate::writer::{DATA, DIR, NOW_MS};

/// What Kafka's format has nothing to vouch for; told in `docs/RECOVERY.md`.
pub(crate) const UNDETECTABLE: [&str; 4] = [LEADER_EPOCH, COMPACTED_OFFSET, LOG_START, ABORTED];
const LEADER_EPOCH: &str = "the leader epoch of a batch";
const COMPACTED_OFFSET: &str = "the base offset of a batch of a compacted log, within the gaps around it";
const LOG_START: &str = "the log start in its checkpoint";
const ABORTED: &str = "producer or offsets in the index of aborted transactions";

/// What became of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// Everything is read as it was.
    Same,
    /// What changed is not served, and whoever asks is told.
    Told,
    /// The log is not opened, and the error names the file.
    Refused,
    /// Nobody can know.
    Undetectable(&'static str),
}

/// One image, while it is judged.
struct Case<'a> {
    scene: &'a Scene,
    path: &'a str,
    change: Change,
    /// The file before.
    bytes: &'a [u8],
    fs: SimFs,
    /// The disk before it was opened.
    before: Image,
}

/// Judges one image; an error says what it did wrong.
pub(crate) fn judge(
    scene: &Scene,
    path: &str,
    bytes: &[u8],
    change: Change,
    thoroughly: bool,
) -> Result<Verdict, String> {
    let fs = scene.disk(path, change.of(bytes));
    fs.allow_calls(1_000_000);
    let before = fs.image();
    let case = Case { scene, path, change, bytes, fs, before };
    let (log, report) = match scene.open(&case.fs) {
        Ok(opened) => opened,
        Err(e) => return case.refused(&e),
    };
    let verdict = case.opened(&log, &report)?;
    if thoroughly {
        case.goes_on(log)?;
    }
    Ok(verdict)
}

impl Case<'_> {
    fn is_log(&self) -> bool {
        self.path.ends_with(".log")
    }

    /// Nothing may have been touched, and the error says which file it is.
    fn refused(&self, e: &Error) -> Result<Verdict, String> {
        if !e.to_string().contains(self.path) {
            return Err(format!("the error names another file: {e}"));
        }
        let derived = self.path.starts_with(DIR) && !self.path.ends_with("checkpoint");
        if derived {
            return Err(format!("the log is not opened for the sake of a file that can be mended: {e}"));
        }
        self.no_promised_byte_went().map(|()| Verdict::Refused)
    }

    fn opened(&self, log: &Log, report: &RecoveryReport) -> Result<Verdict, String> {
        if self.path.ends_with("log-start-offset-checkpoint")
            && starts_elsewhere(&SimFs::from_image(&self.before), &self.scene.truth)
        {
            return Ok(Verdict::Undetectable(LOG_START));
        }
        self.no_promised_byte_went()?;
        let read = self.read_all(log)?;
        let lost = self.lost(log, report, &read)?;
        self.raw_bytes(log)?;
        let aborted = self.committed(log, lost.is_empty())?;
        if !self.is_log() {
            if !lost.is_empty() || !read.refused.is_empty() {
                return Err(format!("{lost:?} and {:?} are not read, and no log changed", read.refused));
            }
            let found = by_time(log).map_err(|e| format!("by time: {e}"))?;
            if found != self.scene.truth.by_time {
                return Err(format!("by time: {found:?} for {:?}", self.scene.truth.by_time));
            }
            self.producers_are_known(log)?;
        }
        let ambiguous = !self.scene.gapless && self.in_field(0..8) && read.refused.is_empty();
        let undetectable = read.undetectable.or(aborted).or(ambiguous.then_some(COMPACTED_OFFSET));
        Ok(match (undetectable, lost.is_empty() && read.refused.is_empty()) {
            (Some(what), _) => Verdict::Undetectable(what),
            (None, true) if self.changed().iter().all(|base| self.is_harmed_nowhere(*base)) => Verdict::Same,
            (None, true) => return Err(format!("nobody noticed: {report}")),
            (None, false) => Verdict::Told,
        })
    }

    /// What was deleted is nobody's to read; and a batch whose sectors came to stand elsewhere as they are is whole, and
    /// was served from there.
    fn is_harmed_nowhere(&self, base: Offset) -> bool {
        let written = self.scene.truth.batches.get(&base);
        let is_moved =
            |batch: &Vec<u8>| matches!(self.change, Change::Swapped { .. }) && self.is_kept_somewhere(batch);
        written.is_none_or(is_moved)
    }

    /// Reads from batch to batch, as a reader does who goes on behind what he cannot have.
    fn read_all(&self, log: &Log) -> Result<ReadBack, String> {
        let truth = &self.scene.truth;
        let (mut next, end) = (log.log_start_offset(), log.log_end_offset());
        let mut read = ReadBack::default();
        let mut steps = 0;
        while next < end {
            steps += 1;
            if steps > 4 * truth.batches.len() + 64 {
                return Err(format!("reading does not come to its end: {next} of {end}"));
            }
            match log.read_batches(next, 700, Isolation::ReadUncommitted) {
                Ok(found) if found.is_empty() => break,
                Ok(found) => {
                    for (base, bytes) in split(found.as_bytes()) {
                        self.take(&mut read, next, base, &bytes)?;
                        next = base + last_delta(&bytes) + 1;
                    }
                    if found.next_offset() != next {
                        return Err(format!("the next offset is {}, not {next}", found.next_offset()));
                    }
                }
                Err(e) => {
                    if !e.to_string().contains(".log") {
                        return Err(format!("reading {next}: {e}"));
                    }
                    read.refused.insert(next);
                    let behind = truth.batches.range(next + 1..).next().map(|(base, _)| *base);
                    next = behind.unwrap_or(end);
                }
            }
        }
        Ok(read)
    }

    /// A batch that was served to a reader who stood at `next`.
    fn take(&self, read: &mut ReadBack, next: Offset, base: Offset, bytes: &[u8]) -> Result<(), String> {
        let truth = &self.scene.truth.batches;
        if truth.get(&base).is_some_and(|written| written == bytes) {
            if base + last_delta(bytes) < next {
                return Err(format!("a reader at {next} is given {base}"));
            }
            let skipped = truth.keys().find(|written| (next..base).contains(written));
            if let Some(first) = skipped.filter(|_| self.scene.gapless) {
                return Err(format!("a reader at {next} is given {base}, and is not told of {first}"));
            }
            read.served.insert(base);
            return Ok(());
        }
        let but_epoch = |written: &Vec<u8>| written[..12] == bytes[..12] && written[16..] == bytes[16..];
        if truth.get(&base).is_some_and(but_epoch) && self.in_field(12..16) {
            read.served.insert(base);
            read.undetectable = Some(LEADER_EPOCH);
            return Ok(());
        }
        let moved = truth.iter().find(|(_, written)| written[8..] == bytes[8..]).map(|(was, _)| *was);
        match moved {
            Some(was) if !self.scene.gapless && self.in_field(0..8) => {
                read.served.insert(was);
                read.undetectable = Some(COMPACTED_OFFSET);
                Ok(())
            }
            _ => Err(format!("wrong bytes at {base} are served as good; they were at {moved:?}")),
        }
    }

    /// Whether the one byte that changed lies in this part of a batch head.
    fn in_field(&self, field: std::ops::Range<usize>) -> bool {
        self.is_log() && self.change.byte().is_some_and(|at| field.contains(&(at - self.batch_start(at))))
    }

    /// Where the batch with this byte began.
    fn batch_start(&self, at: usize) -> usize {
        let mut start = 0;
        loop {
            let size = Head::parse(&self.bytes[start..]).unwrap().size_bytes();
            if at < start + size {
                return start;
            }
            start += size;
        }
    }

    /// The base offsets of the batches that may be lost. Sectors in each other's place may be whole batches, and then
    /// nobody can say which ones of the file are misplaced.
    fn touched(&self) -> BTreeSet<Offset> {
        let misplaced = matches!(self.change, Change::Swapped { .. });
        self.batches_where(|start, end, after| misplaced || self.bytes[start..end] != after[start..end])
    }

    /// The base offsets of the batches that are not what they were.
    fn changed(&self) -> BTreeSet<Offset> {
        self.batches_where(|start, end, after| self.bytes[start..end] != after[start..end])
    }

    fn batches_where(&self, is_wanted: impl Fn(usize, usize, &[u8]) -> bool) -> BTreeSet<Offset> {
        let after = self.change.of(self.bytes);
        let (mut wanted, mut start) = (BTreeSet::new(), 0);
        while self.is_log() && start < self.bytes.len() {
            let head = Head::parse(&self.bytes[start..]).unwrap();
            let end = start + head.size_bytes();
            if is_wanted(start, end, &after) {
                wanted.insert(head.base_offset());
            }
            start = end;
        }
        wanted
    }

    /// The batches that are not served any more: only what changed may be, and what was cut above the recovery
    /// point and kept aside.
    fn lost(&self, log: &Log, report: &RecoveryReport, read: &ReadBack) -> Result<Vec<Offset>, String> {
        let (truth, touched) = (&self.scene.truth, self.touched());
        let missing: Vec<Offset> =
            truth.batches.keys().filter(|base| !read.served.contains(base)).copied().collect();
        if !self.scene.gapless && self.in_field(0..8) {
            // Of two batches with a gap before them that overlap, nobody can say which one lies.
            return Ok(missing);
        }
        for base in &missing {
            let again = log.read_batches(*base, 1, Isolation::ReadUncommitted);
            let told = again.is_err() || report.truncated.is_some() || !report.damaged.is_empty();
            if !told {
                return Err(format!("{base} is not there, and nobody was told"));
            }
            if touched.contains(base) {
                continue;
            }
            if *base < self.scene.recovery_point {
                return Err(format!("{base} is whole and on disk, and is not served: {report}"));
            }
            if report.truncated.is_none() || !self.is_kept_somewhere(&truth.batches[base]) {
                return Err(format!("{base} is whole, and was neither kept nor kept aside: {report}"));
            }
        }
        if self.scene.end != End::Killed && log.log_end_offset() < truth.end {
            return Err(format!("offsets from {} on may be given out again", log.log_end_offset()));
        }
        Ok(missing)
    }

    fn is_kept_somewhere(&self, batch: &[u8]) -> bool {
        let image = self.fs.image();
        image.entries().filter_map(|(path, _)| image.read(path)).any(|bytes| {
            bytes.len() >= batch.len() && bytes.windows(batch.len()).any(|window| window == batch)
        })
    }

    /// No byte of a `.log` goes that was on disk.
    fn no_promised_byte_went(&self) -> Result<(), String> {
        let after = self.fs.image();
        for (path, _) in
            self.before.entries().filter(|(path, _)| path.extension().is_some_and(|e| e == "log"))
        {
            let written = self.scene.image.read(path).unwrap_or_default();
            let promised = self.promised_bytes(written);
            let found = self.before.read(path).unwrap_or_default();
            if !after.read(path).unwrap_or_default().starts_with(&found[..promised]) {
                return Err(format!("bytes of {} are gone that were on disk", path.display()));
            }
        }
        Ok(())
    }

    fn promised_bytes(&self, log: &[u8]) -> usize {
        let mut end = 0;
        while end < log.len() {
            let head = Head::parse(&log[end..]).unwrap();
            if head.last_offset() >= self.scene.recovery_point {
                break;
            }
            end += head.size_bytes();
        }
        end
    }

    /// A client of raw bytes checks the checksum itself: what passes is what some batch held.
    fn raw_bytes(&self, log: &Log) -> Result<(), String> {
        for base in self.scene.truth.batches.keys() {
            let Ok(fetched) = log.read(*base, 700, Isolation::ReadUncommitted) else { continue };
            let bytes = fetched.slice.read_all().map_err(|e| e.to_string())?;
            let mut rest = bytes.as_slice();
            while let Ok(head) = Head::parse(rest) {
                let Some((batch, after)) = rest.split_at_checked(head.size_bytes()) else { break };
                if ottla_record::verify_crc(batch).is_err() {
                    break;
                }
                let passes = |written: &Vec<u8>| written[17..] == batch[17..];
                if !self.scene.truth.batches.values().any(passes) {
                    return Err(format!("raw bytes at {base} pass their checksum and were never written"));
                }
                rest = after;
            }
        }
        Ok(())
    }

    /// A careful reader is given what was committed, or is refused.
    fn committed(&self, log: &Log, all_there: bool) -> Result<Option<&'static str>, String> {
        let truth = &self.scene.truth.committed;
        match committed(log) {
            Ok(found) if found == *truth => Ok(None),
            Ok(_) if self.path.ends_with(".txnindex") => Ok(Some(ABORTED)),
            Ok(found) if all_there && !self.is_log() => {
                Err(format!("committed: {} records for {}", found.len(), truth.len()))
            }
            // The same bytes under other offsets, which `take` has told of.
            Ok(_) if self.in_field(0..8) && !self.scene.gapless => Ok(None),
            Ok(found) => match found.iter().find(|record| !truth.contains(record)) {
                Some((offset, _)) => Err(format!("{offset} was never committed")),
                None => Ok(None),
            },
            Err(e) if e.to_string().contains(self.path) => Ok(None),
            Err(e) => Err(format!("committed: {e}")),
        }
    }

    /// What a producer sends again is not stored twice.
    fn producers_are_known(&self, log: &Log) -> Result<(), String> {
        for sent in &self.scene.sent {
            match log.append(&sent.bytes) {
                Ok(again) if again.duplicate && again.base_offset == sent.base_offset => {}
                other => return Err(format!("a repeated batch of {}: {other:?}", sent.base_offset)),
            }
        }
        Ok(())
    }

    /// The log takes a record, and shows it after the next open.
    fn goes_on(&self, log: Log) -> Result<(), String> {
        let mut builder = BatchBuilder::new();
        builder.push(NOW_MS, Some(b"k"), Some(b"later"), &[]).unwrap();
        let appended = log.append(&builder.build().unwrap()).map_err(|e| format!("append: {e}"))?;
        let end = log.log_end_offset();
        log.close().map_err(|e| format!("close: {e}"))?;
        let (log, report) = self.scene.open(&self.fs).map_err(|e| format!("the second open: {e}"))?;
        if log.log_end_offset() != end {
            return Err(format!("{end} was the end, {} is: {report}", log.log_end_offset()));
        }
        let found = log.read_batches(appended.base_offset, 1, Isolation::ReadUncommitted);
        let found = found.map_err(|e| format!("what was appended later: {e}"))?;
        let later = split(found.as_bytes()).first().map(|(base, _)| *base);
        if later == Some(appended.base_offset) { Ok(()) } else { Err(format!("{later:?} for {appended:?}")) }
    }
}

/// What reading from start to end gave.
#[derive(Debug, Default)]
struct ReadBack {
    /// The base offsets of the batches that were served.
    served: BTreeSet<Offset>,
    /// Where the reader was told that something is wrong.
    refused: BTreeSet<Offset>,
    undetectable: Option<&'static str>,
}

fn last_delta(batch: &[u8]) -> i64 {
    let head = Head::parse(batch).unwrap();
    head.last_offset() - head.base_offset()
}

/// Whether an error of a store names something in it.
pub(crate) fn names_a_file(e: &Error) -> bool {
    e.to_string().contains(DATA)
}
