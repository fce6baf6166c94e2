//! Bytes of records as text that cannot play tricks on a terminal or break a line.

use std::fmt::Write;

use indicatif::HumanCount;

/// The bytes as text: what is not UTF-8 becomes U+FFFD, control characters and backslashes are escaped.
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c.is_control() || is_direction(c) => {
                // Writing to a string does not fail.
                let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text
}

/// Characters that turn the direction of the text after them.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `1 record`, `1,234 records`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", HumanCount(count), if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_and_what_a_terminal_would_act_on_does_not() {
        assert_eq!(escaped("hello kitty 零拷贝".as_bytes()), "hello kitty 零拷贝");
        assert_eq!(escaped(b"a\tb\nc\\\x1b[31m\0"), "a\\tb\\nc\\\\\\u{1b}[31m\\u{0}");
        assert_eq!(escaped(b"\xff"), "\u{fffd}");
        assert_eq!(escaped("\u{202e}x".as_bytes()), "\\u{202e}x");
    }
}
