//! Idempotent producers and transactions of one partition.
//!
//! Reading order: [`BatchStamp`] is what a stored batch says about its producer; [`ProducerEntry`] is what
//! is remembered of one producer; [`ProducerState`] holds all of them and the open transactions.
//! Everything there is a pure decision. Two kinds of file follow from it: [`snapshot`] (`.snapshot`, the
//! state at one offset, so that not the whole log is replayed at a start) and [`TxnIndex`] (`.txnindex`,
//! the aborted transactions of one segment, for readers of committed records).
//!
//! Kafka: `ProducerStateManager`, `ProducerStateEntry`, `ProducerAppendInfo`, `TransactionIndex`;
//! KIP-98 (idempotence and transactions), KIP-360, KIP-890 (an epoch for each transaction).

mod aborted_txn;
mod check;
mod entry;
mod sequence;
pub mod snapshot;
mod stamp;
mod state;
mod txn;
mod txn_index;

pub use aborted_txn::AbortedTxn;
pub use check::Verdict;
pub use entry::{BATCHES_KEPT, BatchMetadata, ProducerEntry};
pub use stamp::{BatchStamp, Marker, Origin};
pub use state::ProducerState;
pub use txn::{CompletedTxn, OpenTxn};
pub use txn_index::{TxnIndex, TxnIndexSearch};

#[cfg(test)]
mod tests;
