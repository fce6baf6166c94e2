//! The bits by which clients are told what they may do (KIP-430).

/// What clients are told that they may do with a topic, as bits (KIP-430): there is no authorization, so
/// all of `AclEntry.supportedOperations`.
pub(super) const ALL_TOPIC_OPERATIONS: i32 =
    operations(&[READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS]);
/// The same for the cluster.
pub(super) const ALL_CLUSTER_OPERATIONS: i32 =
    operations(&[CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE]);

// The numbers of `AclOperation`.
const READ: u32 = 3;
const WRITE: u32 = 4;
const CREATE: u32 = 5;
const DELETE: u32 = 6;
const ALTER: u32 = 7;
const DESCRIBE: u32 = 8;
const CLUSTER_ACTION: u32 = 9;
const DESCRIBE_CONFIGS: u32 = 10;
const ALTER_CONFIGS: u32 = 11;
const IDEMPOTENT_WRITE: u32 = 12;

const fn operations(numbers: &[u32]) -> i32 {
    let mut bits = 0;
    let mut rest = numbers;
    while let [first, others @ ..] = rest {
        bits |= 1 << *first;
        rest = others;
    }
    bits
}
