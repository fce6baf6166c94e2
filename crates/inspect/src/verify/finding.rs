use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::kind::Kind;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file or directory.
    pub file: PathBuf,
    /// The byte, where one can be named.
    pub position: Option<u64>,
    /// What is wrong.
    pub kind: Kind,
    /// What was found, in numbers.
    pub what: String,
    /// Whether it is what a crash leaves behind: recovery cuts it off the next time the log is opened, and
    /// nothing that was said to be on disk goes with it.
    pub harmless: bool,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Partition directories.
    pub partitions: u64,
    /// Segments.
    pub segments: u64,
    /// Whole batches.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of whole batches.
    pub bytes: u64,
}

/// What a check came to.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order in which they were found.
    pub findings: Vec<Finding>,
    /// What was looked at.
    pub summary: Summary,
    /// How many findings of one kind in one file there were.
    counts: HashMap<(PathBuf, Kind), u64>,
}

impl Report {
    /// So many findings of one kind in one file are kept; of the others only the number.
    const KEPT: u64 = 10;

    /// Takes a finding in.
    pub fn add(&mut self, finding: Finding) {
        let count = self.counts.entry((finding.file.clone(), finding.kind)).or_default();
        *count += 1;
        if *count <= Report::KEPT {
            self.findings.push(finding);
        }
    }

    /// Takes in a finding that recovery does not put right.
    pub fn harm(
        &mut self,
        file: &Path,
        position: impl Into<Option<u64>>,
        kind: Kind,
        what: impl Into<String>,
    ) {
        let (file, position, what) = (file.to_path_buf(), position.into(), what.into());
        self.add(Finding { file, position, kind, what, harmless: false });
    }

    /// Takes in what another check came to.
    pub fn absorb(&mut self, other: Report) {
        let not_kept: Vec<_> =
            other.not_kept().iter().map(|(f, kind, n)| (f.to_path_buf(), *kind, *n)).collect();
        for finding in other.findings {
            self.add(finding);
        }
        for (file, kind, count) in not_kept {
            *self.counts.entry((file, kind)).or_default() += count;
        }
        let (mine, more) = (&mut self.summary, other.summary);
        mine.partitions += more.partitions;
        mine.segments += more.segments;
        mine.batches += more.batches;
        mine.records += more.records;
        mine.bytes += more.bytes;
    }

    /// Whether anything was found in this file.
    pub fn has(&self, file: &Path) -> bool {
        self.findings.iter().any(|finding| finding.file == file)
    }

    /// The findings that were only counted, by file and kind.
    pub fn not_kept(&self) -> Vec<(&Path, Kind, u64)> {
        let mut rest: Vec<_> = self
            .counts
            .iter()
            .filter(|(_, count)| **count > Report::KEPT)
            .map(|((file, kind), count)| (file.as_path(), *kind, *count - Report::KEPT))
            .collect();
        rest.sort_by_key(|(file, kind, _)| (file.to_path_buf(), kind.name()));
        rest
    }

    /// Whether nothing is wrong: there is nothing but remarks.
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.kind.is_remark())
    }

    /// The number of all findings.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_wrong_all_over_does_not_fill_the_memory() {
        let mut report = Report::default();
        for position in 0..1000 {
            report.harm(Path::new("a.index"), position, Kind::IndexEntry, "wrong");
        }
        report.harm(Path::new("a.index"), None, Kind::IndexOrder, "wrong");
        assert_eq!((report.findings.len(), report.total()), (11, 1001));
        assert_eq!(report.not_kept(), [(Path::new("a.index"), Kind::IndexEntry, 990)]);
        let mut whole = Report::default();
        whole.absorb(report);
        assert_eq!((whole.findings.len(), whole.total()), (11, 1001));
    }
}
