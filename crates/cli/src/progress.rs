//! A bar on standard error for work that takes long, where a person watches.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ottla_inspect::Progress;

/// A bar over this many bytes. Where standard error is no terminal it draws nothing.
pub fn bytes(total: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
    let template = "{msg} [{bar:32}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.with_message(what)
}

/// A line that counts records of which nobody knows how many come.
pub fn records(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {human_pos} records {per_sec}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_message(what)
}

/// A bar over the bytes of a directory, which goes when the work is done.
pub struct Bar {
    what: &'static str,
    bar: ProgressBar,
}

impl Bar {
    /// A bar that shows itself once the work has begun.
    pub fn new(what: &'static str) -> Bar {
        Bar { what, bar: ProgressBar::hidden() }
    }
}

impl Progress for Bar {
    fn begin(&mut self, total_bytes: u64) {
        self.bar = bytes(total_bytes, self.what);
    }

    fn advance(&mut self, bytes: u64) {
        self.bar.inc(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
