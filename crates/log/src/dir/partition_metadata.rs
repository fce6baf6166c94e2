//! `partition.metadata`: the topic id of a log, in its directory.

use std::path::{Path, PathBuf};

use super::text::{Line, lines, shown, utf8};
use super::uuid::TopicId;
use super::whole_file::{read_whole, write_atomically};
use crate::fs::FileSystem;
use crate::{Corruption, Result};

const FILE_NAME: &str = "partition.metadata";
const ADVICE: &str = "restore the file with the topic id that the cluster metadata has for this topic";

/// What a log knows of its topic. Kafka: `PartitionMetadataFile`.
///
/// ```text
/// version: 0
/// topic_id: zHCIxbTgTFqd7XoBtnZJqA
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionMetadata {
    /// The id of the log's topic.
    pub topic_id: TopicId,
}

impl PartitionMetadata {
    /// The file's path in a partition directory.
    pub fn path(partition_dir: &Path) -> PathBuf {
        partition_dir.join(FILE_NAME)
    }

    /// Reads the file; `None` where there is none, as in logs older than topic ids.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) for anything that Kafka would not have written whole,
    /// [`Error::Io`](crate::Error::Io) for what the system refuses.
    pub fn read(fs: &dyn FileSystem, partition_dir: &Path) -> Result<Option<PartitionMetadata>> {
        let path = PartitionMetadata::path(partition_dir);
        match read_whole(fs, &path)? {
            None => Ok(None),
            Some(bytes) => Ok(Some(parse(&path, &bytes)?)),
        }
    }

    /// Replaces the file, durably (see [`write_atomically`]).
    ///
    /// # Errors
    /// As [`write_atomically`].
    pub fn write(&self, fs: &dyn FileSystem, partition_dir: &Path) -> Result<()> {
        let text = format!("version: 0\ntopic_id: {}", self.topic_id);
        write_atomically(fs, &PartitionMetadata::path(partition_dir), text.as_bytes())
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<PartitionMetadata, Corruption> {
    let mut lines = lines(utf8(path, bytes, ADVICE)?);
    let end = Line { position: bytes.len() as u64, text: "", ended: false };
    let broken = |line: Line<'_>, what, expected: &str| Corruption {
        path: path.to_path_buf(),
        position: Some(line.position),
        what,
        expected: expected.to_owned(),
        found: shown(line.text),
        advice: ADVICE,
    };

    let line = lines.next().unwrap_or(end);
    // Kafka reads every later version as this one.
    let version: Option<u32> = value(line.text, "version").and_then(|version| version.parse().ok());
    if version.is_none_or(|version| i32::try_from(version).is_err()) {
        return Err(broken(line, "the version is not valid", "version: 0"));
    }
    let line = lines.next().unwrap_or(end);
    match value(line.text, "topic_id").map(str::parse) {
        Some(Ok(topic_id)) if topic_id != TopicId::ZERO => Ok(PartitionMetadata { topic_id }),
        _ => Err(broken(line, "the topic id is not valid", "topic_id: and 22 characters of base64url")),
    }
}

fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.strip_prefix(name)?.strip_prefix(": ").map(str::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::fs::Os;

    fn read(text: &str) -> Result<Option<PartitionMetadata>> {
        let dir = tempfile::tempdir().unwrap();
        write_atomically(&Os, &dir.path().join("partition.metadata"), text.as_bytes()).unwrap();
        PartitionMetadata::read(&Os, dir.path())
    }

    #[test]
    fn what_kafka_wrote_is_read_and_written_back_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let text = "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ";
        let metadata = read(text).unwrap().unwrap();
        assert_eq!(metadata.topic_id, TopicId::METADATA_TOPIC);
        metadata.write(&Os, dir.path()).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("partition.metadata")).unwrap(), text);
    }

    #[test]
    fn a_missing_file_is_told_apart_from_a_broken_one() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(PartitionMetadata::read(&Os, dir.path()).unwrap(), None);
        assert!(matches!(read(""), Err(Error::Corrupt(_))));
    }

    #[test]
    fn a_line_end_and_a_later_version_are_taken_as_kafka_takes_them() {
        assert!(read("version: 0\r\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\n").unwrap().is_some());
        assert!(read("version: 1\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\nmore: 1\n").unwrap().is_some());
    }

    #[test]
    fn broken_lines_are_pointed_at() {
        for (text, what, position) in [
            ("version: -1\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ", "the version is not valid", 0),
            ("version:0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ", "the version is not valid", 0),
            ("version: 4294967295\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ", "the version is not valid", 0),
            ("version: 0", "the topic id is not valid", 10),
            ("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAA", "the topic id is not valid", 11),
            ("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA", "the topic id is not valid", 11),
            ("version: 0\nid: AAAAAAAAAAAAAAAAAAAAAQ", "the topic id is not valid", 11),
        ] {
            let Err(Error::Corrupt(found)) = read(text) else { panic!("{text:?} was taken") };
            assert_eq!((found.what, found.position), (what, Some(position)), "{text:?}");
        }
    }

    #[test]
    fn every_cut_of_the_file_is_noticed() {
        let whole = "version: 0\ntopic_id: zHCIxbTgTFqd7XoBtnZJqA";
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "cut at {end}");
        }
    }
}
