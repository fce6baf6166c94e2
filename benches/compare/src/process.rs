//! What the kernel knows about a server process.

use std::time::Duration;

use anyhow::{Context, Result};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

/// User and system time of all its threads, living and ended: the sum of /proc/PID/stat, in nanoseconds instead of ticks.
pub fn cpu_time(pid: Pid) -> Result<Duration> {
    let clock = clock_getcpuclockid(pid).with_context(|| format!("the CPU clock of process {pid}"))?;
    Ok(clock.now()?.into())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resident {
    pub now_bytes: u64,
    /// The part of it that is mapped files, code included.
    pub file_bytes: u64,
    pub peak_bytes: u64,
}

pub fn resident(pid: Pid) -> Result<Resident> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).context(path)?;
    Ok(Resident {
        now_bytes: field_bytes(&status, "VmRSS:")?,
        file_bytes: field_bytes(&status, "RssFile:")?,
        peak_bytes: field_bytes(&status, "VmHWM:")?,
    })
}

fn field_bytes(status: &str, name: &str) -> Result<u64> {
    let line =
        status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().with_context(|| format!("{name}{line}"))?;
    Ok(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spinning_costs_cpu_time_and_sleeping_does_not() {
        let before = cpu_time(Pid::this()).unwrap();
        let mut sum = 0u64;
        while cpu_time(Pid::this()).unwrap() - before < Duration::from_millis(5) {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(sum > 0);
    }

    #[test]
    fn a_process_is_at_most_as_large_as_it_ever_was() {
        let resident = resident(Pid::this()).unwrap();
        assert!(resident.now_bytes > 100_000 && resident.now_bytes <= resident.peak_bytes + 4096 * 64);
    }
}
