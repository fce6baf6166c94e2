//! What the workload is told to do, as one line of text each: the parent decides, the child does.

use std::fmt;
use std::str::{FromStr, SplitWhitespace};

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// Its topic. The first letter says what kind it is: see [`crate::generate`].
    pub topic: String,
    /// Its number.
    pub partition: i32,
}

/// Who a batch is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer {
    /// Its id.
    pub id: i64,
    /// The sequence number of the first record.
    pub sequence: i32,
    /// Whether the batch belongs to a transaction.
    pub transactional: bool,
}

/// One batch: records with the numbers `first` and on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The number of the first record.
    pub first: u64,
    /// How many records.
    pub count: u32,
    /// How long each value is.
    pub len: u32,
    /// Who sends it, if anybody who can be known again.
    pub producer: Option<Producer>,
}

/// One call of the library.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the call of that name")]
pub enum Op {
    Open,
    Close,
    /// The store is dropped, as by a process that is killed.
    Drop,
    Create {
        topic: String,
        partitions: i32,
    },
    Delete {
        topic: String,
    },
    Grow {
        topic: String,
        total: i32,
    },
    Alter {
        topic: String,
        max_message_bytes: u32,
    },
    Append {
        at: At,
        batch: Batch,
    },
    EndTransaction {
        at: At,
        producer_id: i64,
        commit: bool,
    },
    Sync {
        at: At,
    },
    Flush {
        at: At,
    },
    Truncate {
        at: At,
        to: i64,
    },
    DeleteRecords {
        at: At,
        before: i64,
    },
    Compact {
        at: At,
    },
    Housekeep,
    ProducerId,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.topic, self.partition)
    }
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Producer { id, sequence, transactional } =
            self.producer.unwrap_or(Producer { id: -1, sequence: -1, transactional: false });
        write!(f, "{} {} {} {id} {sequence} {transactional}", self.first, self.count, self.len)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Open => write!(f, "open"),
            Op::Close => write!(f, "close"),
            Op::Drop => write!(f, "drop"),
            Op::Create { topic, partitions } => write!(f, "create {topic} {partitions}"),
            Op::Delete { topic } => write!(f, "delete {topic}"),
            Op::Grow { topic, total } => write!(f, "grow {topic} {total}"),
            Op::Alter { topic, max_message_bytes } => write!(f, "alter {topic} {max_message_bytes}"),
            Op::Append { at, batch } => write!(f, "append {at} {batch}"),
            Op::EndTransaction { at, producer_id, commit } => write!(f, "end {at} {producer_id} {commit}"),
            Op::Sync { at } => write!(f, "sync {at}"),
            Op::Flush { at } => write!(f, "flush {at}"),
            Op::Truncate { at, to } => write!(f, "truncate {at} {to}"),
            Op::DeleteRecords { at, before } => write!(f, "trim {at} {before}"),
            Op::Compact { at } => write!(f, "compact {at}"),
            Op::Housekeep => write!(f, "housekeep"),
            Op::ProducerId => write!(f, "producer-id"),
        }
    }
}

/// The next word, as whatever it must be.
fn word<T: FromStr>(words: &mut SplitWhitespace<'_>) -> Result<T, String> {
    let word = words.next().ok_or("the line ends early")?;
    word.parse().map_err(|_| format!("{word} is not what must stand there"))
}

fn at(words: &mut SplitWhitespace<'_>) -> Result<At, String> {
    Ok(At { topic: word(words)?, partition: word(words)? })
}

fn batch(words: &mut SplitWhitespace<'_>) -> Result<Batch, String> {
    let (first, count, len) = (word(words)?, word(words)?, word(words)?);
    let producer = Producer { id: word(words)?, sequence: word(words)?, transactional: word(words)? };
    Ok(Batch { first, count, len, producer: (producer.id >= 0).then_some(producer) })
}

impl FromStr for Op {
    type Err = String;

    fn from_str(line: &str) -> Result<Op, String> {
        let words = &mut line.split_whitespace();
        let verb: String = word(words)?;
        Ok(match verb.as_str() {
            "open" => Op::Open,
            "close" => Op::Close,
            "drop" => Op::Drop,
            "create" => Op::Create { topic: word(words)?, partitions: word(words)? },
            "delete" => Op::Delete { topic: word(words)? },
            "grow" => Op::Grow { topic: word(words)?, total: word(words)? },
            "alter" => Op::Alter { topic: word(words)?, max_message_bytes: word(words)? },
            "append" => Op::Append { at: at(words)?, batch: batch(words)? },
            "end" => Op::EndTransaction { at: at(words)?, producer_id: word(words)?, commit: word(words)? },
            "sync" => Op::Sync { at: at(words)? },
            "flush" => Op::Flush { at: at(words)? },
            "truncate" => Op::Truncate { at: at(words)?, to: word(words)? },
            "trim" => Op::DeleteRecords { at: at(words)?, before: word(words)? },
            "compact" => Op::Compact { at: at(words)? },
            "housekeep" => Op::Housekeep,
            "producer-id" => Op::ProducerId,
            other => return Err(format!("{other} is not known")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_read_as_it_was_written() {
        let at = At { topic: "a1".to_owned(), partition: 2 };
        let producer = Some(Producer { id: 1, sequence: 7, transactional: true });
        let batch = Batch { first: 17, count: 3, len: 200, producer };
        let topic = "b".to_owned();
        let ops = [
            Op::Open,
            Op::Close,
            Op::Drop,
            Op::Create { topic: topic.clone(), partitions: 3 },
            Op::Delete { topic: topic.clone() },
            Op::Grow { topic: topic.clone(), total: 4 },
            Op::Alter { topic, max_message_bytes: 90_001 },
            Op::Append { at: at.clone(), batch },
            Op::Append { at: at.clone(), batch: Batch { producer: None, ..batch } },
            Op::EndTransaction { at: at.clone(), producer_id: 1, commit: false },
            Op::Sync { at: at.clone() },
            Op::Flush { at: at.clone() },
            Op::Truncate { at: at.clone(), to: 5 },
            Op::DeleteRecords { at: at.clone(), before: 6 },
            Op::Compact { at },
            Op::Housekeep,
            Op::ProducerId,
        ];
        for op in ops {
            assert_eq!(op.to_string().parse(), Ok(op));
        }
    }
}
