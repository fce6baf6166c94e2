//! Sizes and times, as people write them.

use std::time::Duration;

/// Reads `4096`, `64k`, `1m` or `10g`: units are powers of 1,024, as in `kafka-topics.sh` and `dd`.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let refused = || format!("{text:?} is no size; write 4096, 64k, 10m or 2g");
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches('b').trim_end_matches('i');
    let (digits, shift) = match digits.chars().last() {
        Some('k') => (digits.trim_end_matches('k'), 10),
        Some('m') => (digits.trim_end_matches('m'), 20),
        Some('g') => (digits.trim_end_matches('g'), 30),
        _ => (digits, 0),
    };
    let count: u64 = digits.parse().map_err(|_| refused())?;
    count.checked_mul(1 << shift).ok_or_else(refused)
}

/// Reads `500ms`, `30s`, `2m` or `1h`; a number alone is seconds.
pub fn parse_time(text: &str) -> Result<Duration, String> {
    let refused = || format!("{text:?} is no time; write 500ms, 30s, 2m or 1h");
    let lower = text.trim().to_ascii_lowercase();
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3_600.0)];
    let unit = units.iter().find_map(|(unit, seconds)| Some((lower.strip_suffix(unit)?, *seconds)));
    let (digits, seconds) = unit.unwrap_or((&lower, 1.0));
    let count: f64 = digits.parse().map_err(|_| refused())?;
    Duration::try_from_secs_f64(count * seconds).map_err(|_| refused())
}

/// Three digits, or all of those before the point; thousands apart.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => indicatif::HumanCount(value.round() as u64).to_string(),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_units_of_the_tools_beside_them() {
        let sizes = ["4096", "64k", "64K", "64KiB", "10g", "1mb"].map(|text| parse_bytes(text).unwrap());
        assert_eq!(sizes, [4096, 65_536, 65_536, 65_536, 10 << 30, 1 << 20]);
        for text in ["", "k", "-1", "1.5k", "99999999999g", "1t"] {
            assert!(parse_bytes(text).unwrap_err().contains("64k"), "{text}");
        }
    }

    #[test]
    fn times_are_seconds_unless_they_say_otherwise() {
        let times =
            ["30", "30s", "1.5s", "500ms", "2m", "1h"].map(|text| parse_time(text).unwrap().as_millis());
        assert_eq!(times, [30_000, 30_000, 1_500, 500, 120_000, 3_600_000]);
        for text in ["", "s", "-1s", "NaN", "1e300h", "5d"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!(
            [0.0123, 1.234, 12.34, 123.4, 12_345.6].map(number),
            ["0.012", "1.23", "12.3", "123", "12,346"]
        );
    }
}
