//! Figures as people read them.

use crate::claims::claim::Finding;
use crate::claims::compare::Spread;
use crate::claims::sample::Metric;

/// Three digits that say something: `1,540`, `92.1`, `0.264`.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => thousands(value.round() as i64),
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.9995 => format!("{value:.2}"),
        size if size >= 0.000_5 => format!("{value:.3}"),
        _ => "0".to_owned(),
    }
}

fn thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 { format!("-{text}") } else { text }
}

/// `1,540 (1,480 to 1,602)`; one number where all are the same to the eye.
pub fn range(spread: Spread) -> String {
    let [median, min, max] = [spread.median, spread.min, spread.max].map(number);
    if min == max { median } else { format!("{median} ({min} to {max})") }
}

/// `16.7 × (12.1 to 18.9)`, or why there is nothing.
pub fn ratio(finding: &Finding) -> String {
    match (&finding.skipped, finding.ratio) {
        (Some(_), _) | (None, None) => "–".to_owned(),
        (None, Some(ratio)) => {
            format!("{} × ({} to {})", number(ratio.median), number(ratio.min), number(ratio.max))
        }
    }
}

/// A median and its unit.
pub fn median(spread: Option<Spread>, metric: Metric) -> String {
    spread.map_or_else(|| "–".to_owned(), |spread| format!("{} {}", number(spread.median), metric.unit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_without_width_is_one_number() {
        assert_eq!(range(Spread { median: 16.0, min: 16.0, max: 16.004 }), "16.0");
        assert_eq!(range(Spread { median: 2.0, min: 1.0, max: 3.0 }), "2.00 (1.00 to 3.00)");
    }

    #[test]
    fn a_number_has_about_three_digits() {
        let texts: Vec<String> =
            [1_234_567.0, 999.6, 123.4, 12.34, 1.234, 0.1234, 0.0].into_iter().map(number).collect();
        assert_eq!(texts, ["1,234,567", "1000", "123", "12.3", "1.23", "0.123", "0"]);
    }
}
