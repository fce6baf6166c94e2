//! The counts, by file.

use std::collections::BTreeMap;

use crate::mutant::Mutant;
use crate::say;
use crate::trial::Fate;

#[derive(Default)]
struct Counts {
    killed: usize,
    timed_out: usize,
    survived: usize,
    unviable: usize,
    apart: usize,
}

impl Counts {
    fn add(&mut self, fate: &Fate) {
        *match fate {
            Fate::Killed(_) => &mut self.killed,
            Fate::TimedOut(_) => &mut self.timed_out,
            Fate::Survived(_) | Fate::SurvivedSoFar(_) => &mut self.survived,
            Fate::Unviable => &mut self.unviable,
            Fate::Apart => &mut self.apart,
        } += 1;
    }

    fn line(&self, title: &str) -> String {
        let caught = self.killed + self.timed_out;
        let tried = caught + self.survived;
        let share = 100.0 * caught as f64 / tried.max(1) as f64;
        format!(
            "| {title} | {tried} | {} | {} | {} | {share:.1} % | {} | {} |",
            self.killed, self.timed_out, self.survived, self.unviable, self.apart
        )
    }
}

/// Prints a table, and the survivors below it.
pub(crate) fn print(fates: &[(&Mutant, Fate)]) {
    let mut by_file: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut all = Counts::default();
    for (mutant, fate) in fates {
        by_file.entry(&mutant.file).or_default().add(fate);
        all.add(fate);
    }
    say("| file | tried | killed | timed out | survived | noticed | no Rust | not switchable |");
    say("| --- | --- | --- | --- | --- | --- | --- | --- |");
    by_file.iter().for_each(|(file, counts)| say(&counts.line(file)));
    say(&all.line("all"));
    for (mutant, fate) in fates {
        match fate {
            Fate::Survived(tests) => say(&format!("survived {tests} tests: {}", mutant.name)),
            Fate::SurvivedSoFar(tests) => say(&format!("survived {tests} quick tests: {}", mutant.name)),
            Fate::Apart => say(&format!("not switchable: {}", mutant.name)),
            Fate::Killed(_) | Fate::TimedOut(_) | Fate::Unviable => {}
        }
    }
}
