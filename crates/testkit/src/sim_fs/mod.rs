//! A file system in memory that keeps the contract of [`ottla::fs`] and not a bit more: what was not
//! synced may be gone after a crash, whole, in part, or out of order.
//!
//! ```
//! use std::path::Path;
//! use ottla::fs::{File, FileSystem, OpenMode};
//! use ottla_testkit::{Crash, SimFs};
//!
//! let fs = SimFs::new();
//! let file = fs.open(Path::new("/letters"), OpenMode::CreateNew)?;
//! file.write_all_at(b"kept", 0)?;
//! file.sync()?;
//! fs.sync_dir(Path::new("/"))?;
//! file.write_all_at(b" or lost", 4)?;
//!
//! let after = |crash: &mut Crash| fs.crash(crash).image().read("/letters").map(<[u8]>::to_vec);
//! assert_eq!(after(&mut Crash::LoseAll).as_deref(), Some(&b"kept"[..]));
//! assert_eq!(after(&mut Crash::KeepAll).as_deref(), Some(&b"kept or lost"[..]));
//! for mut crash in fs.crashes(100) {
//!     assert!(after(&mut crash).is_some_and(|bytes| bytes.starts_with(b"kept")), "{crash:?}");
//! }
//! # Ok::<(), std::io::Error>(())
//! ```

mod change;
mod crash;
mod disk;
mod fault;
mod file;
mod file_system;
mod image;
mod path;
mod state;
mod unsynced;

pub use crash::Crash;
pub use fault::{Call, Fault, LoggedCall, Repeat};
pub use image::{Entry, Image};
pub use unsynced::{ChangeKind, CrashChoice, Survival, Unsynced};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use disk::Disk;
use fault::IgnoredSyncs;
use ottla::clock::Clock;
use state::State;

/// A simulated disk and the machine that it is in. Clones share it.
#[derive(Clone, Debug)]
pub struct SimFs(Arc<Mutex<State>>);

impl Default for SimFs {
    fn default() -> Self {
        SimFs::new()
    }
}

impl SimFs {
    /// An empty disk with a root directory.
    pub fn new() -> SimFs {
        SimFs::on(Disk::new())
    }

    /// A disk that durably holds what the image holds.
    pub fn from_image(image: &Image) -> SimFs {
        SimFs::on(Disk::from_image(image))
    }

    fn on(disk: Disk) -> SimFs {
        SimFs(Arc::new(Mutex::new(State::new(disk))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Files are stamped with this clock's time; without one, with 0.
    pub fn set_clock(&self, clock: Arc<dyn Clock>) {
        self.state().clock = Some(clock);
    }

    /// Every read gives at most this many bytes, as a system may.
    pub fn set_max_read(&self, max_bytes: Option<usize>) {
        self.state().max_read = max_bytes;
    }

    /// The disk is full once its files hold this many bytes.
    pub fn set_capacity(&self, max_bytes: Option<u64>) {
        self.state().capacity = max_bytes;
    }

    /// The `n`th call of this kind from now (1 is the next) fails, and with [`Repeat::Always`] all
    /// after it. A failed sync loses what it was to make durable, even when a later one succeeds.
    pub fn fail_nth(&self, call: Call, n: u64, fault: Fault, repeat: Repeat) {
        self.state().faults.schedule(call, n, fault, repeat);
    }

    /// Only calls on files and directories at or below `path` fail and are counted for
    /// [`SimFs::fail_nth`], from now on.
    pub fn fail_only_under(&self, path: impl AsRef<std::path::Path>) {
        self.state().faults.only_under(path.as_ref());
    }

    /// More than this many calls from now on are a loop that does not end: the next one panics.
    pub fn allow_calls(&self, most: u64) {
        self.state().faults.allow_calls(most);
    }

    /// Takes back every fault that was scheduled.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Every sync of a file or a directory for which `ignored` holds succeeds and makes nothing durable, here
    /// and on the disks that crashes of this one leave: what a program would lose that left it out.
    /// `ignored` is given what [`SimFs::log`] holds, with the sync at its end, and must not call this
    /// file system.
    pub fn ignore_syncs(&self, ignored: impl Fn(&[LoggedCall]) -> bool + Send + Sync + 'static) {
        self.state().ignored_syncs = Some(IgnoredSyncs(Arc::new(ignored)));
    }

    /// The places, among [`SimFs::unsynced`], of the changes that would be durable but for [`SimFs::ignore_syncs`].
    pub fn left_out(&self) -> Vec<usize> {
        self.state().journal.left_out()
    }

    /// How many calls have failed by [`SimFs::fail_nth`].
    pub fn faults_hit(&self) -> u64 {
        self.state().faults.hit
    }

    /// How many calls of this kind there were.
    pub fn calls(&self, call: Call) -> u64 {
        self.state().faults.count(call)
    }

    /// How many calls changed the disk or synced it.
    pub fn mutations(&self) -> u64 {
        self.state().log.len() as u64
    }

    /// The calls that changed the disk or synced it, in order.
    pub fn log(&self) -> Vec<LoggedCall> {
        self.state().log.clone()
    }

    /// After `n` more calls that change or sync, the power goes during the next one: it is lost, kept
    /// or torn as any unsynced change, and it and all later calls fail.
    pub fn crash_after(&self, n: u64) {
        let mut state = self.state();
        state.crash_at = Some(state.log.len() as u64 + n);
    }

    /// It was not the power that went, only the process ended: the next one finds all that was written, and it may
    /// still be lost.
    pub fn restart(&self) {
        let mut state = self.state();
        (state.crashed, state.crash_at) = (false, None);
    }

    /// Whether the power is gone.
    pub fn crashed(&self) -> bool {
        self.state().crashed
    }

    /// The changes that a crash could take back now, in the order they were made.
    pub fn unsynced(&self) -> Vec<Unsynced> {
        self.state().journal.describe()
    }

    /// The disk after a loss of power now. `choice` says of each unsynced change what is left of it.
    /// This file system goes on, so that one run can be crashed in many ways.
    pub fn crash(&self, choice: &mut dyn CrashChoice) -> SimFs {
        let state = self.state();
        let mut disk = state.durable.clone();
        state.journal.survivors(&mut disk, choice);
        disk.drop_unreachable();
        let after = SimFs::on(disk);
        after.state().ignored_syncs = state.ignored_syncs.clone();
        after
    }

    /// The crashes worth trying now: nothing and everything lost; each change lost, and kept, alone;
    /// all up to each; each write torn at every 512-byte boundary, the last of each file at every byte,
    /// without any one of its sectors or pages, grown without its data, and with its data but not grown;
    /// each renamed file under both names; and `random` mixtures.
    pub fn crashes(&self, random: u64) -> impl Iterator<Item = Crash> + use<> {
        crash::crashes(self.unsynced(), random)
    }

    /// What a program sees on the disk now.
    pub fn image(&self) -> Image {
        self.state().live.image()
    }

    /// What every crash leaves on the disk.
    pub fn durable_image(&self) -> Image {
        self.crash(&mut Crash::LoseAll).image()
    }
}
