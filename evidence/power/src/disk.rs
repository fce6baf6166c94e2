//! A file system on a loop image in memory. Nothing of it outlives this process, however it ends: the mounts, that of the
//! memory which holds the image among them, are in a namespace of their own, and a loop device clears itself when it is
//! unmounted.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags};
use nix::sched::CloneFlags;

/// An empty file on every disk, of which a sync tells whether the file system is still there.
pub const PROBE: &str = "probe";

/// Which file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The ordinary one of Linux.
    Ext4,
    /// The other one that Kafka is run on.
    Xfs,
}

impl Kind {
    /// As `mount` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ext4 => "ext4",
            Kind::Xfs => "xfs",
        }
    }

    fn make(self, image: &Path) -> Result<(), String> {
        let (len, arguments): (u64, &[&str]) = match self {
            Kind::Ext4 => (64 << 20, &["-q", "-F", "-J", "size=8", "-E", "lazy_itable_init=0,nodiscard"]),
            // The smallest that mkfs.xfs makes.
            Kind::Xfs => (300 << 20, &["-q", "-f", "-K"]),
        };
        let file = File::create(image).map_err(|e| format!("cannot make {}: {e}", image.display()))?;
        file.set_len(len).map_err(|e| format!("cannot grow {}: {e}", image.display()))?;
        run(Command::new(format!("mkfs.{}", self.name())).args(arguments).arg(image)).map(drop)
    }
}

fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("{command:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
}

/// From here on, what this process mounts is seen by it and its children only, and goes when they go. Call it before
/// any thread is started.
///
/// # Errors
/// Why this cannot be: it is then as if the machine had no loop devices.
pub fn own_namespace() -> Result<(), String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("mounting takes root".to_owned());
    }
    nix::sched::unshare(CloneFlags::CLONE_NEWNS)
        .map_err(|e| format!("no mount namespace of its own: {e}"))?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    nix::mount::mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
        .map_err(|e| format!("the mounts cannot be made private: {e}"))
}

/// Puts a file system in memory there, of this process and its children only: what is in it goes with them.
///
/// # Errors
/// As the system reports it.
pub fn in_memory(folder: &Path) -> Result<(), String> {
    let options = Some("size=2g,mode=0700");
    nix::mount::mount(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::empty(), options)
        .map_err(|e| format!("no tmpfs can be mounted: {e}"))
}

/// Unmounts that again, so that the folder can be removed.
pub fn forget_memory(folder: &Path) {
    let _ = nix::mount::umount2(folder, MntFlags::MNT_DETACH);
}

/// A mounted loop image.
#[derive(Debug)]
pub struct Disk {
    kind: Kind,
    image: PathBuf,
    mount: PathBuf,
    mounted: bool,
}

impl Disk {
    /// Makes an image in `folder`, and mounts it there.
    ///
    /// # Errors
    /// What is missing: mkfs, a loop device, the file system in the kernel.
    pub fn new(kind: Kind, folder: &Path) -> Result<Disk, String> {
        let image = folder.join(format!("{}.img", kind.name()));
        kind.make(&image)?;
        let mount = folder.join(kind.name());
        std::fs::create_dir_all(&mount).map_err(|e| format!("{}: {e}", mount.display()))?;
        let mut disk = Disk { kind, image, mount, mounted: false };
        disk.mount()?;
        let probe = File::create(disk.mount.join(PROBE)).and_then(|probe| probe.sync_all());
        let root = File::open(&disk.mount).and_then(|root| root.sync_all());
        probe.and(root).map_err(|e| format!("cannot make {PROBE}: {e}"))?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.mount
    }

    /// Mounts it, on a loop device of its own: the file system replays its journal.
    ///
    /// A device that is kept would keep pages of the one that was mounted before, which were never written to it.
    ///
    /// # Errors
    /// As the system reports it.
    pub fn mount(&mut self) -> Result<(), String> {
        let mut mount = Command::new("mount");
        mount.args(["-t", self.kind.name(), "-o", "loop,noatime"]).arg(&self.image).arg(&self.mount);
        run(&mut mount)?;
        self.mounted = true;
        Ok(())
    }

    /// Unmounts it.
    ///
    /// # Errors
    /// Where something in it is still open after a while.
    pub fn unmount(&mut self) -> Result<(), String> {
        for _ in 0..100 {
            match nix::mount::umount2(&self.mount, MntFlags::empty()) {
                Ok(()) => {
                    self.mounted = false;
                    return Ok(());
                }
                Err(Errno::EBUSY) => thread::sleep(Duration::from_millis(20)),
                Err(e) => return Err(format!("cannot unmount {}: {e}", self.mount.display())),
            }
        }
        Err(format!("{} is still in use", self.mount.display()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            let _ = nix::mount::umount2(&self.mount, MntFlags::MNT_DETACH);
        }
    }
}
