//! Times as people write them: RFC 3339 in UTC, beside the milliseconds since 1970 that files hold.

use jiff::Timestamp;

/// `2023-11-14T22:13:20.000Z`; a number that is no time of our calendar stays a number.
pub fn rfc3339(timestamp_ms: i64) -> String {
    match Timestamp::from_millisecond(timestamp_ms) {
        Ok(time) => format!("{time:.3}"),
        Err(_) => format!("@{timestamp_ms}"),
    }
}

/// The milliseconds of `2023-11-14T22:13:20Z` or `@1700000000000`; `None` for other text.
pub fn parse(text: &str) -> Option<i64> {
    match text.strip_prefix('@') {
        Some(ms) => ms.parse().ok(),
        None => text.parse().ok().map(Timestamp::as_millisecond),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_milliseconds() {
        assert_eq!(rfc3339(1_700_000_000_000), "2023-11-14T22:13:20.000Z");
        assert_eq!(rfc3339(7), "1970-01-01T00:00:00.007Z");
        assert_eq!(rfc3339(i64::MAX), "@9223372036854775807");
    }

    #[test]
    fn both_ways_to_write_a_time_are_read() {
        assert_eq!(parse("2023-11-14T22:13:20Z"), Some(1_700_000_000_000));
        assert_eq!(parse("2023-11-14T23:13:20.5+01:00"), Some(1_700_000_000_500));
        assert_eq!(parse("@1700000000000"), Some(1_700_000_000_000));
        assert_eq!(parse("@-1"), Some(-1));
        for text in ["", "@", "now", "2023-11-14", "@1.5", "1700000000000"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
