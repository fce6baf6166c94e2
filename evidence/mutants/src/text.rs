//! Putting text into text, and knowing afterwards where it is.

use std::ops::Range;

use crate::mutant::Place;

/// Text that goes in at a byte of the source.
pub(crate) struct Insert {
    pub(crate) at: usize,
    /// How many bytes of the source it stands for.
    pub(crate) instead_of: usize,
    /// Where several go in at one place: ends before beginnings, inner ends first, outer beginnings first.
    pub(crate) order: (u8, i64),
    pub(crate) text: String,
    /// Which bytes of it are which mutant's.
    pub(crate) parts: Vec<(Range<usize>, u32)>,
}

/// The source with everything put in, and where each mutant's bytes are now.
pub(crate) fn put_in(source: &str, mut inserts: Vec<Insert>) -> (String, Vec<(Range<usize>, u32)>) {
    inserts.sort_by_key(|insert| (insert.at, insert.order));
    let mut out = String::with_capacity(source.len() * 2);
    let mut parts = Vec::new();
    let mut taken = 0;
    for insert in inserts {
        out.push_str(source.get(taken..insert.at).unwrap_or_default());
        taken = insert.at + insert.instead_of;
        let base = out.len();
        parts.extend(insert.parts.into_iter().map(|(at, number)| (at.start + base..at.end + base, number)));
        out.push_str(&insert.text);
    }
    out.push_str(source.get(taken..).unwrap_or_default());
    (out, parts)
}

/// The byte at which a place is.
pub(crate) fn byte_of(source: &str, place: Place) -> Option<usize> {
    let mut at = 0;
    for (line, number) in source.split_inclusive('\n').zip(1..) {
        if number == place.line {
            let within = line.char_indices().map(|(byte, _)| byte).chain([line.len()]);
            return within.into_iter().nth(place.column.checked_sub(1)?).map(|byte| at + byte);
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_at_one_place_nests() {
        let insert = |at, order, text: &str, number| Insert {
            at,
            instead_of: 0,
            order,
            text: text.to_owned(),
            parts: vec![(0..text.len(), number)],
        };
        let inserts = vec![
            insert(2, (1, 0), "(", 1),
            insert(3, (0, 0), ")", 1),
            insert(2, (1, 1), "[", 2),
            insert(3, (0, -1), "]", 2),
        ];
        let (text, parts) = put_in("a b c", inserts);
        assert_eq!(text, "a ([b]) c");
        assert_eq!(parts, [(2..3, 1), (3..4, 2), (5..6, 2), (6..7, 1)]);
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(byte_of("ä\nbéx\n", Place { line: 2, column: 3 }), Some(6));
        assert_eq!(byte_of("a\nb", Place { line: 3, column: 1 }), None);
    }
}
