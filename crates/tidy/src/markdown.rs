/// A fenced block of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What stands after the opening fence.
    pub info: String,
    /// The lines in it.
    pub lines: Vec<String>,
}

/// The fenced blocks of a document whose info begins with this word.
pub fn blocks(document: &str, word: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for line in document.lines() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(info), None) => open = Some(Block { info: info.trim().to_owned(), lines: Vec::new() }),
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    found.retain(|block| block.info.split_whitespace().next() == Some(word));
    found
}

/// The cells of the first table after a heading, without its head and its rule.
pub fn table_after(document: &str, heading: &str) -> Vec<Vec<String>> {
    let after = document.lines().skip_while(|line| line.trim_start_matches('#').trim() != heading);
    let rows = after.skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.skip(2).map(cells).collect()
}

/// The bytes of a hex block: pairs of digits up to two spaces in a row, where the explanation begins.
pub fn hex_of(block: &Block) -> Vec<u8> {
    let digits: String = block.lines.iter().flat_map(|line| hex_column(line).chars()).collect();
    let digits: Vec<char> = digits.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).expect("pairs of hex digits"))
        .collect()
}

fn hex_column(line: &str) -> &str {
    let line = line.trim_start();
    line.split_once("  ").map_or(line, |(hex, _)| hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_tables_and_hex_are_read() {
        let document =
            "# A\n\n| x | y |\n| - | - |\n| 1 | `2` |\n\n```hex a\n00 ff  two bytes\n7f  one\n```\n";
        assert_eq!(table_after(document, "A"), [["1", "`2`"]]);
        let blocks = blocks(document, "hex");
        assert_eq!(blocks[0].info, "hex a");
        assert_eq!(hex_of(&blocks[0]), [0, 255, 127]);
    }
}
