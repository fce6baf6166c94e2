//! The counts that are kept: a path may become cheaper, and not dearer.

use std::collections::BTreeMap;
use std::fmt;

/// Where they are kept.
pub const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.txt");

/// What a compiler or a hash seed moves by itself, in per cent.
const TOLERANCE_PERCENT: u64 = 3;

/// What a count is against the one that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is kept of it.
    New,
    /// As many, or nearly so.
    Held,
    /// Fewer: the file could be written anew.
    Shrunk,
    /// More.
    Grown,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::New => "not in the file yet",
            Verdict::Held => "",
            Verdict::Shrunk => "less: hold it with --write",
            Verdict::Grown => "MORE",
        })
    }
}

/// Holds a count against the one that is kept.
pub fn judge(now: u64, kept: Option<u64>) -> Verdict {
    let Some(kept) = kept else { return Verdict::New };
    let allowance = kept * TOLERANCE_PERCENT / 100;
    match now {
        now if now > kept + allowance => Verdict::Grown,
        now if now + allowance < kept => Verdict::Shrunk,
        _ => Verdict::Held,
    }
}

/// The text of the file.
pub fn encode(counts: &BTreeMap<String, u64>) -> String {
    counts.iter().map(|(name, count)| format!("{count:>12}  {name}\n")).collect()
}

/// The counts of the file.
pub fn decode(text: &str) -> BTreeMap<String, u64> {
    let lines = text.lines().filter_map(|line| line.trim().split_once("  "));
    lines.filter_map(|(count, name)| Some((name.to_owned(), count.parse().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_become_cheaper_and_not_dearer() {
        assert_eq!(judge(1_000, None), Verdict::New);
        for (now, expected) in
            [(1_030, Verdict::Held), (1_031, Verdict::Grown), (970, Verdict::Held), (969, Verdict::Shrunk)]
        {
            assert_eq!(judge(now, Some(1_000)), expected, "{now}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let counts = BTreeMap::from([("find an offset".to_owned(), 900), ("append".to_owned(), 12_345_678)]);
        assert_eq!(decode(&encode(&counts)), counts);
    }
}
