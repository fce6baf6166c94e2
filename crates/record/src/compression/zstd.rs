//! RFC 8878. Several frames one after the other are one payload, as Java's reader has it.

use zstd::zstd_safe::{DCtx, DParameter, ErrorCode, InBuffer, OutBuffer, ResetDirective, get_error_name};

use super::Compression;
use crate::RecordError;

/// Kafka's default level (`compression.zstd.level`).
const LEVEL: i32 = 3;
/// Windows up to 8 MiB are always taken, as RFC 8878 recommends; levels up to 19 need no more.
const MIN_WINDOW_LOG: u32 = 23;
/// Windows above 128 MiB are never taken: zstd's own limit, which Java's reader has too.
const MAX_WINDOW_LOG: u32 = 27;
/// The most bytes of a context that are kept between two batches.
const RETAINED_CONTEXT_BYTES: usize = 4 * 1024 * 1024;

/// The decompression context that is kept from one batch to the next.
#[derive(Default)]
pub(crate) struct Context(Option<DCtx<'static>>);

impl Context {
    /// Begins with `payload`. A frame whose window is larger than all that the caller would take is refused
    /// before there is memory for it.
    pub(crate) fn reader<'a>(
        &'a mut self,
        payload: &'a [u8],
        limit: usize,
    ) -> Result<Reader<'a>, RecordError> {
        if self.0.is_none() {
            self.0 = DCtx::try_create();
        }
        let Some(context) = &mut self.0 else { return Err(failed("no memory for a context")) };
        context.reset(ResetDirective::SessionOnly).map_err(failed_code)?;
        context.set_parameter(DParameter::WindowLogMax(window_log_max(limit))).map_err(failed_code)?;
        Ok(Reader { context, input: InBuffer::around(payload), inside_frame: false })
    }

    pub(super) fn trim(&mut self) {
        if self.0.as_ref().is_some_and(|context| context.sizeof() > RETAINED_CONTEXT_BYTES) {
            self.0 = None;
        }
    }
}

/// The smallest window that holds `limit` bytes, within what is always and what is never taken.
fn window_log_max(limit: usize) -> u32 {
    (usize::BITS - limit.leading_zeros()).clamp(MIN_WINDOW_LOG, MAX_WINDOW_LOG)
}

pub(crate) struct Reader<'a> {
    context: &'a mut DCtx<'static>,
    input: InBuffer<'a>,
    inside_frame: bool,
}

impl Reader<'_> {
    /// Fills as much of `out` as is ready; 0 at the end, which is the end of a frame.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<usize, RecordError> {
        let mut output = OutBuffer::around(out);
        loop {
            let input_before = self.input.pos();
            if !self.inside_frame && input_before == self.input.src.len() {
                return Ok(0);
            }
            let left = self.context.decompress_stream(&mut output, &mut self.input).map_err(failed_code)?;
            self.inside_frame = left != 0;
            if output.pos() > 0 {
                return Ok(output.pos());
            }
            if self.input.pos() == input_before {
                return Err(failed("the frame is cut"));
            }
        }
    }
}

pub(crate) fn compress(records: &[u8], out: &mut Vec<u8>) -> Result<(), RecordError> {
    out.extend_from_slice(&zstd::bulk::compress(records, LEVEL).map_err(failed)?);
    Ok(())
}

fn failed_code(code: ErrorCode) -> RecordError {
    failed(get_error_name(code))
}

fn failed(reason: impl ToString) -> RecordError {
    RecordError::Decompress { compression: Compression::Zstd, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_follows_the_limit_between_8_mib_and_128_mib() {
        assert_eq!(window_log_max(0), 23);
        assert_eq!(window_log_max(1 << 22), 23);
        assert_eq!(window_log_max((1 << 24) - 1), 24);
        assert_eq!(window_log_max(16 << 20), 25);
        assert_eq!(window_log_max(usize::MAX), 27);
    }
}
