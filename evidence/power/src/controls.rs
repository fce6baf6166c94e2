//! Negative controls: with the syncs of one place in the engine left out, the check must fail. One that cannot fail
//! proves nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use crate::cycle::{self, Settings};
use crate::disk::{Disk, Kind};

/// So many losses of power show all places that sync.
const TO_SEE_ALL: u64 = 150;

/// Tries each place for so many cycles, and prints what caught it.
///
/// # Errors
/// Where the engine fails with nothing left out.
pub fn run(
    kinds: &[Kind],
    folder: &Path,
    settings: &Settings,
    only: &str,
    is_ended: &dyn Fn() -> bool,
) -> Result<(), String> {
    let cache = cycle::cache_in(folder);
    let mut disks = Vec::new();
    let mut places = BTreeSet::new();
    for kind in kinds {
        let mut disk = Disk::new(*kind, folder)?;
        let survey = Settings { cycles: TO_SEE_ALL, sites: Some((cache.clone(), None)), ..settings.clone() };
        let tally = cycle::run(&mut disk, &survey, is_ended)
            .map_err(|failed| format!("{}, with nothing left out: {}", kind.name(), failed.0.what))?;
        places.extend(tally.places);
        disks.push((*kind, disk));
    }
    crate::say(&format!(
        "{} places sync something; each is left out for up to {} cycles",
        places.len(),
        settings.cycles
    ));
    let mut caught_by_any = 0;
    for place in places.iter().filter(|place| place.contains(only)) {
        let mut line = Vec::new();
        let mut caught = false;
        for (kind, disk) in &mut disks {
            if is_ended() {
                return Ok(());
            }
            let begin = Instant::now();
            let settings = Settings { sites: Some((cache.clone(), Some(place.clone()))), ..settings.clone() };
            let name = kind.name();
            line.push(match cycle::run(disk, &settings, is_ended) {
                Ok(tally) => {
                    format!("{name} NOT CAUGHT in {} cycles, {} s", tally.cycles, begin.elapsed().as_secs())
                }
                Err(failed) => {
                    caught = true;
                    let what = failed.0.what.lines().next().unwrap_or_default().to_owned();
                    format!("{name} caught after {}: {what}", failed.0.cycle + 1)
                }
            });
            // Whatever state the directory is in, the next one begins with a new one on a mounted disk.
            if line.last().is_some_and(|line| !line.contains("NOT CAUGHT")) {
                let _ = disk.unmount();
                *disk = Disk::new(*kind, folder)?;
            }
        }
        caught_by_any += usize::from(caught);
        crate::say(&format!("{place}\n    {}", line.join("\n    ")));
    }
    crate::say(&format!("{caught_by_any} of {} places are caught", places.len()));
    Ok(())
}
