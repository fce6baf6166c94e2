//! Reading a sealed segment batch by batch, every byte checked.

use std::borrow::Cow;
use std::sync::Arc;

use ottla_record::Head;

use super::halt::{Pass, no_batch};
use crate::dir::FileKind;
use crate::error::Error;
use crate::fs::File;
use crate::offset::Position;
use crate::segment::{BatchScan, ScannedBatch, Segment};

/// One batch of a segment.
pub(super) struct Batch<'a> {
    pub head: Head,
    pub position: Position,
    pub bytes: Cow<'a, [u8]>,
}

/// Where a reading goes on.
pub(super) enum Next {
    /// With the next batch.
    Batch,
    /// With the batch at this position, further on.
    At(Position),
    /// Not in this segment.
    Nowhere,
}

/// Hands each batch from `start` on to `visit`, as it wants them. Damage is an error: what cannot be read
/// cannot be compacted.
pub(super) fn each_batch(
    segment: &Arc<Segment>,
    start: Position,
    buffer_bytes: usize,
    mut visit: impl FnMut(Batch<'_>) -> Pass<Next>,
) -> Pass<()> {
    let files = segment.files()?;
    let size = segment.size_bytes()?;
    let path = segment.home().path(segment.base_offset(), FileKind::Log);
    let mut scan = BatchScan::new(&*files.log, start, size, buffer_bytes);
    loop {
        match scan.step().map_err(|e| Error::io("read", &path, e))? {
            Ok(scanned) => {
                let batch = whole(&*files.log, scanned).map_err(|e| Error::io("read", &path, e))?;
                match visit(batch)? {
                    Next::Batch => {}
                    Next::At(position) => scan.seek(position),
                    Next::Nowhere => return Ok(()),
                }
            }
            Err(end) if end.end == crate::segment::WalkEnd::Clean => return Ok(()),
            Err(end) => return Err(no_batch(segment, &end).into()),
        }
    }
}

/// A batch that is larger than the buffer is read once more, whole; its size was compared with the file's.
fn whole<'a>(file: &dyn File, scanned: ScannedBatch<'a>) -> std::io::Result<Batch<'a>> {
    let ScannedBatch { position, head, bytes } = scanned;
    let bytes = match bytes {
        Some(bytes) => Cow::Borrowed(bytes),
        None => {
            let mut bytes = vec![0; head.size_bytes()];
            file.read_exact_at(&mut bytes, u64::from(position.get()))?;
            Cow::Owned(bytes)
        }
    };
    Ok(Batch { head, position, bytes })
}
