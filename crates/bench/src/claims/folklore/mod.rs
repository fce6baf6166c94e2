//! What is said about logs, one claim a file: the sentence, what is compared, and why it comes out one way or the other.

mod settings;

mod batching;
mod cache_sorts_writes;
mod group_sync;
mod io_uring;
mod kernel_tls;
mod large_blocks;
mod large_pieces;
mod mmap_write;
mod page_cache;
mod read_ahead;
mod sendfile_both_ends;
mod sendfile_cpu;
mod sendfile_speed;
mod sequential_reads;
mod sequential_writes;
mod splice;
mod sync_each;
mod tls;
mod warm_order;

use super::claim::Claim;

/// All claims, in the order of the report: disk, page cache, durability, network.
pub const ALL: &[Claim] = &[
    sequential_writes::CLAIM,
    cache_sorts_writes::CLAIM,
    sequential_reads::CLAIM,
    read_ahead::CLAIM,
    large_blocks::CLAIM,
    page_cache::CLAIM,
    warm_order::CLAIM,
    batching::CLAIM,
    sync_each::CLAIM,
    group_sync::CLAIM,
    sendfile_cpu::CLAIM,
    sendfile_both_ends::CLAIM,
    sendfile_speed::CLAIM,
    large_pieces::CLAIM,
    mmap_write::CLAIM,
    splice::CLAIM,
    io_uring::CLAIM,
    tls::CLAIM,
    kernel_tls::CLAIM,
];
