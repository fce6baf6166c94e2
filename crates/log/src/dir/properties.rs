//! Java's properties format, as far as Kafka uses it, read so that a rewrite keeps every line that it
//! does not mean to change. Java: `Properties.load` and `Properties.store`.

use std::iter::Peekable;
use std::str::Chars;

/// A properties file: its lines, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties {
    lines: Vec<Line>,
}

/// One logical line: what stands in the file, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    text: String,
    property: Option<(String, String)>,
}

/// An escape that Java does not take either: `\u` without four hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadEscape {
    /// Where its line begins.
    pub(super) position: u64,
}

impl Properties {
    pub(super) fn parse(text: &str) -> Result<Properties, BadEscape> {
        let mut lines = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (line, after) = rest.split_at(logical_line_len(rest));
            let position = (text.len() - rest.len()) as u64;
            lines.push(Line {
                text: line.to_owned(),
                property: property(line).ok_or(BadEscape { position })?,
            });
            rest = after;
        }
        Ok(Properties { lines })
    }

    /// The value of a key; of several, the last, as in Java.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let mut properties = self.lines.iter().rev().filter_map(|line| line.property.as_ref());
        properties.find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// Gives a key this value where it stands, or at the end.
    pub(super) fn set(&mut self, key: &str, value: &str) {
        let says = |line: &Line| line.property.as_ref().is_some_and(|(k, _)| k == key);
        let new = Line {
            text: format!("{}={}\n", escape(key, true), escape(value, false)),
            property: Some((key.to_owned(), value.to_owned())),
        };
        match self.lines.iter_mut().rfind(|line| says(line)) {
            Some(line) => *line = new,
            None => {
                self.end_last_line();
                self.lines.push(new);
            }
        }
    }

    /// Adds a comment line at the end.
    pub(super) fn comment(&mut self, text: &str) {
        self.end_last_line();
        self.lines.push(Line { text: format!("#{text}\n"), property: None });
    }

    pub(super) fn to_text(&self) -> String {
        self.lines.iter().map(|line| line.text.as_str()).collect()
    }

    fn end_last_line(&mut self) {
        if let Some(last) = self.lines.last_mut().filter(|last| !last.text.ends_with(['\n', '\r'])) {
            last.text.push('\n');
        }
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

/// The length of the first line with its end and with the lines that continue it.
fn logical_line_len(text: &str) -> usize {
    let first = text.trim_start_matches(is_blank);
    let comment = first.starts_with(['#', '!']);
    let mut len = 0;
    loop {
        let rest = text.get(len..).unwrap_or_default();
        let content = rest.split(['\n', '\r']).next().unwrap_or_default();
        let backslashes = content.len() - content.trim_end_matches('\\').len();
        let end = rest.get(content.len()..).unwrap_or_default();
        len += content.len() + if end.starts_with("\r\n") { 2 } else { usize::from(!end.is_empty()) };
        if comment || backslashes % 2 == 0 || end.is_empty() {
            return len;
        }
    }
}

/// What a logical line says; `Some(None)` for blank lines and comments, `None` for a bad escape.
fn property(line: &str) -> Option<Option<(String, String)>> {
    let mut chars = line.trim_start_matches(|c| is_blank(c) || is_line_end(c)).chars().peekable();
    if matches!(chars.peek(), None | Some('#' | '!')) {
        return Some(None);
    }
    let key = unescape(&mut chars, |c| is_blank(c) || c == '=' || c == ':')?;
    skip_blanks(&mut chars);
    if chars.next_if(|c| matches!(c, '=' | ':')).is_some() {
        skip_blanks(&mut chars);
    }
    let value = unescape(&mut chars, |_| false)?;
    Some(Some((key, value)))
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

fn skip_blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| is_blank(*c)).is_some() {}
}

/// Reads up to a character that ends the field, which stays, or to the line's end.
fn unescape(chars: &mut Peekable<Chars<'_>>, ends: impl Fn(char) -> bool) -> Option<String> {
    let mut units: Vec<u16> = Vec::new();
    while let Some(c) = chars.next_if(|c| !ends(*c) && !is_line_end(*c)) {
        if c != '\\' {
            push(&mut units, c);
            continue;
        }
        match chars.next() {
            // A backslash at the very end of the file stands for nothing.
            None => break,
            Some(end @ ('\r' | '\n')) => {
                if end == '\r' {
                    chars.next_if_eq(&'\n');
                }
                skip_blanks(chars);
            }
            Some('t') => push(&mut units, '\t'),
            Some('n') => push(&mut units, '\n'),
            Some('r') => push(&mut units, '\r'),
            Some('f') => push(&mut units, '\x0c'),
            Some('u') => units.push(hex_unit(chars)?),
            Some(other) => push(&mut units, other),
        }
    }
    String::from_utf16(&units).ok()
}

fn push(units: &mut Vec<u16>, c: char) {
    units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
}

fn hex_unit(chars: &mut Peekable<Chars<'_>>) -> Option<u16> {
    (0..4).try_fold(0, |unit, _| {
        let digit = chars.next_if(char::is_ascii_hexdigit)?.to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

/// What is not ASCII is escaped too, since Java reads such a file as Latin-1.
fn escape(text: &str, is_key: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (i, c) in text.char_indices() {
        match c {
            ' ' if is_key || i == 0 => escaped.push_str("\\ "),
            '=' | ':' | '#' | '!' | '\\' => escaped.extend(['\\', c]),
            '\t' => escaped.push_str("\\t"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\x0c' => escaped.push_str("\\f"),
            ' '..='~' => escaped.push(c),
            _ => c
                .encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| escaped.push_str(&format!("\\u{unit:04X}"))),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, key: &str) -> Option<String> {
        Properties::parse(text).unwrap().get(key).map(str::to_owned)
    }

    #[test]
    fn keys_and_values_are_split_as_java_does() {
        for text in
            ["k=v", "k = v", "k:v", "k v", "  k\t=\x0c v", "k==v\nk=v", "#k=x\n!k=y\n\nk=v\r\n", "k=v\r"]
        {
            assert_eq!(get(text, "k").as_deref(), Some("v"), "{text:?}");
        }
        assert_eq!(get("k=", "k").as_deref(), Some(""));
        assert_eq!(get("k", "k").as_deref(), Some(""));
        assert_eq!(get("k=v ", "k").as_deref(), Some("v "));
        assert_eq!(get("k= = v", "k").as_deref(), Some("= v"));
        assert_eq!(get("K=v", "k"), None);
    }

    #[test]
    fn escapes_are_read_as_java_does() {
        assert_eq!(get("a\\ b\\=c=\\ x\\:\\t\\q\\\\", "a b=c").as_deref(), Some(" x:\tq\\"));
        assert_eq!(get("k=\\u0159\\ud83d\\ude00", "k").as_deref(), Some("ř😀"));
        assert_eq!(get("k=v\\", "k").as_deref(), Some("v"));
        assert_eq!(Properties::parse("a=1\nk=\\u12x4").unwrap_err(), BadEscape { position: 4 });
        assert_eq!(Properties::parse("k=\\u1").unwrap_err(), BadEscape { position: 0 });
    }

    #[test]
    fn a_backslash_continues_a_line_but_not_a_comment() {
        assert_eq!(get("k=a\\\n   b\\\r\n\tc\nj=1", "k").as_deref(), Some("abc"));
        assert_eq!(get("k=a\\\\\nb=1", "k").as_deref(), Some("a\\"));
        assert_eq!(get("# c \\\nk=v", "k").as_deref(), Some("v"));
        assert_eq!(get("k=a\\\n   b\\\r\n\tc\nj=1", "j").as_deref(), Some("1"));
    }

    #[test]
    fn a_rewrite_keeps_every_other_line() {
        let text = "#\n#Sat Nov 21 06:56:17 UTC 2026\n! note\n\nnode.id=1\nunknown : a\\\n  b\nversion=1";
        let mut properties = Properties::parse(text).unwrap();
        assert_eq!(properties.to_text(), text);
        properties.set("node.id", "2");
        properties.set("directory.id", "x y");
        assert_eq!(
            properties.to_text(),
            "#\n#Sat Nov 21 06:56:17 UTC 2026\n! note\n\nnode.id=2\nunknown : a\\\n  b\nversion=1\ndirectory.id=x y\n"
        );
    }

    #[test]
    fn of_a_key_that_stands_twice_the_last_counts_and_is_changed() {
        let mut properties = Properties::parse("k=1\nk=2\n").unwrap();
        assert_eq!(properties.get("k"), Some("2"));
        properties.set("k", "3");
        assert_eq!(properties.get("k"), Some("3"));
        assert_eq!(properties.to_text(), "k=1\nk=3\n");
    }

    proptest::proptest! {
        #[test]
        fn what_is_set_is_read_back(key in "[ -~ř😀\t\n]{1,12}", value in "[ -~ř😀\t\n\r\x0c]{0,20}") {
            let mut properties = Properties::default();
            properties.comment("made by a test");
            properties.set(&key, &value);
            proptest::prop_assert!(properties.to_text().is_ascii());
            proptest::prop_assert_eq!(get(&properties.to_text(), &key), Some(value));
        }

        #[test]
        fn no_text_panics_or_loses_a_character(text in "[a=:\\\\ \t\n\r#!u0]{0,40}|\\PC{0,40}") {
            if let Ok(properties) = Properties::parse(&text) {
                proptest::prop_assert_eq!(properties.to_text(), text);
            }
        }
    }
}
