//! A plot of samples: a row for each case, a dot for each sample, a tick at the median, a line from lowest to highest.
//!
//! Our own, because plotting libraries write their colours into the picture: these are of the page, so it can be light or dark.

use maud::{Markup, html};

use super::figures::number;
use crate::claims::compare::spread;

/// A row of a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What was measured.
    pub label: String,
    /// Its samples; none where it was skipped.
    pub values: Vec<f64>,
}

const LABELS_WIDTH: f64 = 330.0;
const PLOT_WIDTH: f64 = 430.0;
const VALUES_WIDTH: f64 = 90.0;
const ROW_HEIGHT: f64 = 22.0;
const TOP: f64 = 24.0;

/// Where values stand on the way from left to right.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    /// From 0 to this.
    Linear(f64),
    /// From a power of ten to another: where a linear scale would crowd most rows at its left end.
    Logarithmic(f64, f64),
}

const CROWDED: f64 = 30.0;

impl Scale {
    fn of(rows: &[Row]) -> Self {
        let values = || rows.iter().flat_map(|row| row.values.iter().copied()).filter(|value| *value > 0.0);
        let most = values().fold(0.0, f64::max);
        let least = values().fold(f64::INFINITY, f64::min);
        match most / least > CROWDED {
            true => Self::Logarithmic(least.log10().floor(), most.log10().ceil()),
            false => Self::Linear(if most > 0.0 { round_up(most) } else { 1.0 }),
        }
    }

    fn x(self, value: f64) -> f64 {
        let share = match self {
            Self::Linear(most) => value / most,
            Self::Logarithmic(low, high) => (value.max(f64::MIN_POSITIVE).log10() - low) / (high - low),
        };
        LABELS_WIDTH + PLOT_WIDTH * share.clamp(0.0, 1.0)
    }

    fn marks(self) -> Vec<f64> {
        match self {
            Self::Linear(most) => (0..=4).map(|quarter| most * f64::from(quarter) / 4.0).collect(),
            Self::Logarithmic(low, high) => {
                (low as i32..=high as i32).map(|power| 10f64.powi(power)).collect()
            }
        }
    }
}

/// The next number above whose quarters are short: 1, 2, 4 or 8 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 4.0, 8.0]
        .iter()
        .map(|step| step * power)
        .find(|rounded| *rounded >= value)
        .unwrap_or(10.0 * power)
}

/// The plot as SVG.
pub fn plot(title: &str, unit: &str, rows: &[Row]) -> Markup {
    let scale = Scale::of(rows);
    let bottom = TOP + ROW_HEIGHT * rows.len() as f64;
    let width = LABELS_WIDTH + PLOT_WIDTH + VALUES_WIDTH;
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width} {}", bottom + 24.0)) role="img" aria-label=(title) {
            title { (title) }
            @for mark in scale.marks() {
                line class="grid" x1=(at(scale.x(mark))) x2=(at(scale.x(mark))) y1=(at(TOP - 4.0)) y2=(at(bottom)) {}
                text class="mark" x=(at(scale.x(mark))) y=(at(bottom + 16.0)) { (number(mark)) }
            }
            text class="unit" x=(at(LABELS_WIDTH)) y="12" { (unit) @if matches!(scale, Scale::Logarithmic(..)) { " (logarithmic)" } }
            @for (place, row) in rows.iter().enumerate() {
                (drawn(row, scale, TOP + ROW_HEIGHT * (place as f64 + 0.5)))
            }
        }
    }
}

fn drawn(row: &Row, scale: Scale, y: f64) -> Markup {
    let (top, bottom) = (at(y - 7.0), at(y + 7.0));
    html! {
        text class="label" x=(at(LABELS_WIDTH - 10.0)) y=(at(y + 4.0)) { (row.label) }
        @if let Some(spread) = spread(&row.values) {
            line class="range" x1=(at(scale.x(spread.min))) x2=(at(scale.x(spread.max))) y1=(at(y)) y2=(at(y)) {}
            @for value in &row.values {
                circle cx=(at(scale.x(*value))) cy=(at(y)) r="3.5" {}
            }
            line class="median" x1=(at(scale.x(spread.median))) x2=(at(scale.x(spread.median))) y1=(top) y2=(bottom) {}
            text class="value" x=(at(LABELS_WIDTH + PLOT_WIDTH + 12.0)) y=(at(y + 4.0)) { (number(spread.median)) }
        } @else {
            text class="none" x=(at(LABELS_WIDTH + 6.0)) y=(at(y + 4.0)) { "SKIPPED" }
        }
    }
}

fn at(place: f64) -> String {
    format!("{place:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[f64]) -> Row {
        Row { label: "a <b> & \"c\"".to_owned(), values: values.to_vec() }
    }

    #[test]
    fn figures_far_apart_stand_on_a_logarithmic_scale() {
        assert_eq!(Scale::of(&[row(&[1.0, 29.0])]), Scale::Linear(40.0));
        assert_eq!(Scale::of(&[row(&[2.0]), row(&[3000.0])]), Scale::Logarithmic(0.0, 4.0));
        assert_eq!(Scale::of(&[row(&[])]), Scale::Linear(1.0));
    }

    #[test]
    fn a_plot_is_well_formed_and_has_a_dot_for_each_sample() {
        let svg = plot("t", "MB/s", &[row(&[1.0, 2.0, 3.0]), row(&[])]).into_string();
        let parsed = roxmltree::Document::parse(&svg).unwrap();
        let count = |name| {
            parsed
                .descendants()
                .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", name)))
                .count()
        };
        assert_eq!(count("circle"), 3);
        assert!(svg.contains("SKIPPED"));
    }

    #[test]
    fn nothing_is_drawn_outside_the_picture() {
        let scale = Scale::Linear(10.0);
        assert!(
            [-1.0, 0.0, 5.0, 99.0]
                .iter()
                .all(|value| (LABELS_WIDTH..=LABELS_WIDTH + PLOT_WIDTH).contains(&scale.x(*value)))
        );
    }
}
