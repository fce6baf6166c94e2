//! Topics, partitions and the names of their directories: `<topic>-<partition>`.

use std::fmt;
use std::sync::Arc;

use crate::{Error, Result};

/// Kafka's limit for a topic name.
const MAX_TOPIC_LEN: usize = 249;
/// What every file system in use takes as a name.
const MAX_FILE_NAME_LEN: usize = 255;
/// Hexadecimal digits of the unique id in the name of a directory that is no log any more.
const UNIQUE_ID_LEN: usize = 32;

/// One partition of a topic. Holds a valid name, so it can be trusted in a path.
///
/// ```
/// use ottla::dir::TopicPartition;
/// let letters = TopicPartition::new("letters", 3)?;
/// assert_eq!(letters.to_string(), "letters-3");
/// assert!(TopicPartition::new("../etc", 0).is_err());
/// # Ok::<(), ottla::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    topic: Arc<str>,
    partition: i32,
}

impl TopicPartition {
    /// The partition of this number in the topic of this name.
    ///
    /// # Errors
    /// [`Error::InvalidTopic`] for a name that Kafka would refuse (`Topic.validate`), a negative
    /// number, or a directory name longer than file systems take.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Result<TopicPartition> {
        let topic = topic.into();
        match broken_rule(&topic, partition) {
            None => Ok(TopicPartition { topic, partition }),
            Some(reason) => Err(Error::InvalidTopic { name: topic.to_string(), reason }),
        }
    }

    /// The topic's name.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The topic's name, to be shared.
    pub fn shared_topic(&self) -> Arc<str> {
        Arc::clone(&self.topic)
    }

    /// The partition's number, from 0.
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// The name of the directory that holds the log.
    pub fn dir_name(&self) -> String {
        self.to_string()
    }

    /// The name that the directory gets when its topic is deleted, until it is removed. `unique`
    /// keeps apart two that had the same name, so it is random, or counted. Kafka:
    /// `LocalLog.logDeleteDirName`, which also shortens a long topic so that the name fits.
    pub fn deleted_dir_name(&self, unique: u128) -> String {
        let rest = format!("-{}.{unique:0UNIQUE_ID_LEN$x}-delete", self.partition);
        let topic_len = self.topic.len().min(MAX_FILE_NAME_LEN.saturating_sub(rest.len()));
        // A topic name is ASCII, so every length is a character boundary.
        format!("{}{rest}", self.topic.get(..topic_len).unwrap_or_default())
    }

    fn parse(name: &str) -> Option<TopicPartition> {
        let (topic, digits) = name.rsplit_once('-')?;
        let partition = digits.parse().ok()?;
        let parsed = TopicPartition::new(topic, partition).ok()?;
        // "t-01" and "t-+1" are numbers too, but nobody writes them.
        (parsed.to_string() == name).then_some(parsed)
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

fn broken_rule(topic: &str, partition: i32) -> Option<&'static str> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    match topic {
        "" => Some("it is empty"),
        "." | ".." => Some("it means a directory"),
        _ if topic.len() > MAX_TOPIC_LEN => Some("it is longer than 249 characters"),
        _ if !topic.bytes().all(allowed) => Some("only ASCII letters, digits, '.', '_' and '-' are allowed"),
        _ if partition < 0 => Some("its partition number is negative"),
        _ if topic.len() + 1 + digits(partition) > MAX_FILE_NAME_LEN => {
            Some("topic and partition make a directory name longer than 255 bytes")
        }
        _ => None,
    }
}

fn digits(partition: i32) -> usize {
    partition.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// What a directory in a data directory is, by its name. Kafka: `LocalLog.parseTopicPartitionName`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirName {
    /// A log.
    Partition(TopicPartition),
    /// What is left of a deleted log, to be removed. A long topic name may be shortened.
    Deleted(TopicPartition),
    /// A log that Kafka was moving here from another disk.
    Future(TopicPartition),
    /// A log that Kafka found and did not know. A long topic name may be shortened.
    Stray(TopicPartition),
}

impl DirName {
    /// Reads a name. `None` where it is not exactly what Kafka or ottla writes: then the directory is
    /// not ours to touch.
    pub fn parse(name: &str) -> Option<DirName> {
        if let Some(partition) = TopicPartition::parse(name) {
            return Some(DirName::Partition(partition));
        }
        let (name, end) = name.rsplit_once('-')?;
        let (name, unique) = name.rsplit_once('.')?;
        if unique.len() != UNIQUE_ID_LEN || !unique.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let partition = TopicPartition::parse(name)?;
        match end {
            "delete" => Some(DirName::Deleted(partition)),
            "future" => Some(DirName::Future(partition)),
            "stray" => Some(DirName::Stray(partition)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tp(topic: &str, partition: i32) -> TopicPartition {
        TopicPartition::new(topic, partition).unwrap()
    }

    fn reason(topic: &str, partition: i32) -> &'static str {
        match TopicPartition::new(topic, partition) {
            Err(Error::InvalidTopic { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    const UNIQUE: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn topic_names_follow_kafkas_rules() {
        for topic in ["a", "A.b_c-9", "-", "...", "__consumer_offsets", &"x".repeat(249)] {
            assert_eq!(tp(topic, 0).topic(), topic);
        }
        assert_eq!(reason("", 0), "it is empty");
        assert_eq!(reason(".", 0), "it means a directory");
        assert_eq!(reason("..", 0), "it means a directory");
        assert_eq!(reason(&"x".repeat(250), 0), "it is longer than 249 characters");
        for topic in ["a/b", "a b", "a\0", "á", "a\n", "a:b", "a\\b", "%2e"] {
            assert!(reason(topic, 0).starts_with("only ASCII"), "{topic:?}");
        }
        assert_eq!(reason("a", -1), "its partition number is negative");
    }

    #[test]
    fn a_name_too_long_for_a_directory_is_refused_before_the_system_does() {
        let topic = "x".repeat(249);
        assert_eq!(tp(&topic, 99_999).dir_name().len(), 255);
        assert!(reason(&topic, 100_000).contains("255"));
        assert_eq!(tp(&"x".repeat(244), i32::MAX).dir_name().len(), 255);
        assert!(reason(&"x".repeat(245), i32::MAX).contains("255"));
    }

    #[test]
    fn directory_names_are_read_back() {
        for partition in [tp("a", 0), tp("a-1", 10), tp("-", 7), tp("a.b", i32::MAX), tp("x-delete", 0)] {
            assert_eq!(DirName::parse(&partition.dir_name()), Some(DirName::Partition(partition)));
        }
    }

    #[test]
    fn directories_that_are_no_logs_any_more_are_told_apart() {
        let name = |end: &str| DirName::parse(&format!("my-topic-12.{UNIQUE}{end}"));
        assert_eq!(name("-delete"), Some(DirName::Deleted(tp("my-topic", 12))));
        assert_eq!(name("-future"), Some(DirName::Future(tp("my-topic", 12))));
        assert_eq!(name("-stray"), Some(DirName::Stray(tp("my-topic", 12))));
        assert_eq!(name("-other"), None);
        assert_eq!(name(""), None);
    }

    #[test]
    fn a_topic_may_look_like_a_deleted_one() {
        let odd = tp(&format!("t-0.{UNIQUE}-delete"), 0);
        assert_eq!(DirName::parse(&odd.dir_name()), Some(DirName::Partition(odd)));
    }

    #[test]
    fn other_names_do_not_parse() {
        for name in [
            "",
            "-",
            "a",
            "a-",
            "-0",
            "..-0",
            "a-01",
            "a-+1",
            "a--",
            "a-0x",
            "a-2147483648",
            "a b-0",
            "lost+found",
            ".snapshots",
            "a-0-delete",
            "a-0.-delete",
            "a-0.0123-delete",
            "a-0.0123456789abcdef0123456789abcdeg-delete",
            "a.0123456789abcdef0123456789abcdef-delete",
            "-0.0123456789abcdef0123456789abcdef-delete",
            "a-0.0123456789abcdef0123456789abcdef-Delete",
            "a-0.0123456789abcdef0123456789abcdef-delete-",
        ] {
            assert_eq!(DirName::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn a_deleted_name_is_unique_and_fits() {
        let letters = tp("letters", 3);
        assert_eq!(letters.deleted_dir_name(255), "letters-3.000000000000000000000000000000ff-delete");
        assert_eq!(DirName::parse(&letters.deleted_dir_name(u128::MAX)), Some(DirName::Deleted(letters)));
        let long = tp(&"x".repeat(249), 42);
        let name = long.deleted_dir_name(1);
        assert_eq!(name.len(), 255);
        assert!(matches!(DirName::parse(&name), Some(DirName::Deleted(tp)) if tp.partition() == 42));
    }

    proptest::proptest! {
        #[test]
        fn no_name_panics_and_a_partition_is_written_as_it_was_read(name in "[a.\\-0-9+]{0,40}|\\PC{0,40}") {
            if let Some(DirName::Partition(partition)) = DirName::parse(&name) {
                assert_eq!(partition.dir_name(), name);
            }
        }
    }
}
