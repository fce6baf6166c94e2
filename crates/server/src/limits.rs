//! What clients may use up. Every limit is on by default.

use std::io;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use ottla::fs::open_files_limit;

/// How many connections, bytes and seconds clients get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; half of the process's limit on open files where none is given
    /// (`max.connections`).
    pub connections: Option<usize>,
    /// Connections of one IP address at once (`max.connections.per.ip`). Raise it where many clients
    /// share an address.
    pub connections_per_ip: usize,
    /// The size of a request that brings records (`socket.request.max.bytes`).
    pub frame_bytes: usize,
    /// The size of any other request. Its answer may take many times its memory.
    pub small_frame_bytes: usize,
    /// Memory for requests that are being received and handled, over all connections
    /// (`queued.max.request.bytes`). While it is used up, sockets are not read.
    pub in_flight_bytes: usize,
    /// How long a request may take to arrive, from its first byte to its last.
    pub frame_time: Duration,
    /// How long a connection may be silent (`connections.max.idle.ms`).
    pub idle_time: Duration,
    /// How long a client may take nothing of an answer that is being sent to it.
    pub write_stall_time: Duration,
    /// How many requests of one connection are handled before their answers are sent.
    pub pipelined_requests: usize,
    /// How long a fetch may wait for bytes, whatever it asks for.
    pub fetch_wait: Duration,
    /// Partitions of all topics together.
    pub partitions: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: None,
            connections_per_ip: 1_000,
            frame_bytes: 100 << 20,
            small_frame_bytes: 4 << 20,
            in_flight_bytes: 256 << 20,
            frame_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(10 * 60),
            write_stall_time: Duration::from_secs(60),
            pipelined_requests: 100,
            fetch_wait: Duration::from_secs(5 * 60),
            partitions: 10_000,
        }
    }
}

impl Limits {
    /// How often a connection on which nothing arrives looks at its limits.
    pub(crate) fn tick(&self) -> Duration {
        let shortest = self.frame_time.min(self.idle_time) / 2;
        shortest.clamp(Duration::from_millis(10), Duration::from_secs(5))
    }
}

/// How the process's open files are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenFiles {
    /// Connections, one file each.
    pub connections: usize,
    /// Files of segments that the store keeps open, over all partitions.
    pub segment_files: usize,
}

impl OpenFiles {
    /// Half of `limit` goes to connections and three eighths to segments; the rest is for those that readers
    /// still hold when they are closed, and for whatever else the process does.
    fn share(limit: usize, connections: Option<usize>) -> OpenFiles {
        OpenFiles {
            connections: connections.unwrap_or(limit / 2).max(1),
            segment_files: (limit / 8 * 3).clamp(16, 16_384),
        }
    }

    pub(crate) fn of_this_process(limits: &Limits) -> OpenFiles {
        OpenFiles::share(open_files_limit(), limits.connections)
    }
}

/// Lets the process open as many files as the system allows it, and returns how many that are. Call it
/// before [`Server::start`](crate::Server::start): by default the number of connections follows from it.
///
/// # Errors
/// As the system reports it.
pub fn raise_open_files_limit() -> io::Result<u64> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    Ok(hard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_get_half_of_the_open_files() {
        assert_eq!(OpenFiles::share(1_024, None), OpenFiles { connections: 512, segment_files: 384 });
        assert_eq!(OpenFiles::share(1_024, Some(7)).connections, 7);
        assert_eq!(OpenFiles::share(0, None), OpenFiles { connections: 1, segment_files: 16 });
    }

    #[test]
    fn a_short_limit_is_looked_at_more_often_than_it_is_long() {
        let limits = Limits { frame_time: Duration::from_millis(100), ..Limits::default() };
        assert_eq!(limits.tick(), Duration::from_millis(50));
        assert_eq!(Limits::default().tick(), Duration::from_secs(5));
    }
}
