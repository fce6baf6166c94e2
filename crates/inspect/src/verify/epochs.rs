use std::path::Path;

use ottla::dir::LeaderEpochs;

use super::finding::{Finding, Report};
use super::kind::Kind;
use super::seen::Seen;

/// Each batch has the epoch that the checkpoint has for its offsets, and epochs do not fall.
#[derive(Clone, Debug)]
pub struct EpochCheck {
    epochs: LeaderEpochs,
    /// Whether there is no file, or nothing in it.
    is_missing: bool,
    latest: i32,
}

impl EpochCheck {
    /// A check against these entries. Without any only the order is looked at: the file may be of a Kafka
    /// without epochs, or lost, and then it is found anew.
    pub fn new(epochs: LeaderEpochs) -> EpochCheck {
        EpochCheck { is_missing: epochs.entries().is_empty(), epochs, latest: -1 }
    }

    /// Replaces the entries, which another process may have added to.
    pub fn refresh(&mut self, epochs: LeaderEpochs) {
        self.is_missing = epochs.entries().is_empty();
        self.epochs = epochs;
    }

    /// The epoch that the checkpoint has for a batch, where the two differ. It knows nothing of what lies
    /// below the start of the log and was not removed yet.
    pub fn disagreement(&self, seen: &Seen<'_>) -> Option<String> {
        let (epoch, last) = (seen.head.leader_epoch(), seen.head.last_offset());
        let expected = self.epochs.epoch_for(last).filter(|expected| epoch >= 0 && *expected != epoch)?;
        Some(format!("offset {last} is of epoch {epoch} in the log, and of {expected} by the checkpoint"))
    }

    /// What is left when the log has ended.
    pub fn end(&self, dir: &Path, report: &mut Report) {
        let path = LeaderEpochs::path(dir);
        if self.is_missing && self.latest >= 0 && !report.has(&path) {
            let what = format!("there are no epochs, and the newest batch is of epoch {}", self.latest);
            report.add(Finding {
                file: path,
                position: None,
                kind: Kind::EpochsMissing,
                what,
                harmless: true,
            });
        }
    }

    /// Looks at the order.
    pub fn observe(&mut self, seen: &Seen<'_>) -> Option<(Kind, String)> {
        let (epoch, before) = (seen.head.leader_epoch(), self.latest);
        self.latest = before.max(epoch);
        (epoch >= 0 && epoch < before).then(|| (Kind::EpochFalls, format!("epoch {epoch} after {before}")))
    }
}

#[cfg(test)]
mod tests {
    use ottla::Offset;
    use ottla_record::{BatchBuilder, Head};

    use super::*;

    fn head(offset: i64, epoch: i32) -> Head {
        let mut builder = BatchBuilder::new().base_offset(Offset::new(offset)).leader_epoch(epoch);
        builder.push(0, None, None, &[]).unwrap();
        Head::parse(&builder.build().unwrap()).unwrap()
    }

    #[test]
    fn epochs_are_those_of_the_checkpoint_and_do_not_fall() {
        let mut epochs = LeaderEpochs::default();
        epochs.assign(1, Offset::new(0));
        epochs.assign(3, Offset::new(10));
        let mut check = EpochCheck::new(epochs);
        let mut at = |offset, epoch| {
            let head = head(offset, epoch);
            let seen = Seen { position: 0, head: &head, marker: None };
            (check.disagreement(&seen).is_some(), check.observe(&seen).is_some())
        };
        assert_eq!(at(0, 1), (false, false));
        assert_eq!(at(9, 2), (true, false));
        assert_eq!(at(10, 3), (false, false));
        assert_eq!(at(11, 1), (true, true));
        assert_eq!(at(12, -1), (false, false));
    }

    #[test]
    fn without_a_checkpoint_only_the_order_counts() {
        let head = head(5, 7);
        let check = EpochCheck::new(LeaderEpochs::default());
        assert_eq!(check.disagreement(&Seen { position: 0, head: &head, marker: None }), None);
    }
}
