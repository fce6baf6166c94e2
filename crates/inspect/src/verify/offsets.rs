use super::kind::Kind;
use super::seen::Seen;
use ottla::Offset;

/// Offsets only grow from batch to batch and from segment to segment, and stay in their segment.
#[derive(Clone, Copy, Debug)]
pub struct OffsetCheck {
    expected: Offset,
    base_offset: Offset,
    next_base_offset: Option<Offset>,
}

impl OffsetCheck {
    /// A check that begins at the first segment.
    pub fn new() -> OffsetCheck {
        OffsetCheck { expected: Offset::ZERO, base_offset: Offset::ZERO, next_base_offset: None }
    }

    /// Goes on with the next segment.
    pub fn enter(&mut self, base_offset: Offset, next_base_offset: Option<Offset>) {
        (self.base_offset, self.next_base_offset) = (base_offset, next_base_offset);
        self.expected = self.expected.max(base_offset);
    }

    /// The offset after the last batch.
    pub fn end_offset(&self) -> Offset {
        self.expected
    }

    /// Looks at one batch.
    pub fn observe(&mut self, seen: &Seen<'_>) -> Option<(Kind, String)> {
        let (first, last) = (seen.head.base_offset(), seen.head.last_offset());
        let expected = self.expected;
        self.expected = expected.max(last + 1);
        if first < expected && first >= self.base_offset {
            return Some((
                Kind::OffsetsFall,
                format!("offsets {first} to {last}, where {expected} comes next"),
            ));
        }
        let outside = first < self.base_offset
            || self.next_base_offset.is_some_and(|next| last >= next)
            || last - self.base_offset > i64::from(i32::MAX);
        outside.then(|| {
            let next =
                self.next_base_offset.map_or_else(String::new, |next| format!(" and the next at {next}"));
            let what =
                format!("offsets {first} to {last}, and the segment begins at {}{next}", self.base_offset);
            (Kind::OffsetOutsideSegment, what)
        })
    }
}

#[cfg(test)]
mod tests {
    use ottla_record::{BatchBuilder, Head};

    use super::*;

    fn kind(check: &mut OffsetCheck, base: i64, count: usize) -> Option<Kind> {
        let mut builder = BatchBuilder::new().base_offset(Offset::new(base));
        for _ in 0..count {
            builder.push(0, None, None, &[]).unwrap();
        }
        let head = Head::parse(&builder.build().unwrap()).unwrap();
        check.observe(&Seen { position: 0, head: &head, marker: None }).map(|(kind, _)| kind)
    }

    #[test]
    fn offsets_may_leave_gaps_and_never_go_back_or_out() {
        let mut check = OffsetCheck::new();
        check.enter(Offset::new(10), Some(Offset::new(30)));
        assert_eq!(kind(&mut check, 10, 5), None);
        assert_eq!(kind(&mut check, 20, 1), None);
        assert_eq!(kind(&mut check, 20, 1), Some(Kind::OffsetsFall));
        assert_eq!(kind(&mut check, 28, 3), Some(Kind::OffsetOutsideSegment));
        assert_eq!(kind(&mut check, 5, 1), Some(Kind::OffsetOutsideSegment));
        assert_eq!(check.end_offset(), Offset::new(31));
        assert_eq!(kind(&mut check, 10 + (1 << 31), 1), Some(Kind::OffsetOutsideSegment));
    }
}
