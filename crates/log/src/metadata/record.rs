//! One metadata record: the value of a record in the cluster's log or in a checkpoint.
//!
//! ```text
//! unsigned 1 | unsigned api key | unsigned version | the message, flexible
//! ```
//!
//! What only describes a running cluster is read over: registrations of brokers (0, 1, 7, 8, 17) and
//! controllers (27), the end of eligible replicas (28), the migration from ZooKeeper (21), no-ops (20), and
//! delegation tokens (10, 26), which their owners have to ask for again.

mod feature;
mod partition;
mod settings;
mod topic;

pub(super) use partition::{Partition, PartitionChange, partition_record_version};
pub(super) use settings::{Config, ProducerIds};
pub(super) use topic::Topic;

use super::kept::{self, KeptRecord, Subject};
use super::wire::{Reader, Result, put_no_tags, put_unsigned};
use crate::dir::TopicId;
pub(super) use feature::FeatureLevel;

const FRAME_VERSION: u32 = 1;

const TOPIC: u32 = 2;
const PARTITION: u32 = 3;
const CONFIG: u32 = 4;
const PARTITION_CHANGE: u32 = 5;
const REMOVE_TOPIC: u32 = 9;
const FEATURE_LEVEL: u32 = 12;
const PRODUCER_IDS: u32 = 15;
const REMOVE_ACCESS_CONTROL_ENTRY: u32 = 19;
const REMOVE_SCRAM_CREDENTIAL: u32 = 22;
const BEGIN_TRANSACTION: u32 = 23;
const END_TRANSACTION: u32 = 24;
const ABORT_TRANSACTION: u32 = 25;
const RUNNING_CLUSTER: [u32; 11] = [0, 1, 7, 8, 10, 17, 20, 21, 26, 27, 28];

/// What a metadata record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MetadataRecord {
    Topic(Topic),
    Partition(Partition),
    PartitionChange(PartitionChange),
    RemoveTopic(TopicId),
    Config(Config),
    FeatureLevel(FeatureLevel),
    ProducerIds(ProducerIds),
    Keep(KeptRecord),
    Forget(Subject),
    /// The records up to the end or abort count together or not at all (KIP-868).
    BeginTransaction,
    EndTransaction,
    AbortTransaction,
    RunningCluster,
}

impl MetadataRecord {
    pub(super) fn decode(value: &[u8]) -> Result<MetadataRecord> {
        let mut reader = Reader::new(value);
        if reader.unsigned()? != FRAME_VERSION {
            return Err("it has an unknown frame version");
        }
        let (api_key, version) = (reader.unsigned()?, reader.unsigned()?);
        let record = match api_key {
            TOPIC => MetadataRecord::Topic(of(reader, version, 0, Topic::read)?),
            PARTITION => MetadataRecord::Partition(of(reader, version, 2, |r| Partition::read(r, version))?),
            PARTITION_CHANGE => {
                MetadataRecord::PartitionChange(of(reader, version, 2, PartitionChange::read)?)
            }
            REMOVE_TOPIC => MetadataRecord::RemoveTopic(of(reader, version, 0, topic::read_removal)?),
            CONFIG => MetadataRecord::Config(of(reader, version, 0, Config::read)?),
            FEATURE_LEVEL => MetadataRecord::FeatureLevel(of(reader, version, 0, FeatureLevel::read)?),
            PRODUCER_IDS => MetadataRecord::ProducerIds(of(reader, version, 0, ProducerIds::read)?),
            BEGIN_TRANSACTION => MetadataRecord::BeginTransaction,
            END_TRANSACTION => MetadataRecord::EndTransaction,
            ABORT_TRANSACTION => MetadataRecord::AbortTransaction,
            running if RUNNING_CLUSTER.contains(&running) => MetadataRecord::RunningCluster,
            _ => return kept_or_forgotten(api_key, version, reader.rest()),
        };
        Ok(record)
    }
}

/// Reads the fields of one message whose versions up to `newest` are known.
fn of<'a, T>(
    mut reader: Reader<'a>,
    version: u32,
    newest: u32,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T>,
) -> Result<T> {
    if version > newest {
        return Err("its version is newer than those of Kafka 4.3");
    }
    let fields = read(&mut reader)?;
    reader.end()?;
    Ok(fields)
}

fn kept_or_forgotten(api_key: u32, version: u32, body: &[u8]) -> Result<MetadataRecord> {
    let subject = match api_key {
        REMOVE_ACCESS_CONTROL_ENTRY => return kept::acl_subject(body).map(MetadataRecord::Forget),
        REMOVE_SCRAM_CREDENTIAL => return kept::scram_subject(body).map(MetadataRecord::Forget),
        kept::ACCESS_CONTROL_ENTRY => Some(kept::acl_subject(body)?),
        kept::SCRAM_CREDENTIAL => Some(kept::scram_subject(body)?),
        kept::CLIENT_QUOTA => match kept::quota_subject(body)? {
            (subject, true) => return Ok(MetadataRecord::Forget(subject)),
            (subject, false) => Some(subject),
        },
        _ => None,
    };
    Ok(MetadataRecord::Keep(KeptRecord { api_key, version, body: body.to_vec(), subject }))
}

/// Starts the value of a record.
fn frame(api_key: u32, version: u32) -> Vec<u8> {
    let mut out = Vec::new();
    put_unsigned(&mut out, FRAME_VERSION);
    put_unsigned(&mut out, api_key);
    put_unsigned(&mut out, version);
    out
}

impl KeptRecord {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = frame(self.api_key, self.version);
        out.extend_from_slice(&self.body);
        out
    }
}

fn finish(mut out: Vec<u8>) -> Vec<u8> {
    put_no_tags(&mut out);
    out
}
