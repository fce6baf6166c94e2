use std::collections::BTreeMap;

use ottla::Offset;
use ottla_testkit::ModelLog;

/// A batch of an idempotent producer, as it was sent and where it went.
#[derive(Clone, Debug)]
pub(crate) struct SentBatch {
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub next_sequence: i32,
    pub bytes: Vec<u8>,
    pub base_offset: Offset,
    pub last_offset: Offset,
}

#[derive(Clone, Debug)]
struct Expected {
    model: ModelLog<Option<String>>,
    promised_end: Offset,
    /// As `promised_end`, but for records that were deleted before they were ever synced.
    synced_end: Offset,
}

/// What was asked of a log and what it answered: the oracle, outside the data directory.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// After every call that was answered.
    now: Expected,
    /// After the call that was not, if there is one.
    then: Option<Expected>,
    pub sent: Vec<SentBatch>,
}

impl Default for History {
    fn default() -> Self {
        let now =
            Expected { model: ModelLog::default(), promised_end: Offset::ZERO, synced_end: Offset::ZERO };
        History { now, then: None, sent: Vec::new() }
    }
}

impl History {
    pub(crate) fn end(&self) -> Offset {
        self.now.model.log_end_offset()
    }

    pub(crate) fn start(&self) -> Offset {
        self.now.model.log_start_offset()
    }

    pub(crate) fn promised_end(&self) -> Offset {
        self.now.promised_end
    }

    pub(crate) fn records(&self) -> Vec<(Offset, Option<String>)> {
        self.now.model.read(self.start()).unwrap().to_vec()
    }

    fn call(&mut self, change: impl FnOnce(&mut Expected)) {
        let mut then = self.now.clone();
        change(&mut then);
        self.then = Some(then);
    }

    /// The call was answered.
    pub(crate) fn answered(&mut self) {
        if let Some(then) = self.then.take() {
            self.now = then;
        }
    }

    /// A marker is a record that nobody reads: `None`.
    pub(crate) fn append(&mut self, values: impl IntoIterator<Item = Option<String>>) {
        self.call(|then| {
            then.model.append(values);
        });
    }

    pub(crate) fn sync(&mut self) {
        let end = self.end();
        self.call(|then| (then.promised_end, then.synced_end) = (end, end));
    }

    pub(crate) fn truncate(&mut self, to: Offset) {
        // Halfway through, less than was promised may be left, but never less than was asked for.
        self.now.promised_end = self.now.promised_end.min(to);
        self.now.synced_end = self.now.synced_end.min(to);
        self.call(|then| then.model.truncate(to));
    }

    pub(crate) fn delete_before(&mut self, before: Offset) {
        self.call(|then| {
            then.model.delete_prefix(before);
            then.promised_end = then.promised_end.max(before);
        });
    }

    /// What was cut is not repeated by its producer.
    pub(crate) fn forget_sent_from(&mut self, end: Offset) {
        self.sent.retain(|batch| batch.last_offset < end);
    }

    /// Takes out the producers whose last batch was deleted before it was ever synced, with their epochs:
    /// after a loss of power, what is remembered of them is left open.
    pub(crate) fn take_doubtful(&mut self) -> Vec<(i64, i16)> {
        let (start, synced_end) = (self.start(), self.now.synced_end);
        let last: BTreeMap<i64, SentBatch> =
            self.sent.iter().map(|sent| (sent.producer_id, sent.clone())).collect();
        let doubtful = last.into_values().filter(|sent| (synced_end..start).contains(&sent.last_offset));
        let doubtful: Vec<_> = doubtful.map(|sent| (sent.producer_id, sent.producer_epoch)).collect();
        self.sent.retain(|sent| doubtful.iter().all(|(id, _)| *id != sent.producer_id));
        doubtful
    }

    /// Whether a log with these records may be what is left; takes it over.
    pub(crate) fn accept(
        &mut self,
        start: Offset,
        found: &[(Offset, Option<String>)],
        end: Offset,
    ) -> Result<(), String> {
        let told = [Some(self.now.clone()), self.then.clone()].into_iter().flatten();
        let mut refusals = Vec::new();
        for expected in told {
            let mut model = expected.model.clone();
            let recovered = if start == model.log_start_offset() {
                model.recover(found, end, expected.promised_end)
            } else {
                Err(format!("the log starts at {start}, not at {}", model.log_start_offset()))
            };
            match recovered {
                Ok(()) => {
                    self.now = Expected { model, ..expected };
                    self.then = None;
                    self.forget_sent_from(end);
                    return Ok(());
                }
                Err(refusal) => refusals.push(refusal),
            }
        }
        Err(refusals.join("; or "))
    }
}
