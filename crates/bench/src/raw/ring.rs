//! Reads and sends in one chain, by io_uring.

use std::fs::File;
use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd;

use io_uring::{IoUring, opcode, squeue, types};
use nix::libc;

/// Chunks that are read and sent for one system call.
pub const CHUNKS_PER_CALL: usize = 8;

/// A ring, and a buffer for each chunk that is under way.
pub struct Ring {
    ring: IoUring,
    buffers: Vec<Vec<u8>>,
}

impl Ring {
    /// A ring for chunks of this size.
    ///
    /// # Errors
    /// Where the kernel has no io_uring, or forbids it.
    pub fn new(chunk_bytes: usize) -> io::Result<Self> {
        let ring = IoUring::new(2 * CHUNKS_PER_CALL as u32)?;
        Ok(Self { ring, buffers: vec![vec![0; chunk_bytes]; CHUNKS_PER_CALL] })
    }

    /// Reads what follows `position`, up to `CHUNKS_PER_CALL` chunks and `left` bytes, and sends it in order. Returns how much.
    ///
    /// # Errors
    /// Where a read or a send fails, or does less than it should.
    pub fn copy(&mut self, file: &File, socket: &TcpStream, position: u64, left: u64) -> io::Result<u64> {
        let mut sizes = Vec::with_capacity(CHUNKS_PER_CALL);
        let mut done = 0;
        for buffer in &self.buffers {
            let size = (buffer.len() as u64).min(left - done);
            if size > 0 {
                sizes.push(size as u32);
                done += size;
            }
        }
        self.push(file, socket, position, &sizes)?;
        self.finish(&sizes)?;
        Ok(done)
    }

    /// Queues one chain: read, send, read, send.
    fn push(&mut self, file: &File, socket: &TcpStream, mut position: u64, sizes: &[u32]) -> io::Result<()> {
        let (file, socket) = (types::Fd(file.as_raw_fd()), types::Fd(socket.as_raw_fd()));
        let mut queue = self.ring.submission();
        for (number, (buffer, size)) in self.buffers.iter_mut().zip(sizes).enumerate() {
            let start = buffer.as_mut_ptr();
            let read = opcode::Read::new(file, start, *size).offset(position).build();
            let send =
                opcode::Send::new(socket, start, *size).flags(libc::MSG_WAITALL | libc::MSG_NOSIGNAL).build();
            let is_last = number + 1 == sizes.len();
            let linked = if is_last { squeue::Flags::empty() } else { squeue::Flags::IO_LINK };
            let chain = [
                read.flags(squeue::Flags::IO_LINK).user_data(number as u64),
                send.flags(linked).user_data(number as u64),
            ];
            // SAFETY: the buffer is as long as `size` and belongs to `self`, which `finish` holds until the kernel is done with
            // it, or gives up for good; the descriptors are borrowed for as long.
            unsafe { queue.push_multiple(&chain) }.map_err(io::Error::other)?;
            position += u64::from(*size);
        }
        Ok(())
    }

    /// Waits for all of a chain.
    fn finish(&mut self, sizes: &[u32]) -> io::Result<()> {
        let mut waiting = 2 * sizes.len();
        let mut failed = None;
        while waiting > 0 {
            match self.ring.submit_and_wait(waiting) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    // What is under way may still write into the buffers: nobody may have that memory again.
                    std::mem::forget(std::mem::take(&mut self.buffers));
                    return Err(error);
                }
            }
            for completion in self.ring.completion() {
                waiting = waiting.saturating_sub(1);
                let expected =
                    usize::try_from(completion.user_data()).ok().and_then(|number| sizes.get(number));
                if failed.is_none()
                    && expected.map(|size| i64::from(*size)) != Some(i64::from(completion.result()))
                {
                    failed = Some(error_of(completion.result()));
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

/// A negative result is an errno; anything else here is a transfer that came out short.
fn error_of(result: i32) -> io::Error {
    match result {
        result if result < 0 => io::Error::from_raw_os_error(-result),
        _ => io::ErrorKind::UnexpectedEof.into(),
    }
}
