//! Threads that check chunks, while the thread that reads them goes on.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::chunk::Chunk;

/// Chunks that wait for their check, and those that had it. Whoever wants one back checks what waits
/// meanwhile, so that a pool without helpers works too.
#[derive(Debug)]
pub struct Pool {
    helpers: usize,
    state: Mutex<State>,
    has_work: Condvar,
    has_result: Condvar,
}

/// A chunk that is being checked.
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket(u64);

#[derive(Debug, Default)]
struct State {
    next: u64,
    waiting: VecDeque<(u64, Chunk)>,
    /// A check that panicked does so again in the thread that asked for it.
    checked: HashMap<u64, Result<Chunk, Box<dyn Any + Send>>>,
    /// Nobody asks for those before this one.
    wanted_from: u64,
    is_over: bool,
}

impl Pool {
    /// A pool in which the thread that asks does everything.
    pub fn alone() -> Pool {
        Pool::new(0)
    }

    fn new(helpers: usize) -> Pool {
        Pool { helpers, state: Mutex::default(), has_work: Condvar::new(), has_result: Condvar::new() }
    }

    /// Does `work` with a pool of this many threads, the calling one among them.
    pub fn with<T>(threads: usize, work: impl FnOnce(&Pool) -> T) -> T {
        let pool = Pool::new(threads.saturating_sub(1));
        thread::scope(|scope| {
            let _over = Over(&pool);
            for _ in 0..pool.helpers {
                // With fewer threads it only takes longer.
                let _ = thread::Builder::new().spawn_scoped(scope, || pool.help());
            }
            work(&pool)
        })
    }

    /// How many chunks are worth having in work at once.
    pub fn depth(&self) -> usize {
        if self.helpers == 0 { 1 } else { 4 * (self.helpers + 1) }
    }

    /// Hands a chunk out to be checked.
    pub fn submit(&self, chunk: Chunk) -> Ticket {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.waiting.push_back((number, chunk));
        drop(state);
        self.has_work.notify_one();
        Ticket(number)
    }

    /// The chunk, once it is checked. Chunks are taken in the order in which they were handed out.
    pub fn take(&self, ticket: &Ticket) -> Chunk {
        let mut state = self.lock();
        loop {
            if let Some(checked) = state.checked.remove(&ticket.0) {
                drop(state);
                return checked.unwrap_or_else(|panic| resume_unwind(panic));
            }
            state = match state.waiting.pop_front() {
                Some(waiting) => self.check(state, waiting),
                None => self.has_result.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Nobody wants what was handed out so far.
    pub fn forget(&self) {
        let mut state = self.lock();
        state.wanted_from = state.next;
        state.waiting.clear();
        state.checked.clear();
    }

    fn help(&self) {
        let mut state = self.lock();
        loop {
            // The first is wanted next: a helper that is kept from its core must not keep it.
            state = match state.waiting.pop_back() {
                Some(waiting) => self.check(state, waiting),
                None if state.is_over => return,
                None => self.has_work.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Checks one chunk without the lock.
    fn check<'p>(
        &'p self,
        state: MutexGuard<'p, State>,
        (number, mut chunk): (u64, Chunk),
    ) -> MutexGuard<'p, State> {
        drop(state);
        let checked = catch_unwind(AssertUnwindSafe(move || {
            chunk.check();
            chunk
        }));
        let mut state = self.lock();
        if number >= state.wanted_from {
            state.checked.insert(number, checked);
            self.has_result.notify_one();
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends the helpers home, also where the work panics.
struct Over<'a>(&'a Pool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.has_work.notify_all();
    }
}
