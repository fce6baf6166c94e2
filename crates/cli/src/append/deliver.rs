//! Lines become batches, and batches go to the sink: when they are full, or have waited long enough.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use ottla::{Clock, SystemClock};

use super::args::AppendArgs;
use super::batcher::Batcher;
use super::input::{Input, Line};
use super::sink::Sink;
use super::tally::Tally;
use crate::progress;

/// How often the wish to stop is looked at while no line comes.
const STOP_INTERVAL: Duration = Duration::from_millis(100);

/// Appends all that comes from standard input, until it ends or `stop` is set; `tally` counts what was taken.
pub(super) fn append_all(
    args: &AppendArgs,
    sink: &mut dyn Sink,
    stop: &AtomicBool,
    tally: &mut Tally,
) -> Result<()> {
    let mut work = Work {
        args,
        sink,
        tally,
        clock: SystemClock::new(),
        batcher: Batcher::new(args.compression, args.batch_bytes),
        batch_since: None,
        lines: 0,
        bar: progress::records("appending"),
    };
    let outcome = work.take_lines(&Input::start(io::stdin())?, stop);
    // What came before a line that cannot be taken is appended.
    let rest = work.deliver();
    work.bar.finish_and_clear();
    outcome.and(rest)
}

/// Lines on their way into batches, and batches on their way out.
struct Work<'a> {
    args: &'a AppendArgs,
    sink: &'a mut dyn Sink,
    tally: &'a mut Tally,
    clock: SystemClock,
    batcher: Batcher,
    /// When the first record of the batch came; `None` while there is none.
    batch_since: Option<Duration>,
    lines: u64,
    bar: ProgressBar,
}

impl Work<'_> {
    /// Takes lines until there are no more, or until it is told to stop.
    fn take_lines(&mut self, input: &Input, stop: &AtomicBool) -> Result<()> {
        while !stop.load(Ordering::Relaxed) {
            match input.next(self.time_left()) {
                Ok(Line::Line(line)) => {
                    self.lines += 1;
                    self.take(&line)?;
                }
                Ok(Line::Failed(error)) => return Err(error).context("cannot read standard input"),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if self.time_left().is_zero() {
                self.deliver()?;
            }
        }
        Ok(())
    }

    /// How long the batch may still wait for lines; without one, how long until somebody may want to stop.
    fn time_left(&self) -> Duration {
        match self.batch_since {
            None => STOP_INTERVAL,
            Some(since) => {
                let linger = Duration::from_millis(self.args.linger_ms);
                linger.saturating_sub(self.clock.monotonic().saturating_sub(since)).min(STOP_INTERVAL)
            }
        }
    }

    fn take(&mut self, line: &[u8]) -> Result<()> {
        let (key, value) = split(line, self.args.key_separator.as_deref())
            .with_context(|| format!("line {}", self.lines))?;
        if !self.batcher.has_room_for(key, value) {
            self.deliver()?;
        }
        self.batcher.push(self.clock.now_ms(), key, value)?;
        self.batch_since.get_or_insert_with(|| self.clock.monotonic());
        Ok(())
    }

    /// Appends the batch so far.
    fn deliver(&mut self) -> Result<()> {
        self.batch_since = None;
        let Some(batch) = self.batcher.take()? else { return Ok(()) };
        let records = batch.records;
        let (first, last) = self.sink.append(batch)?;
        self.tally.records += records;
        self.tally.batches += 1;
        self.tally.offsets = Some((self.tally.offsets.map_or(first, |(earliest, _)| earliest), last));
        self.bar.set_position(self.tally.records);
        Ok(())
    }
}

/// Key and value of a line.
fn split<'a>(line: &'a [u8], separator: Option<&str>) -> Result<(Option<&'a [u8]>, &'a [u8])> {
    let Some(separator) = separator.map(str::as_bytes) else { return Ok((None, line)) };
    let at = line.windows(separator.len()).position(|window| window == separator);
    let at = at.context("there is no key separator in it, so it and what follows was not appended")?;
    let (key, rest) = line.split_at(at);
    Ok((Some(key), rest.get(separator.len()..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_at_the_first_separator() {
        assert_eq!(split(b"a:b:c", None).unwrap(), (None, &b"a:b:c"[..]));
        assert_eq!(split(b"a:b:c", Some(":")).unwrap(), (Some(&b"a"[..]), &b"b:c"[..]));
        assert_eq!(split(b"a => ", Some(" => ")).unwrap(), (Some(&b"a"[..]), &b""[..]));
        assert_eq!(split(b":", Some(":")).unwrap(), (Some(&b""[..]), &b""[..]));
        assert!(split(b"abc", Some(":")).is_err());
    }
}
