//! Writes batches one after the other, each when the one before is acknowledged: for directories that are prepared.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use ottla_bench::batch::{Batch, BatchShape, stamp};
use ottla_bench::client::{Connection, ProduceFrame, decode_produced};
use ottla_protocol::{ApiKey, ErrorCode};

use super::{CLIENT_ID, connect};

/// A connection that writes to one topic.
pub struct Writer {
    connection: Connection,
    version: i16,
    frame: ProduceFrame,
    batch: Batch,
    sent: i32,
}

impl Writer {
    /// Writes batches of this shape.
    pub fn new(addr: SocketAddr, topic: &str, shape: BatchShape) -> Result<Self> {
        let connection = connect(addr)?;
        let version = connection.version_of(ApiKey::Produce, ProduceFrame::NEWEST)?;
        let batch = Batch::build(shape, 0)?;
        let frame = ProduceFrame::new(version, CLIENT_ID, topic, 1, batch.bytes())?;
        Ok(Self { connection, version, frame, batch, sent: 0 })
    }

    pub fn record_count(&self) -> i64 {
        self.batch.record_count()
    }

    /// Writes one batch of this time and returns its offset.
    pub fn write(&mut self, partition: i32, timestamp_ms: i64) -> Result<i64> {
        self.sent += 1;
        let frame = self.frame.next(self.sent, partition, |batch| stamp(batch, timestamp_ms));
        self.connection.send(frame)?;
        let answer = decode_produced(self.connection.receive()?, self.version)?.context("an empty answer")?;
        ensure!(
            answer.correlation_id == self.sent,
            "request {} answered as {}",
            self.sent,
            answer.correlation_id
        );
        ensure!(answer.code == ErrorCode::None, "produce failed with {}", answer.code);
        Ok(answer.base_offset)
    }
}
