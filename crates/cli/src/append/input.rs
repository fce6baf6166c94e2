use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// Lines that were read and not taken yet.
const LINES_AHEAD: usize = 1024;
/// A longer line is refused before it fills the memory.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// What standard input brings.
#[derive(Debug)]
pub enum Line {
    /// A line without its end.
    Line(Vec<u8>),
    /// The system's answer, or that a line is too long.
    Failed(io::Error),
}

/// Lines, read by a thread of their own, so that waiting for one has an end.
pub struct Input {
    lines: Receiver<Line>,
}

impl Input {
    /// Starts to read.
    pub fn start(from: impl Read + Send + 'static) -> Result<Input> {
        let (sender, lines) = sync_channel(LINES_AHEAD);
        let read = move || read_lines(BufReader::with_capacity(64 << 10, from), &sender);
        thread::Builder::new().name("ottla-input".to_owned()).spawn(read).context("cannot start a thread")?;
        Ok(Input { lines })
    }

    /// The next line; waits for it so long.
    pub fn next(&self, timeout: Duration) -> Result<Line, RecvTimeoutError> {
        self.lines.recv_timeout(timeout)
    }
}

/// Reads until the end, or until nobody takes lines any more.
fn read_lines(mut from: impl BufRead, to: &SyncSender<Line>) {
    loop {
        let mut line = Vec::new();
        let read = from.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line);
        let line = match read {
            Ok(0) => return,
            Ok(_) if line.last() == Some(&b'\n') => {
                line.pop();
                Line::Line(line)
            }
            Ok(read) if read as u64 > MAX_LINE_BYTES => Line::Failed(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a line is longer than {MAX_LINE_BYTES} bytes"),
            )),
            Ok(_) => Line::Line(line),
            Err(error) => Line::Failed(error),
        };
        let is_last = matches!(line, Line::Failed(_));
        if to.send(line).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bytes_and_the_last_needs_no_end() {
        let input = Input::start(&b"one\n\n\xff\r\nlast"[..]).unwrap();
        let mut lines = Vec::new();
        while let Ok(Line::Line(line)) = input.next(Duration::from_secs(5)) {
            lines.push(line);
        }
        assert_eq!(lines, [&b"one"[..], b"", b"\xff\r", b"last"]);
    }
}
