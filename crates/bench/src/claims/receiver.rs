//! The other end of a transfer: a thread that reads, or lets the kernel drop what comes.

use std::io::{self, Read};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use nix::sys::socket::{MsgFlags, recv};

use super::error::{Error, doing};
use super::meter::thread_cpu;
use super::paths::ClientKeys;
use super::work::Receiver;

const BUFFER_BYTES: usize = 1 << 20;

/// What came.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// Bytes of the file; of TLS where they were not decrypted.
    pub bytes: u64,
    /// User and system time of the thread, without the handshake.
    pub cpu_seconds: f64,
}

/// A receiver at work.
pub struct Receiving {
    thread: JoinHandle<Result<Received, Error>>,
    ready: mpsc::Receiver<()>,
}

/// Starts to receive.
///
/// # Errors
/// Where no thread can be had.
pub fn receive(
    socket: TcpStream,
    how: Receiver,
    keys: ClientKeys,
    size_bytes: u64,
) -> Result<Receiving, Error> {
    let (tell, ready) = mpsc::channel();
    // What says goodbye under TLS, and whether, is not measured.
    let enough = (keys.are_there() && how == Receiver::Reads).then_some(size_bytes);
    let work = move || {
        let mut source = source(socket, how, keys).map_err(doing("the receiver's handshake"))?;
        let mut buffer = vec![0; BUFFER_BYTES];
        let before = thread_cpu()?;
        // The sender may have given up already; the socket tells.
        let _ = tell.send(());
        let bytes = drain(&mut *source, &mut buffer, enough).map_err(doing("receiving"))?;
        let cpu_seconds = thread_cpu()?.saturating_sub(before).as_secs_f64();
        Ok(Received { bytes, cpu_seconds })
    };
    let thread = thread::Builder::new().name("receiver".to_owned()).spawn(work).map_err(doing("a thread"))?;
    Ok(Receiving { thread, ready })
}

impl Receiving {
    /// Returns when the handshake is over and bytes may come.
    ///
    /// # Errors
    /// What kept the receiver from it is told by [`Receiving::finish`]; this says only that it ended.
    pub fn wait_until_ready(&self) -> Result<(), Error> {
        self.ready.recv().map_err(io::Error::other).map_err(doing("the receiver ended before it began"))
    }

    /// Waits for the last byte.
    ///
    /// # Errors
    /// What kept the receiver from it.
    pub fn finish(self) -> Result<Received, Error> {
        let ended = self.thread.join().map_err(|_| io::Error::other("it panicked"));
        ended.map_err(doing("the receiver"))?
    }
}

/// The bytes as this receiver gets them. A handshake is over when this returns.
///
/// # Errors
/// Those of the handshake.
pub fn source(socket: TcpStream, how: Receiver, keys: ClientKeys) -> io::Result<Box<dyn Read + Send>> {
    match how {
        Receiver::Reads => keys.decrypting(socket),
        Receiver::Discards => Ok(Box::new(Discarding(keys.ignoring(socket)?))),
    }
}

/// Lets the kernel drop what comes, and says how much that was.
struct Discarding(TcpStream);

impl Read for Discarding {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.0.as_raw_fd(), buffer, MsgFlags::MSG_TRUNC)?)
    }
}

/// Reads to the end, or until there is enough.
fn drain(source: &mut dyn Read, buffer: &mut [u8], enough: Option<u64>) -> io::Result<u64> {
    let mut bytes = 0;
    loop {
        match source.read(buffer) {
            Ok(0) => return Ok(bytes),
            Ok(read) => bytes += read as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if enough == Some(bytes) {
            return Ok(bytes);
        }
    }
}
