//! By the schedule: each batch leaves when it is due, whatever the broker does. One thread sends, another takes the answers.
//! A batch that leaves late, because the broker was slow to take those before it, is late by the schedule: nothing is left out
//! (no coordinated omission).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender as Channel, channel};
use std::thread;

use super::error::LoadError;
use super::lanes::Lane;
use super::part::Part;
use super::schedule::Schedule;
use super::sender::{Pending, Sender, Shared, answered, fence, produce_version};
use super::settings::Acks;
use super::window::Window;
use crate::client::{ClientError, Connection};

/// How long a sender sleeps before it looks whether the load is over.
const LOOK_UP_NS: u64 = 100_000_000;

/// One lane.
pub struct Paced<'a> {
    shared: &'a Shared<'a>,
    schedule: Schedule,
    lane: &'a Lane,
    sender: Sender<'a>,
    version: i16,
    sending: Connection,
    receiving: Connection,
    /// How many batches of this lane there are; fewer once it is told to end.
    total: AtomicU64,
    window: Window,
}

impl<'a> Paced<'a> {
    /// A lane over this connection.
    ///
    /// # Errors
    /// Where its broker speaks no version of Produce that this client does.
    pub fn new(
        shared: &'a Shared<'a>,
        schedule: Schedule,
        lane: &'a Lane,
        connection: Connection,
    ) -> Result<Self, LoadError> {
        Ok(Paced {
            shared,
            schedule,
            lane,
            sender: Sender::new(shared, lane, &connection)?,
            version: produce_version(&connection)?,
            receiving: connection.try_clone()?,
            sending: connection,
            total: AtomicU64::new(lane.share_of(schedule.total())),
            window: Window::new(shared.settings.window()),
        })
    }

    /// Sends until the schedule ends, and all is answered.
    ///
    /// # Errors
    /// Where the broker fails or breaks its word.
    pub fn run(self) -> Result<Part, LoadError> {
        let Paced { shared, schedule, lane, sender, version, sending, receiving, total, window } = self;
        let (under_way, answers) = channel();
        let (total, window) = (&total, &window);
        let mut answers = Answers {
            shared,
            schedule,
            lane,
            version,
            connection: receiving,
            total,
            window,
            pending: answers,
        };
        let mut departures =
            Departures { shared, schedule, sender, connection: sending, total, window, under_way };
        if shared.settings.acks == Acks::None {
            return departures.run();
        }
        thread::scope(|scope| {
            let receiver = scope.spawn(move || {
                let part = answers.run();
                if part.is_err() {
                    shared.live.fail(LoadError::Client(ClientError::Stopped));
                }
                part
            });
            let sent = departures.run();
            if sent.is_err() {
                shared.live.fail(LoadError::Client(ClientError::Stopped));
            }
            let answered = receiver.join().map_err(|_| LoadError::Panicked)?;
            whole(sent, answered)
        })
    }
}

/// Both halves; of two errors the one that says more than that it was stopped.
fn whole(sent: Result<Part, LoadError>, answered: Result<Part, LoadError>) -> Result<Part, LoadError> {
    match (sent, answered) {
        (Ok(mut part), Ok(answered)) => {
            part.absorb(&answered);
            Ok(part)
        }
        (Err(LoadError::Client(ClientError::Stopped)), Err(error)) | (Err(error), _) | (_, Err(error)) => {
            Err(error)
        }
    }
}

struct Departures<'s, 'a> {
    shared: &'a Shared<'a>,
    schedule: Schedule,
    sender: Sender<'a>,
    connection: Connection,
    total: &'s AtomicU64,
    window: &'s Window,
    under_way: Channel<Pending>,
}

impl Departures<'_, '_> {
    fn run(&mut self) -> Result<Part, LoadError> {
        // A sleep may end 50 microseconds late by default. Where it cannot be had shorter, `late` says so.
        let _ = nix::sys::prctl::set_timerslack(1);
        let (shared, mut part) = (self.shared, Part::default());
        let (timeline, live) = (shared.timeline, shared.live);
        for nth in 0..self.total.load(Ordering::Relaxed) {
            let (number, slot) = self.sender.batch(nth);
            let sent = self.sender.sent(self.schedule.due_ns(number), self.schedule.counts(number));
            self.wait_until(sent.due_ns);
            if live.is_over() || !self.window.enter(|| live.is_over()) {
                self.total.store(nth, Ordering::Relaxed);
                break;
            }
            if sent.counts {
                part.late.record(timeline.now_ns().saturating_sub(sent.due_ns));
            }
            let (frame, pending) = self.sender.frame(slot, sent, &mut part)?;
            // Its answer cannot come before it has left. A receiver that is gone has failed, which ends this too.
            let _ = self.under_way.send(pending);
            self.connection.send(frame)?;
        }
        if shared.settings.acks == Acks::None {
            fence(&mut self.connection)?;
            part.produced.last_ns = timeline.now_ns();
        }
        part.note_share(0, timeline.now_ns());
        Ok(part)
    }
}

impl Departures<'_, '_> {
    /// Sleeps until then, or until the load is over.
    fn wait_until(&self, due_ns: u64) {
        let Shared { timeline, live, .. } = self.shared;
        let mut now_ns = timeline.now_ns();
        while now_ns < due_ns && !live.is_over() {
            timeline.wait_until(due_ns.min(now_ns.saturating_add(LOOK_UP_NS)));
            now_ns = timeline.now_ns();
        }
    }
}

struct Answers<'s, 'a> {
    shared: &'a Shared<'a>,
    schedule: Schedule,
    lane: &'a Lane,
    version: i16,
    connection: Connection,
    total: &'s AtomicU64,
    window: &'s Window,
    pending: Receiver<Pending>,
}

impl Answers<'_, '_> {
    fn run(&mut self) -> Result<Part, LoadError> {
        let (shared, mut part, mut taken) = (self.shared, Part::default(), 0);
        let mut oldest = None;
        while taken < self.total.load(Ordering::Relaxed) {
            if !self.connection.wait_for_bytes()? {
                self.still_patient(&mut oldest, taken)?;
                continue;
            }
            while let Some(frame) = self.connection.next_frame()? {
                let Ok(pending) = self.pending.try_recv() else { break };
                answered(shared, (&self.lane.address, self.version), frame, pending, &mut part)?;
                self.window.leave();
                taken += 1;
            }
        }
        part.note_share(0, shared.timeline.now_ns());
        Ok(part)
    }

    /// No answer came for a moment. That is right where nothing is due, and where the broker is slow, for a while.
    fn still_patient(&self, oldest: &mut Option<(u64, u64)>, taken: u64) -> Result<(), LoadError> {
        let (shared, patience) = (self.shared, self.connection.patience());
        let now_ns = shared.timeline.now_ns();
        let (at, since_ns) = *oldest.get_or_insert((taken, now_ns));
        if at != taken {
            *oldest = None;
            return Ok(());
        }
        let is_owed = self
            .lane
            .batch(taken)
            .is_some_and(|(number, _)| shared.live.is_over() || self.schedule.due_ns(number) < since_ns);
        if is_owed && now_ns.saturating_sub(since_ns) > u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX)
        {
            let address = self.lane.address.clone();
            return Err(ClientError::Silent { address, waited: patience }.into());
        }
        Ok(())
    }
}
