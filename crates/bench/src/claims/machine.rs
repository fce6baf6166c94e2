//! On what was measured: what decides about the figures, as the kernel tells it.

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::stat::{major, minor};
use nix::sys::utsname::uname;
use serde::Serialize;

use super::network::CONGESTION_CONTROL;

/// The machine, its kernel and its settings. What the kernel does not tell is left out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Machine {
    /// What it is, by name, in the order of a report.
    pub facts: Vec<Fact>,
    /// Processes that were at work in the minute before, on average.
    pub load_average: Option<f64>,
    /// Processors that this process may use.
    pub processors: Option<usize>,
    /// Memory that programs may have now.
    pub available_memory_bytes: u64,
}

/// One thing that is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fact {
    /// What it is about.
    pub name: &'static str,
    /// What is known.
    pub value: String,
}

impl Machine {
    /// This one, and the file system of this directory.
    pub fn here(dir: &Path) -> Self {
        let memory = fields(&text("/proc/meminfo"));
        let kib =
            |name: &str| memory.get(name).and_then(|value| value.trim_end_matches(" kB").parse::<u64>().ok());
        let mut facts = Vec::new();
        let mut add = |name, value: Option<String>| {
            facts.extend(value.filter(|value| !value.is_empty()).map(|value| Fact { name, value }));
        };
        add(
            "kernel",
            uname().ok().map(|name| {
                let part = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
                format!("{} {} {}", part(name.sysname()), part(name.release()), part(name.machine()))
            }),
        );
        add("processor", processor());
        add("memory", kib("MemTotal").map(|kib| format!("{} MiB", kib >> 10)));
        add("directory", Some(dir.display().to_string()));
        for (name, value) in storage(dir) {
            add(name, value);
        }
        for (name, path) in SETTINGS {
            add(name, Some(text(path).split_whitespace().collect::<Vec<_>>().join(" ")));
        }
        add("TCP congestion control of these sockets", Some(CONGESTION_CONTROL.to_owned()));
        add("ottla", Some(env!("CARGO_PKG_VERSION").to_owned()));
        Self {
            load_average: text("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()),
            processors: std::thread::available_parallelism().ok().map(Into::into),
            facts,
            available_memory_bytes: kib("MemAvailable").unwrap_or(u64::MAX >> 10) << 10,
        }
    }

    /// Why the figures deserve less belief than others.
    pub fn cautions(&self) -> Vec<String> {
        let mut found = Vec::new();
        if let (Some(load), Some(processors)) = (self.load_average, self.processors)
            && load > processors as f64 / 2.0
        {
            found.push(format!(
                "other work was under way: {load} processes on {processors} processors in the minute before. Costs may be right; \
                 rates are those of a busy machine."
            ));
        }
        if cfg!(debug_assertions) {
            found.push("this is a build for debugging; measure with one for release.".to_owned());
        }
        found
    }
}

/// Settings that are one file each.
const SETTINGS: &[(&str, &str)] = &[
    ("transparent huge pages", "/sys/kernel/mm/transparent_hugepage/enabled"),
    ("huge pages for shared memory", "/sys/kernel/mm/transparent_hugepage/shmem_enabled"),
    ("dirty memory before writers wait, %", "/proc/sys/vm/dirty_ratio"),
    ("dirty memory before it is written back, %", "/proc/sys/vm/dirty_background_ratio"),
    ("TCP congestion control of the machine", "/proc/sys/net/ipv4/tcp_congestion_control"),
    ("TCP send buffer: least, default, most", "/proc/sys/net/ipv4/tcp_wmem"),
    ("TCP receive buffer: least, default, most", "/proc/sys/net/ipv4/tcp_rmem"),
    ("what the kernel can put below a socket", "/proc/sys/net/ipv4/tcp_available_ulp"),
    ("io_uring: 0 allowed, 1 for some, 2 off", "/proc/sys/kernel/io_uring_disabled"),
    ("largest pipe", "/proc/sys/fs/pipe-max-size"),
];

/// `3 × Some CPU, virtual`.
fn processor() -> Option<String> {
    let about = fields(&text("/proc/cpuinfo"));
    let name = about.get("model name").or_else(|| about.get("Processor")).or_else(|| about.get("CPU part"));
    let count = std::thread::available_parallelism().ok()?;
    let is_virtual =
        about.get("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor"));
    let suffix = if is_virtual { ", of a virtual machine" } else { "" };
    Some(format!("{count} × {}{suffix}", name.map_or("unknown", String::as_str)))
}

/// The file system of a directory, and the block device below it.
fn storage(dir: &Path) -> Vec<(&'static str, Option<String>)> {
    let Ok(about) = dir.metadata() else { return Vec::new() };
    let device = format!("{}:{}", major(about.dev()), minor(about.dev()));
    let mount = text("/proc/self/mountinfo").lines().find_map(|line| mount(line, &device));
    // A partition has its queue one folder up.
    let queue = |name: &str| {
        let folder = format!("/sys/dev/block/{device}");
        [format!("{folder}/queue/{name}"), format!("{folder}/../queue/{name}")]
            .iter()
            .map(|path| text(path))
            .find(|text| !text.is_empty())
    };
    vec![
        ("file system and its options", mount),
        ("rotational disk (1: it says so)", queue("rotational")),
        ("disk's write cache", queue("write_cache")),
        ("disk's scheduler", queue("scheduler")),
        ("read-ahead, KiB", queue("read_ahead_kb")),
    ]
}

/// From a line of /proc/self/mountinfo of this device: its kind and options.
fn mount(line: &str, device: &str) -> Option<String> {
    let (mount, file_system) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(2);
    if mount.next()? != device {
        return None;
    }
    let of_the_mount = mount.nth(2)?;
    let mut file_system = file_system.split(' ');
    let kind = file_system.next()?;
    Some(format!("{kind} ({of_the_mount}; {})", file_system.nth(1)?))
}

/// The text of a small file of the kernel, without what surrounds it; empty where there is none.
fn text(path: &str) -> String {
    read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// `name: value` lines; of a name that comes again the first counts.
fn fields(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
        found.entry(name.trim().to_owned()).or_insert_with(|| value.trim().to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_found_by_its_device() {
        let line = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/x rw,errors=continue";
        assert_eq!(mount(line, "98:0").as_deref(), Some("ext3 (rw,noatime; rw,errors=continue)"));
        assert_eq!(mount(line, "98:1"), None);
        assert_eq!(mount("", "98:1"), None);
    }

    #[test]
    fn a_machine_at_other_work_is_told() {
        let busy = |load| Machine { load_average: Some(load), processors: Some(2), ..Machine::default() };
        let tells =
            |machine: Machine| machine.cautions().iter().any(|caution| caution.contains("2 processors"));
        assert!(tells(busy(1.5)) && !tells(busy(0.5)));
    }

    #[test]
    fn this_machine_has_a_kernel_and_memory() {
        let machine = Machine::here(Path::new("/"));
        assert!(machine.facts.iter().any(|fact| fact.name == "kernel"));
        assert!(machine.available_memory_bytes > 0);
    }
}
