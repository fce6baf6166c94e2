use super::{PARTITION, finish, frame};
use crate::dir::{TopicId, Uuid};
use crate::metadata::wire::{Reader, Result, put_count};

/// `PartitionRecord`: a partition and all that is known of it. What a leader among several replicas needs
/// beyond (who is in sync, being added or removed) is read over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::metadata) struct Partition {
    pub(in crate::metadata) partition: i32,
    pub(in crate::metadata) topic_id: TopicId,
    pub(in crate::metadata) replicas: Vec<i32>,
    pub(in crate::metadata) leader: i32,
    pub(in crate::metadata) leader_epoch: i32,
    pub(in crate::metadata) partition_epoch: i32,
    pub(in crate::metadata) directories: Vec<Uuid>,
}

/// Which version of `PartitionRecord` a metadata version allows: 1 since 3.7-IV2, 2 since 4.0-IV1.
pub(in crate::metadata) fn partition_record_version(metadata_version: i16) -> u32 {
    match metadata_version {
        ..17 => 0,
        17..23 => 1,
        23.. => 2,
    }
}

impl Partition {
    pub(super) fn read(reader: &mut Reader<'_>, version: u32) -> Result<Partition> {
        let partition = reader.i32()?;
        let topic_id = Uuid::new(reader.array()?);
        let replicas = reader.vec(Reader::i32)?;
        for _in_sync_removing_adding in 0..3 {
            reader.vec(Reader::i32)?;
        }
        let leader = reader.i32()?;
        let leader_epoch = reader.i32()?;
        let partition_epoch = reader.i32()?;
        let directories = if version >= 1 { reader.vec(uuid)? } else { Vec::new() };
        reader.skip_tags()?;
        Ok(Partition { partition, topic_id, replicas, leader, leader_epoch, partition_epoch, directories })
    }

    /// All replicas are in sync, and none is being added or removed.
    pub(in crate::metadata) fn encode(&self, version: u32) -> Vec<u8> {
        let mut out = frame(PARTITION, version);
        out.extend_from_slice(&self.partition.to_be_bytes());
        out.extend_from_slice(&self.topic_id.to_bytes());
        for brokers in [&self.replicas[..], &self.replicas, &[], &[]] {
            put_count(&mut out, brokers.len());
            brokers.iter().for_each(|broker| out.extend_from_slice(&broker.to_be_bytes()));
        }
        for number in [self.leader, self.leader_epoch, self.partition_epoch] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        if version >= 1 {
            put_count(&mut out, self.directories.len());
            self.directories.iter().for_each(|directory| out.extend_from_slice(&directory.to_bytes()));
        }
        finish(out)
    }
}

/// `PartitionChangeRecord`: what changed of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::metadata) struct PartitionChange {
    pub(in crate::metadata) partition: i32,
    pub(in crate::metadata) topic_id: TopicId,
    /// A leader was elected, the same one perhaps: its epoch grows by one.
    pub(in crate::metadata) elected: bool,
    pub(in crate::metadata) replicas: Option<Vec<i32>>,
    pub(in crate::metadata) directories: Option<Vec<Uuid>>,
}

const LEADER: u32 = 1;
const REPLICAS: u32 = 2;
const DIRECTORIES: u32 = 8;
const NO_LEADER_CHANGE: i32 = -2;

impl PartitionChange {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<PartitionChange> {
        let mut change = PartitionChange {
            partition: reader.i32()?,
            topic_id: Uuid::new(reader.array()?),
            elected: false,
            replicas: None,
            directories: None,
        };
        reader.tags(|tag, mut field| {
            match tag {
                LEADER => change.elected = field.i32()? != NO_LEADER_CHANGE,
                REPLICAS => change.replicas = field.nullable_vec(Reader::i32)?,
                DIRECTORIES => change.directories = field.nullable_vec(uuid)?,
                _ => return Ok(()),
            }
            field.end()
        })?;
        Ok(change)
    }
}

fn uuid(reader: &mut Reader<'_>) -> Result<Uuid> {
    reader.array().map(Uuid::new)
}
