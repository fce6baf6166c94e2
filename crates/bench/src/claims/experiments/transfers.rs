//! A file that is in the page cache goes out on a socket, by one of the paths.

use std::net::Shutdown;

use crate::claims::bench::Bench;
use crate::claims::error::{Error, Unmeasured, doing};
use crate::claims::meter::{Done, Meter};
use crate::claims::paths::{Job, Keys, prepare};
use crate::claims::receiver::receive;
use crate::claims::sample::Sample;
use crate::claims::work::{Receiver, Transfer, Work};

/// Measures one case: from the first call until the receiver has everything.
///
/// # Errors
/// A reason to skip it, or to end the run.
pub fn measure(work: &Transfer, bench: &mut Bench) -> Result<Sample, Unmeasured> {
    let keys = Keys::for_path(work.path)?;
    let (file, pages_per_folio) = bench.file_to_send(work.path, work.written_bytes)?;
    let (socket, other_end) = bench.networks.connect(work.network)?;
    let size_bytes = bench.scale.file_bytes;
    let receiving = receive(other_end, work.receiver, keys.client(), size_bytes)?;
    let mut way = prepare(work.path, work.chunk_bytes, &socket, &keys)?;
    receiving.wait_until_ready()?;

    let meter = Meter::start()?;
    let system_calls =
        way.send(&Job { file: &file, size_bytes, chunk_bytes: work.chunk_bytes, socket: &socket })?;
    socket.shutdown(Shutdown::Write).map_err(doing("closing the sending side"))?;
    let received = receiving.finish()?;
    let operations = size_bytes.div_ceil(work.chunk_bytes.max(1) as u64);
    let sample = meter.stop(Done { bytes: size_bytes, operations, system_calls }, bench.round)?;

    // Who discards what is encrypted counts what encryption adds, too.
    let is_whole = match (work.receiver, work.path.is_encrypted()) {
        (Receiver::Discards, true) => received.bytes >= size_bytes,
        _ => received.bytes == size_bytes,
    };
    if !is_whole {
        let what = Work::Transfer(*work).label();
        return Err(Error::Lost { what, expected: size_bytes, found: received.bytes }.into());
    }
    Ok(Sample {
        // The process spent what both sides spent.
        cpu_seconds: (sample.cpu_seconds - received.cpu_seconds).max(0.0),
        receiver_cpu_seconds: Some(received.cpu_seconds),
        pages_per_folio,
        ..sample
    })
}
