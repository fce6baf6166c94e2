/// The text of a Rust file with comments, strings and character literals blanked out; lines stay where they
/// are.
pub fn code_of(text: &str) -> String {
    let mut blanker =
        Blanker { chars: text.chars().collect(), at: 0, out: String::with_capacity(text.len()) };
    blanker.run();
    blanker.out
}

struct Blanker {
    chars: Vec<char>,
    at: usize,
    out: String,
}

impl Blanker {
    fn run(&mut self) {
        while let Some(c) = self.peek(0) {
            match (c, self.peek(1)) {
                ('/', Some('/')) => self.blank_while(|blanker| blanker.peek(0) != Some('\n')),
                ('/', Some('*')) => self.blank_block_comment(),
                ('r', Some('"' | '#')) if !self.after_word() => self.blank_raw_string(),
                ('"', _) => self.blank_string(),
                ('\'', _) => self.blank_char_or_keep_lifetime(),
                _ => self.keep(),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Whether what stands here goes on a word: `br"…"` begins a string, `for"` does not occur.
    fn after_word(&self) -> bool {
        self.out
            .chars()
            .next_back()
            .is_some_and(|c| (c.is_alphanumeric() && c != 'b' && c != 'c') || c == '_')
    }

    fn keep(&mut self) {
        self.out.extend(self.peek(0));
        self.at += 1;
    }

    fn blank(&mut self, count: usize) {
        for _ in 0..count {
            let Some(c) = self.peek(0) else { return };
            self.out.push(if c == '\n' { '\n' } else { ' ' });
            self.at += 1;
        }
    }

    fn blank_while(&mut self, go_on: impl Fn(&Blanker) -> bool) {
        while self.peek(0).is_some() && go_on(self) {
            self.blank(1);
        }
    }

    fn blank_block_comment(&mut self) {
        let mut depth = 0;
        while self.peek(0).is_some() {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                _ => {
                    self.blank(1);
                    continue;
                }
            }
            self.blank(2);
            if depth == 0 {
                return;
            }
        }
    }

    fn blank_raw_string(&mut self) {
        let hashes = (1..).take_while(|ahead| self.peek(*ahead) == Some('#')).count();
        if self.peek(1 + hashes) != Some('"') {
            return self.keep(); // a raw identifier
        }
        self.blank(2 + hashes);
        let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
        self.blank_while(|blanker| !blanker.chars[blanker.at..].starts_with(&end));
        self.blank(end.len());
    }

    fn blank_string(&mut self) {
        self.blank(1);
        while let Some(c) = self.peek(0).filter(|c| *c != '"') {
            self.blank(if c == '\\' { 2 } else { 1 });
        }
        self.blank(1);
    }

    fn blank_char_or_keep_lifetime(&mut self) {
        match (self.peek(1), self.peek(2)) {
            (Some('\\'), _) => {
                self.blank(3);
                self.blank_while(|blanker| blanker.peek(0) != Some('\''));
                self.blank(1);
            }
            (Some(_), Some('\'')) => self.blank(3),
            _ => self.keep(),
        }
    }
}

/// Code without what stands under `#[cfg(test)]`; lines stay where they are.
pub fn without_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..at]);
        let item = &rest[at..];
        let end = end_of_item(item);
        out.extend(item[..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &item[end..];
    }
    out + rest
}

/// Where the item ends that begins here: at its closing brace, or at a semicolon before any brace.
fn end_of_item(item: &str) -> usize {
    let mut depth = 0;
    for (at, c) in item.char_indices() {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    item.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_are_blanked() {
        let text = "a /* b /* c */ d */ e // f\n\"g \\\" {\" 'h' '\\'' r#\"i \" j\"# k<'l>";
        let expected = "a                   e     \n                                 k<'l>";
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeeze(&code_of(text)), squeeze(expected));
        assert_eq!(code_of(text).len(), text.len());
    }

    #[test]
    fn tests_are_left_out_and_the_rest_stays() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod t;\n";
        let left = without_tests(code);
        assert!(left.contains("fn a") && left.contains("fn c"));
        assert!(!left.contains("fn b") && !left.contains("mod t"));
        assert_eq!(left.lines().count(), code.lines().count());
    }
}
