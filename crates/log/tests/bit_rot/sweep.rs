//! All images of one directory, or every so-many-th.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::change::Change;
use crate::judge::{UNDETECTABLE, Verdict, judge};
use crate::scene::{ENDS, Scene, scene};

/// How many images were judged, by what became of them.
#[derive(Default)]
pub(crate) struct Tally {
    pub images: u64,
    pub verdicts: BTreeMap<Verdict, u64>,
    pub wrong: Vec<String>,
}

/// One of so many images is tried; 1 tries all of them.
pub(crate) fn step(default: usize) -> usize {
    std::env::var("OTTLA_BIT_ROT_STEP").ok().and_then(|step| step.parse().ok()).unwrap_or(default).max(1)
}

impl Tally {
    pub(crate) fn sweep(&mut self, scene: &Scene, step: usize) {
        let mut number = 0;
        for (path, bytes) in scene.files() {
            for change in Change::all(bytes.len()) {
                number += 1;
                if number % step == 0 && change.of(&bytes) != bytes {
                    let what = format!("{}, {:?}, {path}, {change}", scene.name, scene.end);
                    let judged = catch_unwind(AssertUnwindSafe(|| {
                        judge(scene, &path, &bytes, change, number % 8 == 0)
                    }));
                    self.note(&what, judged.unwrap_or_else(|_| Err("it panics".to_owned())));
                }
            }
        }
    }

    pub(crate) fn note(&mut self, what: &str, judged: Result<Verdict, String>) {
        self.images += 1;
        match judged {
            Ok(verdict) => *self.verdicts.entry(verdict).or_default() += 1,
            Err(wrong) => self.wrong.push(format!("{what}: {wrong}")),
        }
    }

    pub(crate) fn report(&self, name: &str) {
        println!("bit rot, {name}: {} images", self.images);
        for (verdict, images) in &self.verdicts {
            println!("  {images:>8} {verdict:?}");
        }
        let first: Vec<_> = self.wrong.iter().take(20).collect();
        assert!(self.wrong.is_empty(), "{} of {} images: {first:#?}", self.wrong.len(), self.images);
        let unknown = self
            .verdicts
            .keys()
            .find(|verdict| matches!(verdict, Verdict::Undetectable(what) if !UNDETECTABLE.contains(what)));
        assert_eq!(unknown, None);
        assert!(self.images > 0);
    }
}

/// A plain run of all the directories together takes less than a minute of one core.
pub(crate) const STEP: usize = 11;

fn sweep(name: &str) {
    let mut tally = Tally::default();
    for end in ENDS {
        tally.sweep(&scene(name, end), step(STEP));
    }
    tally.report(name);
}

#[test]
fn bits_of_a_plain_log() {
    sweep("plain");
}

#[test]
fn bits_of_a_log_of_all_codecs() {
    sweep("codecs");
}

#[test]
fn bits_of_a_log_of_idempotent_producers() {
    sweep("idempotent");
}

#[test]
fn bits_of_a_log_of_transactions() {
    sweep("transactions");
}

#[test]
fn bits_of_a_log_whose_beginning_was_deleted() {
    sweep("deleted prefix");
}

#[test]
fn bits_of_a_log_of_many_epochs() {
    sweep("epochs");
}

#[test]
fn bits_of_a_compacted_log() {
    sweep("compacted");
}
