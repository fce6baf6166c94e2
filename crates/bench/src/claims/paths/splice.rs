//! `splice` from the file into a pipe, and from the pipe into the socket.

use std::io::ErrorKind;
use std::os::fd::OwnedFd;

use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::pipe2;

use super::way::{Job, Way};
use crate::claims::error::{Unmeasured, doing, skip};

pub struct Splice {
    out: OwnedFd,
    into: OwnedFd,
}

impl Splice {
    /// A pipe that holds a chunk, where the kernel allows one so large; what does not fit goes in several times.
    pub fn new(chunk_bytes: usize) -> Result<Self, Unmeasured> {
        let (out, into) = pipe2(OFlag::O_CLOEXEC).map_err(doing("a pipe"))?;
        let wanted = i32::try_from(chunk_bytes).unwrap_or(i32::MAX);
        fcntl(&into, FcntlArg::F_SETPIPE_SZ(wanted)).map_err(skip("a pipe as large as a chunk"))?;
        Ok(Self { out, into })
    }
}

impl Way for Splice {
    fn send(&mut self, job: &Job<'_>) -> Result<u64, Unmeasured> {
        let mut calls = 0;
        for (start, size) in job.chunks() {
            let mut position = start as i64;
            let mut left = size;
            while left > 0 {
                let taken = splice(
                    job.file,
                    Some(&mut position),
                    &self.into,
                    None,
                    left,
                    SpliceFFlags::SPLICE_F_MOVE,
                );
                let taken = moved(taken)?;
                left -= taken;
                calls += 1;
                let mut inside = taken;
                while inside > 0 {
                    let more = if left > 0 { SpliceFFlags::SPLICE_F_MORE } else { SpliceFFlags::empty() };
                    let flags = SpliceFFlags::SPLICE_F_MOVE | more;
                    inside -= moved(splice(&self.out, None, job.socket, None, inside, flags))?;
                    calls += 1;
                }
            }
        }
        Ok(calls)
    }
}

/// Nothing at all would be the end of the file, which is not reached here.
fn moved(result: nix::Result<usize>) -> Result<usize, Unmeasured> {
    match result.map_err(doing("splice"))? {
        0 => Err(doing("splice")(ErrorKind::UnexpectedEof).into()),
        moved => Ok(moved),
    }
}
