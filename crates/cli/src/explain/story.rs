//! A lookup told to a person.

use std::io::{self, Write};

use ottla::Offset;
use ottla::dir::{FileKind, FileName};
use ottla_record::Magic;

use super::trace::{Found, FoundRecord, IndexSearch, Passed, Search, Trace};
use crate::partition::{PartitionDir, SegmentFile};
use crate::text::{counted, escaped};
use crate::timestamp::rfc3339;

/// How many of many alike lines are shown at either end.
const SHOWN_AT_EACH_END: usize = 5;
/// So much of a key or value is shown.
const SHOWN_CHARS: usize = 100;

/// Tells the lookup.
pub fn write(out: &mut impl Write, dir: &PartitionDir, trace: &Trace) -> io::Result<()> {
    writeln!(out, "Looking for offset {} in {}", trace.wanted, dir.path.display())?;
    for (i, search) in trace.searches.iter().enumerate() {
        let Some(segment) = dir.segments.get(search.segment) else { continue };
        choice(out, dir, search, segment, trace.wanted, i > 0)?;
        if trace.wanted >= segment.base_offset {
            relative(out, segment, trace.wanted)?;
            index(out, search, segment, trace.wanted)?;
        }
        scan(out, search, segment, trace.wanted)?;
        match &trace.found {
            Some(found) if i + 1 == trace.searches.len() => holder(out, found, trace.wanted)?,
            _ => writeln!(
                out,
                "     The walk ends here without a batch that reaches offset {}.",
                trace.wanted
            )?,
        }
    }
    Ok(())
}

fn choice(
    out: &mut impl Write,
    dir: &PartitionDir,
    search: &Search,
    segment: &SegmentFile,
    wanted: Offset,
    again: bool,
) -> io::Result<()> {
    writeln!(out)?;
    if again {
        writeln!(
            out,
            "1. Compaction took that offset from the end of its segment, so the next one is walked from its begin"
        )?;
        return writeln!(out, "     {}", segment.name());
    }
    writeln!(out, "1. The segment, by file name: the last one whose base offset is at or below {wanted}")?;
    let around = search.segment.saturating_sub(1)..(search.segment + 2).min(dir.segments.len());
    if around.start > 0 {
        writeln!(out, "     … {} before", around.start)?;
    }
    for number in around.clone() {
        let Some(other) = dir.segments.get(number) else { continue };
        let base = other.base_offset;
        let why = match () {
            () if number == search.segment => format!("{base} <= {wanted}: this one"),
            () if number < search.segment => format!("{base} <= {wanted}, but a later one is too"),
            () => format!("{base} > {wanted}: too late"),
        };
        writeln!(out, "     {}   {why}", other.name())?;
    }
    match dir.segments.len() - around.end {
        0 => Ok(()),
        after => writeln!(out, "     … {after} after"),
    }
}

fn relative(out: &mut impl Write, segment: &SegmentFile, wanted: Offset) -> io::Result<()> {
    let base = segment.base_offset;
    writeln!(out, "\n2. The relative offset, which is what the index holds")?;
    writeln!(out, "     {wanted} - {base} = {}", wanted - base)?;
    writeln!(
        out,
        "     A segment is named by the offset of its first record, which so has relative offset 0."
    )?;
    writeln!(
        out,
        "     (Some notes name it by that offset minus one, so that the first record has 1. The difference from\n     the name, and so all that follows, is the same.)"
    )
}

fn index(out: &mut impl Write, search: &Search, segment: &SegmentFile, wanted: Offset) -> io::Result<()> {
    let name = FileName::new(segment.base_offset, FileKind::Index);
    writeln!(out, "\n3. The sparse index {name}, by binary search")?;
    let Some(index) = &search.index else {
        return writeln!(
            out,
            "     There is no such file, so the walk begins at byte 0. `ottla reindex` makes it anew."
        );
    };
    writeln!(
        out,
        "     It holds {} of (relative offset, position).",
        counted(index.entries.into(), "entry", "entries")
    )?;
    let relative = wanted - segment.base_offset;
    for (entry, at_or_below) in &index.looked_at {
        let (sign, way) = if *at_or_below { ("<=", "go right") } else { ("> ", "go left") };
        writeln!(
            out,
            "     look at ({}, {}): {} {sign} {relative}, {way}",
            entry.relative_offset, entry.position, entry.relative_offset
        )?;
    }
    nearest(out, index, relative)
}

fn nearest(out: &mut impl Write, index: &IndexSearch, relative: i64) -> io::Result<()> {
    let Some(entry) = index.nearest else {
        return writeln!(out, "     No entry is at or below {relative}, so the walk begins at byte 0.");
    };
    let at = entry.relative_offset;
    if i64::from(at) == relative {
        writeln!(out, "     {relative} is in the index -> byte {}", entry.position)?;
    } else {
        writeln!(
            out,
            "     {relative} is not in the index; the nearest entry below is {at} -> byte {}",
            entry.position
        )?;
    }
    if index.agrees {
        return Ok(());
    }
    writeln!(
        out,
        "     But no batch that fits begins there: the index is wrong, and the walk begins at byte 0."
    )
}

fn scan(out: &mut impl Write, search: &Search, segment: &SegmentFile, wanted: Offset) -> io::Result<()> {
    writeln!(out, "\n4. The walk over batch headers in {} from byte {}", segment.name(), search.start)?;
    let passed = &search.passed;
    let hidden = passed.len().saturating_sub(2 * SHOWN_AT_EACH_END);
    for (i, batch) in passed.iter().enumerate() {
        let is_hidden = i >= SHOWN_AT_EACH_END && i < SHOWN_AT_EACH_END + hidden;
        if i == SHOWN_AT_EACH_END && hidden > 0 {
            writeln!(out, "     … {} passed alike", counted(hidden as u64, "batch", "batches"))?;
        }
        if !is_hidden {
            step(out, batch, wanted)?;
        }
    }
    Ok(())
}

fn step(out: &mut impl Write, batch: &Passed, wanted: Offset) -> io::Result<()> {
    let Passed { position, base_offset, last_offset, size_bytes } = batch;
    writeln!(
        out,
        "     byte {position}: offsets {base_offset} to {last_offset}, {size_bytes} bytes; {last_offset} < {wanted}, go on"
    )
}

fn holder(out: &mut impl Write, found: &Found, wanted: Offset) -> io::Result<()> {
    let head = &found.head;
    let (base, last, size) = (head.base_offset(), head.last_offset(), head.size_bytes());
    writeln!(
        out,
        "     byte {}: offsets {base} to {last}, {size} bytes; {last} >= {wanted}, stop",
        found.position
    )?;
    writeln!(out, "\n5. The batch at byte {}", found.position)?;
    let codec = head.compression().map_or_else(|error| error.to_string(), |codec| codec.name().to_owned());
    writeln!(
        out,
        "     magic {}, {size} bytes, compression {codec}, leader epoch {}",
        head.magic().get(),
        head.leader_epoch()
    )?;
    if head.magic() != Magic::V2 {
        writeln!(out, "     (a message of this format tells only its last offset in its head)")?;
    }
    match &found.record {
        Some(found_record) => record(out, found_record, wanted),
        None => writeln!(out, "     It holds no record at or past {wanted}: compaction took it away."),
    }
}

fn record(out: &mut impl Write, record: &FoundRecord, wanted: Offset) -> io::Result<()> {
    if record.offset != wanted {
        writeln!(
            out,
            "     Offset {wanted} is no longer there, compaction took it away; a reader gets {} next.",
            record.offset
        )?;
    }
    writeln!(out, "     record {} of {} in it is offset {}", record.number, record.of, record.offset)?;
    writeln!(
        out,
        "     time   {}",
        if record.timestamp_ms < 0 { "none".to_owned() } else { rfc3339(record.timestamp_ms) }
    )?;
    writeln!(out, "     key    {}", shown(record.key.as_deref()))?;
    writeln!(out, "     value  {}", shown(record.value.as_deref()))
}

fn shown(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else { return "null".to_owned() };
    let text = escaped(bytes);
    match text.char_indices().nth(SHOWN_CHARS) {
        None => text,
        Some((end, _)) => format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), bytes.len()),
    }
}
