//! `sendfile`: the kernel hands pages of the page cache to the socket.

use std::io::ErrorKind;

use nix::errno::Errno;
use nix::sys::sendfile::sendfile64;

use super::way::{Job, Way};
use crate::claims::error::{Unmeasured, doing};

pub struct Sendfile;

impl Way for Sendfile {
    fn send(&mut self, job: &Job<'_>) -> Result<u64, Unmeasured> {
        let mut calls = 0;
        for (start, size) in job.chunks() {
            let mut position = start as i64;
            let mut left = size;
            while left > 0 {
                calls += 1;
                match sendfile64(job.socket, job.file, Some(&mut position), left) {
                    Ok(0) => return Err(doing("sendfile")(ErrorKind::UnexpectedEof).into()),
                    Ok(sent) => left -= sent,
                    Err(Errno::EINTR) => {}
                    Err(error) => return Err(doing("sendfile")(error).into()),
                }
            }
        }
        Ok(calls)
    }
}
