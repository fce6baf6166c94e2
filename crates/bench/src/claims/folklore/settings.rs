//! The circumstances in which a claim is tried: one comparison for each.

use crate::claims::claim::Comparison;
use crate::claims::paths::Path;
use crate::claims::plan::Scale;
use crate::claims::work::{
    Advice, Cache, Network, Order, Read, Receiver, Through, Transfer, USUAL_PIECE_BYTES, Work, Write, ends,
    size,
};

/// Nothing besides what is compared.
pub fn nothing_more(_: &Scale) -> Vec<Work> {
    Vec::new()
}

/// One comparison for each size of a block.
pub fn each_block(scale: &Scale, at_least: f64, sides: impl Fn(usize) -> (Work, Work)) -> Vec<Comparison> {
    let compare = |block_bytes: &usize| {
        let (left, right) = sides(*block_bytes);
        Comparison { setting: size(*block_bytes), left, right, at_least }
    };
    scale.block_bytes.iter().map(compare).collect()
}

/// One comparison of two paths for each chunk, network and receiver.
pub fn each_transfer(scale: &Scale, left: Path, right: Path, at_least: f64) -> Vec<Comparison> {
    let mut found = Vec::new();
    for network in [Network::Loopback, Network::Veth] {
        for receiver in [Receiver::Reads, Receiver::Discards] {
            for chunk_bytes in scale.chunk_bytes.iter().copied() {
                let side = |path| Transfer {
                    path,
                    written_bytes: USUAL_PIECE_BYTES,
                    network,
                    receiver,
                    chunk_bytes,
                };
                found.push(Comparison {
                    setting: format!("{}, {}", size(chunk_bytes), ends(&side(left))),
                    left: Work::Transfer(side(left)),
                    right: Work::Transfer(side(right)),
                    at_least,
                });
            }
        }
    }
    found
}

/// A write of blocks in this order.
pub fn write(through: Through, order: Order, block_bytes: usize) -> Work {
    Work::Write(Write { through, order, block_bytes })
}

/// A read of blocks in this order, with nothing told to the kernel.
pub fn read(cache: Cache, order: Order, block_bytes: usize) -> Work {
    Work::Read(Read { cache, order, advice: Advice::Default, block_bytes })
}

/// A cold read in order, with this told to the kernel.
pub fn cold_read(advice: Advice, block_bytes: usize) -> Work {
    Work::Read(Read { cache: Cache::Cold, order: Order::InOrder, advice, block_bytes })
}
