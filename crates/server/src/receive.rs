//! From the socket to memory: the only module that receives.
//!
//! To fall asleep and be woken by the next request costs some ten microseconds of processor time, and as
//! much delay. Where a client's requests come faster than that, the thread stays awake for them. It spins
//! only as long as a sleep would have cost, and only while recent requests say that it pays (competitive
//! spinning; Karlin, Li, Manasse, Owicki: "Empirical Studies of Competitive Spinning for a Shared-Memory
//! Multiprocessor", SOSP 1991).

use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};

/// How long a thread stays awake. Measured on two cores with five small requests in flight: 20 µs miss
/// most of what 40 µs catch, which doubles the rate at the same processor time per request.
const SPIN_TIME: Duration = Duration::from_micros(50);
/// Between two looks at the socket, so that they do not slow down whoever writes to it.
const PAUSES: usize = 20;

/// The threads that may be awake for nothing at the same time: others need processors too.
#[derive(Debug)]
pub(crate) struct SpinPlaces {
    free: AtomicUsize,
}

impl SpinPlaces {
    /// Half of this machine's processors; none where there is one, which the client needs.
    pub(crate) fn of_this_machine() -> SpinPlaces {
        SpinPlaces::new(thread::available_parallelism().map_or(0, |count| count.get() / 2))
    }

    fn new(free: usize) -> SpinPlaces {
        SpinPlaces { free: AtomicUsize::new(free) }
    }

    fn take(&self) -> Option<SpinPlace<'_>> {
        let taken = self.free.try_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(1));
        taken.ok().map(|_| SpinPlace(self))
    }
}

struct SpinPlace<'s>(&'s SpinPlaces);

impl Drop for SpinPlace<'_> {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Ordering::Relaxed);
    }
}

/// Receives for one connection.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// How long it has waited for bytes lately.
    mean_wait: Duration,
}

impl Default for Receiver {
    fn default() -> Receiver {
        Receiver { mean_wait: LONGEST_NOTED }
    }
}

/// A longer wait counts as this: a client that was quiet for an hour may be quick again within a few requests.
const LONGEST_NOTED: Duration = Duration::from_micros(400);

impl Receiver {
    /// Takes the bytes that are there, or waits for some, as long as the socket's timeout says.
    ///
    /// # Errors
    /// As `read` on the socket.
    pub(crate) fn receive(
        &mut self,
        mut stream: &TcpStream,
        room: &mut [u8],
        places: &SpinPlaces,
    ) -> io::Result<usize> {
        let began = Instant::now();
        let soon = if self.expects_soon() { spin(stream, room, places, began)? } else { None };
        let received = match soon {
            Some(count) => count,
            None => io::Read::read(&mut stream, room)?,
        };
        self.note_wait(began.elapsed());
        Ok(received)
    }

    fn expects_soon(&self) -> bool {
        self.mean_wait < SPIN_TIME
    }

    /// Of the mean, an eighth is the last wait.
    fn note_wait(&mut self, wait: Duration) {
        self.mean_wait = (self.mean_wait * 7 + wait.min(LONGEST_NOTED)) / 8;
    }
}

/// Looks again and again for a moment; `None` where nothing came.
fn spin(
    stream: &TcpStream,
    room: &mut [u8],
    places: &SpinPlaces,
    began: Instant,
) -> io::Result<Option<usize>> {
    let Some(_place) = places.take() else { return Ok(None) };
    loop {
        match recv(stream.as_raw_fd(), room, MsgFlags::MSG_DONTWAIT) {
            Ok(count) => return Ok(Some(count)),
            Err(Errno::EAGAIN) if began.elapsed() < SPIN_TIME => {}
            Err(Errno::EAGAIN) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
        for _ in 0..PAUSES {
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(waits_us: &[u64]) -> Receiver {
        let mut receiver = Receiver::default();
        for wait_us in waits_us {
            receiver.note_wait(Duration::from_micros(*wait_us));
        }
        receiver
    }

    #[test]
    fn only_a_client_that_sends_request_after_request_is_waited_for_awake() {
        assert!(!after(&[]).expects_soon());
        assert!(after(&[10; 30]).expects_soon());
        assert!(!after(&[100; 30]).expects_soon(), "a sleep is cheaper than to be awake in vain each time");
    }

    #[test]
    fn one_late_request_does_not_change_what_many_have_shown() {
        let mut quick_waits = vec![1; 30];
        quick_waits.push(300);
        assert!(after(&quick_waits).expects_soon());
    }

    #[test]
    fn a_client_that_was_quiet_for_long_is_quick_again_after_a_few_requests() {
        let mut waits = vec![3_600_000_000];
        waits.extend([5; 20]);
        assert!(after(&waits).expects_soon());
    }

    #[test]
    fn no_more_threads_are_awake_than_there_are_places() {
        let places = SpinPlaces::new(1);
        let first = places.take();
        assert!(first.is_some());
        assert!(places.take().is_none());
        drop(first);
        assert!(places.take().is_some());
        assert!(SpinPlaces::new(0).take().is_none());
    }

    #[test]
    fn what_comes_is_received_awake_and_asleep() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        for (mut receiver, places) in [
            (after(&[]), SpinPlaces::new(1)),
            (after(&[1; 30]), SpinPlaces::new(1)),
            (after(&[1; 30]), SpinPlaces::new(0)),
        ] {
            io::Write::write_all(&mut client, b"request").unwrap();
            let mut room = [0; 100];
            assert_eq!(receiver.receive(&stream, &mut room, &places).unwrap(), 7);
            assert_eq!(&room[..7], b"request");
        }
        drop(client);
        assert_eq!(after(&[1; 30]).receive(&stream, &mut [0; 9], &SpinPlaces::new(1)).unwrap(), 0);
    }
}
