//! What the kernel knows about a process: its processor time and its memory.

use std::io;
use std::time::Duration;

use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

/// A process that cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[error("cannot look at process {pid}: {source}; is it still running, and yours?")]
pub struct ProcessError {
    /// Which.
    pub pid: i32,
    /// Why.
    pub source: io::Error,
}

/// User and system time of all its threads, living and ended.
///
/// # Errors
/// Where there is no such process.
pub fn cpu_time(pid: Pid) -> Result<Duration, ProcessError> {
    let read = clock_getcpuclockid(pid).and_then(|clock| clock.now());
    read.map(Duration::from).map_err(|errno| ProcessError { pid: pid.as_raw(), source: errno.into() })
}

/// User and system time of the calling thread.
pub fn thread_cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// Memory that a process has in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resident {
    /// All of it.
    pub now_bytes: u64,
    /// The part of it that is mapped files, code included.
    pub file_bytes: u64,
    /// The most it ever was.
    pub peak_bytes: u64,
}

/// How much memory a process has in use.
///
/// # Errors
/// Where there is no such process.
pub fn resident(pid: Pid) -> Result<Resident, ProcessError> {
    let error = |source| ProcessError { pid: pid.as_raw(), source };
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(error)?;
    let field = |name: &str| field_bytes(&status, name);
    let found = (field("VmRSS:"), field("RssFile:"), field("VmHWM:"));
    let (Some(now_bytes), Some(file_bytes), Some(peak_bytes)) = found else {
        return Err(error(io::Error::new(io::ErrorKind::NotFound, "it has no memory any more")));
    };
    Ok(Resident { now_bytes, file_bytes, peak_bytes })
}

fn field_bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spinning_costs_cpu_time() {
        let before = (cpu_time(Pid::this()).unwrap(), thread_cpu_time());
        let mut sum = 0u64;
        while thread_cpu_time() - before.1 < Duration::from_millis(5) {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(sum > 0 && cpu_time(Pid::this()).unwrap() > before.0);
    }

    #[test]
    fn a_process_is_at_most_as_large_as_it_ever_was() {
        let resident = resident(Pid::this()).unwrap();
        assert!(resident.now_bytes > 100_000 && resident.now_bytes <= resident.peak_bytes + 4096 * 64);
    }

    #[test]
    fn the_status_of_the_kernel_is_in_kib() {
        assert_eq!(field_bytes("Name:\tx\nVmRSS:\t    12 kB\n", "VmRSS:"), Some(12 * 1024));
        assert_eq!(field_bytes("VmRSS:\t12 MB\n", "VmRSS:"), None);
    }
}
