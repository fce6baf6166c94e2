//! Kafka's text format for small tables (`CheckpointFile`): a version line, a line with the number of
//! entries, and a line for each entry.

use std::fmt::{Display, Write};
use std::path::Path;

use super::text::{Line, lines, shown, utf8};
use crate::Corruption;

/// The only version there is.
const VERSION: &str = "0";

/// One such file, and what a person does about a broken one.
#[derive(Clone, Copy, Debug)]
pub(super) struct CheckpointFile<'a> {
    pub(super) path: &'a Path,
    pub(super) advice: &'static str,
}

impl CheckpointFile<'_> {
    /// The entry lines, once version, count and line ends are right. An empty file has none: Kafka
    /// makes the file before it first writes it.
    pub(super) fn entries<'t>(&self, bytes: &'t [u8]) -> Result<Vec<Line<'t>>, Corruption> {
        let mut lines = lines(utf8(self.path, bytes, self.advice)?);
        let Some(version) = lines.next() else { return Ok(Vec::new()) };
        if version.text != VERSION {
            return Err(self.broken(&version, "the version is not known", VERSION));
        }
        let Some(count) = lines.next() else {
            return Err(self.broken(&version, "the file ends after its version", "a line with the count"));
        };
        let entries: Vec<_> = lines.collect();
        let last = entries.last().unwrap_or(&count);
        if !last.ended {
            return Err(self.broken(last, "the file was cut within a line", "a line end"));
        }
        if count.text.parse() != Ok(entries.len()) {
            let expected = format!("{}, as many as entries follow", entries.len());
            return Err(self.broken(&count, "the count is wrong", &expected));
        }
        Ok(entries)
    }

    /// The finding that this line is wrong.
    pub(super) fn broken(&self, line: &Line<'_>, what: &'static str, expected: &str) -> Corruption {
        Corruption {
            path: self.path.to_path_buf(),
            position: Some(line.position),
            what,
            expected: expected.to_owned(),
            found: shown(line.text),
            advice: self.advice,
        }
    }
}

/// The text of a file with these entries.
pub(super) fn format<T: Display>(entries: impl ExactSizeIterator<Item = T>) -> String {
    let mut text = format!("{VERSION}\n{}\n", entries.len());
    for entry in entries {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{entry}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Result<Vec<&str>, Corruption> {
        let file = CheckpointFile { path: Path::new("checkpoint"), advice: "look" };
        Ok(file.entries(text.as_bytes())?.into_iter().map(|line| line.text).collect())
    }

    fn what(text: &str) -> (&'static str, Option<u64>) {
        let found = entries(text).unwrap_err();
        (found.what, found.position)
    }

    #[test]
    fn entries_are_the_lines_after_version_and_count() {
        assert_eq!(entries("0\n2\na 1\nb 2\n").unwrap(), ["a 1", "b 2"]);
        assert_eq!(entries("0\n0\n").unwrap(), [""; 0]);
        assert_eq!(entries("0\r\n1\r\na 1\r\n").unwrap(), ["a 1"]);
    }

    #[test]
    fn an_empty_file_has_no_entries() {
        assert_eq!(entries("").unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = format(["a 1", "b 2"].into_iter());
        assert_eq!(text, "0\n2\na 1\nb 2\n");
        assert_eq!(entries(&text).unwrap(), ["a 1", "b 2"]);
        assert_eq!(format([""; 0].into_iter()), "0\n0\n");
    }

    #[test]
    fn every_way_to_be_broken_is_told_with_its_place() {
        assert_eq!(what("1\n0\n"), ("the version is not known", Some(0)));
        assert_eq!(what("x"), ("the version is not known", Some(0)));
        assert_eq!(what("\n"), ("the version is not known", Some(0)));
        assert_eq!(what("0\n"), ("the file ends after its version", Some(0)));
        assert_eq!(what("0"), ("the file ends after its version", Some(0)));
        assert_eq!(what("0\n1\n"), ("the count is wrong", Some(2)));
        assert_eq!(what("0\n-1\n"), ("the count is wrong", Some(2)));
        assert_eq!(what("0\n99999999999999999999\n"), ("the count is wrong", Some(2)));
        assert_eq!(what("0\n2147483647\na 1\n"), ("the count is wrong", Some(2)));
        assert_eq!(what("0\n1\na 1\n\n"), ("the count is wrong", Some(2)));
        assert_eq!(what("0\n1\na 1"), ("the file was cut within a line", Some(4)));
        assert_eq!(what("0\n0"), ("the file was cut within a line", Some(2)));
    }

    #[test]
    fn every_cut_of_a_file_is_noticed() {
        let whole = "0\n3\nletters 0 1234\nletters 1 5678\nparcels 0 90\n";
        for end in 1..whole.len() {
            assert!(entries(&whole[..end]).is_err(), "cut at {end}");
        }
    }
}
