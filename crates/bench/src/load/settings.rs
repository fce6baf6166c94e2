//! What a load is to do.

use std::time::Duration;

use super::error::LoadError;
use crate::batch::BatchShape;

/// All that a load is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A broker, as `host:port`.
    pub bootstrap: String,
    /// What the client calls itself.
    pub client_id: String,
    /// Where the batches go.
    pub topic: Topic,
    /// How many producers; each has a connection to every broker that leads a partition of its own.
    pub producers: usize,
    /// How many consumers.
    pub consumers: usize,
    /// How fast batches are sent.
    pub pace: Pace,
    /// How many requests of a connection may be unanswered; `None` is 5 flat out and no limit at a rate.
    pub in_flight: Option<usize>,
    /// What a batch is like.
    pub shape: BatchShape,
    /// When the broker is to answer.
    pub acks: Acks,
    /// When it ends.
    pub span: Span,
    /// How long is sent before anything is counted.
    pub warm_up: Duration,
    /// The most that a consumer asks for at once.
    pub fetch_max_bytes: i32,
    /// The time in the records.
    pub timestamps: Timestamps,
    /// The broker's process, where its processor time and memory are wanted.
    pub pid: Option<i32>,
    /// A broker that says nothing for so long is taken for stuck.
    pub patience: Duration,
}

/// Where the batches go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Whether it is made first, with so many partitions and these settings.
    pub create: Option<(i32, Vec<(String, String)>)>,
    /// Whether a topic that was made stays.
    pub keep: bool,
}

/// How fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many batches a second, all producers together, whatever the broker does.
    Rate(f64),
    /// As fast as the broker answers.
    FlatOut,
}

/// How long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// For a time, after the warm-up.
    Time(Duration),
    /// Until so many bytes of batches were sent, after the warm-up.
    Bytes(u64),
}

/// When a broker answers a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Never.
    None,
    /// Once it has it.
    Leader,
    /// Once all replicas have it.
    All,
}

impl Acks {
    /// On the wire.
    pub fn code(self) -> i16 {
        match self {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        }
    }

    /// As people say it.
    pub fn name(self) -> &'static str {
        match self {
            Acks::None => "0",
            Acks::Leader => "1",
            Acks::All => "all",
        }
    }
}

/// The time in the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamps {
    /// When the batch was due.
    Due,
    /// Always this.
    Fixed(i64),
}

const FLAT_OUT_IN_FLIGHT: usize = 5;
const MOST_PRODUCERS: usize = 10_000;

impl Settings {
    /// A load of one producer and one consumer, flat out for ten seconds, on a topic of one partition that is there.
    pub fn new(bootstrap: &str, topic: &str, shape: BatchShape) -> Settings {
        Settings {
            bootstrap: bootstrap.to_owned(),
            client_id: "ottla-bench".to_owned(),
            topic: Topic { name: topic.to_owned(), create: None, keep: false },
            producers: 1,
            consumers: 1,
            pace: Pace::FlatOut,
            in_flight: None,
            shape,
            acks: Acks::Leader,
            span: Span::Time(Duration::from_secs(10)),
            warm_up: Duration::ZERO,
            fetch_max_bytes: 1 << 20,
            timestamps: Timestamps::Due,
            pid: None,
            patience: Duration::from_secs(30),
        }
    }

    /// How many requests of a connection may be unanswered, where that is limited.
    pub fn window(&self) -> Option<usize> {
        match self.pace {
            Pace::FlatOut => Some(self.in_flight.unwrap_or(FLAT_OUT_IN_FLIGHT)),
            Pace::Rate(_) => self.in_flight,
        }
    }

    /// Refuses what makes no load.
    ///
    /// # Errors
    /// [`LoadError::Settings`], with what to do.
    pub fn check(&self, partitions: usize) -> Result<(), LoadError> {
        let refuse = |what: String| Err(LoadError::Settings(what));
        if self.producers == 0 && self.consumers == 0 {
            return refuse("neither producers nor consumers: there is nothing to do".to_owned());
        }
        if self.producers.max(self.consumers) > MOST_PRODUCERS {
            return refuse(format!("more than {MOST_PRODUCERS} producers or consumers"));
        }
        if matches!(self.pace, Pace::Rate(rate) if !(rate > 0.0 && rate <= 1e7)) {
            return refuse("a rate is above 0 and at most 10,000,000 batches a second".to_owned());
        }
        if self.in_flight == Some(0) {
            return refuse("with 0 requests in flight nothing is ever sent".to_owned());
        }
        if self.acks == Acks::None && self.producers > partitions {
            let need = self.producers;
            return refuse(format!(
                "with acks=0 nobody says which batch got which offset where several producers write to one partition, so that \
                 nothing could be checked: make it at least {need} partitions, or at most {partitions} producers"
            ));
        }
        Ok(())
    }
}
