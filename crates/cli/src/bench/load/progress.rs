//! A line that says how far a load is, where a person watches.

use std::time::Duration;

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use ottla_bench::load::SoFar;

const NS_PER_S: f64 = 1e9;

/// The line. It goes when the load is done.
pub struct Line {
    bar: ProgressBar,
}

impl Line {
    /// A line that shows itself once the load has begun.
    pub fn new() -> Line {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        Line { bar }
    }

    /// Where the load is.
    pub fn show(&self, so_far: SoFar) {
        self.bar.set_message(text_of(&so_far));
        self.bar.tick();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn text_of(so_far: &SoFar) -> String {
    let seconds = (so_far.elapsed_ns as f64 / NS_PER_S).max(1e-3);
    let elapsed = HumanDuration(Duration::from_nanos(so_far.elapsed_ns));
    let phase = if so_far.elapsed_ns < so_far.counted_from_ns { "warming up" } else { "measuring" };
    let under_way = so_far.sent.saturating_sub(so_far.acknowledged);
    let mut text = format!(
        "{phase}, {elapsed}: {} batches acknowledged, {:.0} MB/s, {} under way",
        HumanCount(so_far.acknowledged),
        so_far.acknowledged_bytes as f64 / 1e6 / seconds,
        HumanCount(under_way),
    );
    if so_far.seen > 0 {
        let rate = so_far.seen_bytes as f64 / 1e6 / seconds;
        text.push_str(&format!("; {} read, {rate:.0} MB/s", HumanCount(so_far.seen)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_under_way_and_whether_it_counts_yet() {
        let so_far = SoFar {
            elapsed_ns: 2_000_000_000,
            counted_from_ns: 3_000_000_000,
            sent: 1_010,
            acknowledged: 1_000,
            acknowledged_bytes: 64_000_000,
            ..SoFar::default()
        };
        let text = text_of(&so_far);
        assert!(
            text.starts_with("warming up, 2 seconds: 1,000 batches acknowledged, 32 MB/s, 10 under way"),
            "{text}"
        );
        assert!(text_of(&SoFar { counted_from_ns: 0, seen: 5, ..so_far }).contains("measuring"));
    }
}
