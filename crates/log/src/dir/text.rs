//! Lines of a small text file, each with its position, and the findings that point at them.

use std::path::Path;
use std::str;

use crate::Corruption;

/// So much of what was found is shown; the rest can be looked up by the position.
const MAX_SHOWN_CHARS: usize = 80;

/// One line without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Where it begins in the file.
    pub(super) position: u64,
    /// What it says.
    pub(super) text: &'a str,
    /// Whether a line end follows. Kafka ends every line of a checkpoint, so a last line without an
    /// end was cut, and its number may lack digits.
    pub(super) ended: bool,
}

/// The file as text.
pub(super) fn utf8<'a>(path: &Path, bytes: &'a [u8], advice: &'static str) -> Result<&'a str, Corruption> {
    str::from_utf8(bytes).map_err(|e| Corruption {
        path: path.to_path_buf(),
        position: Some(e.valid_up_to() as u64),
        what: "the file is not text",
        expected: "UTF-8".into(),
        found: "other bytes".into(),
        advice,
    })
}

/// The lines, ended by `\n` or `\r\n`.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut position = 0;
    text.split_inclusive('\n').map(move |whole| {
        let begin = position;
        position += whole.len() as u64;
        let text = whole.strip_suffix('\n').unwrap_or(whole);
        Line {
            position: begin,
            text: text.strip_suffix('\r').unwrap_or(text),
            ended: text.len() < whole.len(),
        }
    })
}

/// What was found, safe to print and short.
pub(super) fn shown(found: &str) -> String {
    let mut shown: String = found.chars().take(MAX_SHOWN_CHARS).collect();
    if shown.len() < found.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_where_they_begin_and_whether_they_end() {
        let line = |position, text, ended| Line { position, text, ended };
        let found: Vec<_> = lines("0\r\n2\n\nlast").collect();
        assert_eq!(
            found,
            [line(0, "0", true), line(3, "2", true), line(5, "", true), line(6, "last", false)]
        );
        assert_eq!(lines("").count(), 0);
    }

    #[test]
    fn what_is_shown_is_short_and_escaped() {
        assert_eq!(shown("a\u{1b}[31m"), r#""a\u{1b}[31m""#);
        assert!(shown(&"ř".repeat(5000)).chars().count() < 90);
    }

    #[test]
    fn bytes_that_are_no_text_are_pointed_at() {
        let found = utf8(Path::new("f"), b"ab\xff", "look").unwrap_err();
        assert_eq!(found.position, Some(2));
    }
}
