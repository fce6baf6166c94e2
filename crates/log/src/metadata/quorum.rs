use ottla_record::ControlRecord;

/// Who may vote in the cluster's log, as that log says it (KIP-853). A directory formatted with
/// `--standalone` has this, and Kafka finds no leader without; one whose configuration lists the voters
/// has none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Quorum {
    kraft_version: Vec<u8>,
    voters: Vec<u8>,
}

impl Quorum {
    /// Takes in a control record.
    pub(super) fn apply(&mut self, control: ControlRecord, value: &[u8]) {
        match control {
            ControlRecord::KRaftVersion => self.kraft_version = value.to_vec(),
            ControlRecord::KRaftVoters => self.voters = value.to_vec(),
            _ => {}
        }
    }

    /// The records that say it: types and values. None where the log says nothing.
    pub(super) fn records(&self) -> Vec<(i16, &[u8])> {
        const KRAFT_VERSION: i16 = 5;
        const KRAFT_VOTERS: i16 = 6;
        if self.voters.is_empty() || self.kraft_version.is_empty() {
            return Vec::new();
        }
        vec![(KRAFT_VERSION, &self.kraft_version), (KRAFT_VOTERS, &self.voters)]
    }
}
