//! Which records of a batch have no key: what a producer is told whose batch a compacted topic refuses.

use crate::compression::{Inflate, Scratch};
use crate::head::Head;
use crate::record::{Framed, RawRecord, frame};
use crate::verify::split;
use crate::{Compression, Magic, RecordError};

/// The places of the records that have no key, counted from 0, and at most so many of them. What comes after
/// something that is no record is not looked at.
///
/// Memory is bounded as in [`check`](crate::check).
pub fn records_without_key(batch: &[u8], max_decompressed_bytes: usize, at_most: usize) -> Vec<i32> {
    let mut search = Search { found: Vec::new(), at_most, next: 0 };
    // What was found before something wrong is still so.
    let _ = search.batch(batch, max_decompressed_bytes);
    search.found
}

struct Search {
    found: Vec<i32>,
    at_most: usize,
    next: i32,
}

impl Search {
    fn batch(&mut self, batch: &[u8], limit: usize) -> Result<(), RecordError> {
        let Head::V2(header) = Head::parse(batch)? else { return Ok(()) };
        let (_, payload) = split(batch)?;
        match header.attributes.compression()? {
            Compression::None => self.plain(payload),
            compression => Scratch::of_this_thread(|scratch| {
                // Never by value, as in `check`.
                let outcome = match Inflate::new(compression, Magic::V2, payload, limit, scratch) {
                    Ok(mut inflate) => self.inflated(&mut inflate),
                    Err(error) => Err(error),
                };
                scratch.trim();
                outcome
            }),
        }
    }

    fn plain(&mut self, payload: &[u8]) -> Result<(), RecordError> {
        let mut left = payload;
        while !left.is_empty() && self.wants_more_after(&RawRecord::take(&mut left)?) {}
        Ok(())
    }

    fn inflated(&mut self, inflate: &mut Inflate<'_>) -> Result<(), RecordError> {
        loop {
            let filled = inflate.filled();
            if let Framed::Whole { body, rest } = frame(filled)? {
                let size_bytes = filled.len() - rest.len();
                if !self.wants_more_after(&RawRecord::read(body)?) {
                    return Ok(());
                }
                inflate.consume(size_bytes);
            } else if !inflate.more()? {
                return Ok(());
            }
        }
    }

    fn wants_more_after(&mut self, record: &RawRecord<'_>) -> bool {
        if record.key.is_none() {
            self.found.push(self.next);
        }
        self.next = self.next.saturating_add(1);
        self.found.len() < self.at_most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BatchBuilder;

    const LIMIT: usize = 1 << 20;

    fn batch(codec: Compression, records: usize) -> Vec<u8> {
        let mut builder = BatchBuilder::new().compression(codec);
        for number in 0..records {
            let key = (number % 3 == 0).then_some(&b"k"[..]);
            builder.push(1, key, Some(&[b'v'; 300]), &[]).unwrap();
        }
        builder.build().unwrap()
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri is too slow for thousands of records, and knows no C")]
    fn every_record_without_a_key_is_named_but_no_more_than_asked_for() {
        for codec in
            [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd]
        {
            assert_eq!(records_without_key(&batch(codec, 6), LIMIT, 100), [1, 2, 4, 5], "{codec:?}");
            let many = records_without_key(&batch(codec, 3_000), LIMIT, 1_500);
            assert_eq!((many.len(), many.last()), (1_500, Some(&2_249)), "{codec:?}: more than a window");
            assert_eq!(records_without_key(&batch(codec, 1), LIMIT, 100), [0; 0]);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no C")]
    fn what_is_no_batch_names_no_record() {
        let whole = batch(Compression::Zstd, 6);
        for cut in 0..whole.len() {
            records_without_key(&whole[..cut], LIMIT, 100);
        }
        assert_eq!(records_without_key(&[0xff; 100], LIMIT, 100), [0; 0]);
        assert_eq!(records_without_key(&whole, 10, 100), [0; 0], "larger than allowed");
    }
}
