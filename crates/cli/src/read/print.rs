//! Batch after batch to standard output, until the end or until there is damage.

use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use ottla::Offset;

use super::format::Format;
use super::reader::{Next, Reader};
use crate::partition::{Damage, MAX_DECOMPRESSED_BYTES, StoredBatch};

/// How often a followed log is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How often a tail that is not whole is looked at again, in case it is just being written.
pub(super) const SETTLING_LOOKS: u32 = 4;
const SETTLING_TIME: Duration = Duration::from_millis(50);

/// Prints until the end, or until there is damage.
pub(super) fn copy(
    reader: &mut Reader<'_>,
    printer: &mut Printer<impl Write>,
    follow: bool,
) -> Result<Option<Damage>> {
    let mut looks = 0;
    while printer.left > 0 {
        let wait = match reader.next()? {
            Next::Batch(batch) => {
                looks = 0;
                if let Some(damage) = printer.batch(&batch)? {
                    return Ok(Some(damage));
                }
                reader.pass();
                continue;
            }
            Next::End if follow => POLL_INTERVAL,
            Next::End => return Ok(None),
            Next::Unfinished(damage) if follow && damage.may_grow => POLL_INTERVAL,
            Next::Unfinished(damage) if looks == SETTLING_LOOKS => return Ok(Some(damage)),
            Next::Unfinished(_) => SETTLING_TIME,
            Next::Damage(damage) => return Ok(Some(damage)),
        };
        looks += 1;
        printer.out.flush()?;
        sleep(wait);
    }
    Ok(None)
}

/// Prints records, from an offset on, and no more than are wanted.
pub(super) struct Printer<W> {
    pub out: W,
    pub format: Format,
    pub from: Offset,
    pub left: u64,
}

impl<W: Write> Printer<W> {
    /// Prints the records of one batch; tells where they cannot be read.
    fn batch(&mut self, batch: &StoredBatch<'_>) -> Result<Option<Damage>> {
        let damaged = |error: ottla_record::RecordError| {
            let what = format!("the records of the batch cannot be read: {error}");
            Ok(Some(Damage::new(batch.segment.path.clone(), batch.position, what)))
        };
        if batch.head.is_control() || batch.head.last_offset() < self.from {
            return Ok(None);
        }
        let decoded = match ottla_record::decode(batch.bytes, MAX_DECOMPRESSED_BYTES) {
            Ok(decoded) => decoded,
            Err(error) => return damaged(error),
        };
        let timestamp_type = decoded.timestamp_type();
        for record in decoded.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => return damaged(error),
            };
            if self.left == 0 {
                break;
            }
            if record.offset >= self.from {
                self.format.write(&mut self.out, &record, timestamp_type)?;
                self.left -= 1;
            }
        }
        Ok(None)
    }
}
