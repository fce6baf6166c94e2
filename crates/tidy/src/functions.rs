/// One function and how long it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line it begins on, counted from 1.
    pub line: usize,
    /// Lines from its `fn` to its closing brace.
    pub lines: usize,
}

/// The functions with a body in code that [`code_of`](crate::code_of) returned.
pub fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let begins_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let Some(body) = body(&code[at..]).filter(|_| begins_word && !name.is_empty()) else { continue };
        let line = code[..at].matches('\n').count() + 1;
        let lines = code[at..at + body].matches('\n').count() + 1;
        found.push(Function { name, line, lines });
    }
    found
}

/// The length from `fn` to the end of the body; `None` where a semicolon ends the signature.
fn body(code: &str) -> Option<usize> {
    let (mut parens, mut braces) = (0, 0);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' if braces == 0 => parens += 1,
            ')' | ']' if braces == 0 => parens -= 1,
            ';' if parens == 0 && braces == 0 => return None,
            '{' if parens == 0 => braces += 1,
            '}' if parens == 0 && braces == 1 => return Some(at + 1),
            '}' if parens == 0 => braces -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_from_name_to_brace() {
        let code = "trait T {\n fn no_body(&self);\n}\n\nfn two(\n  a: [u8; 4],\n) {\n  if true { }\n}\n";
        assert_eq!(functions(code), [Function { name: "two".to_owned(), line: 5, lines: 5 }]);
    }
}
