//! The date in the comment that Java writes on top of a properties file.

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Sat Nov 21 06:56:17 UTC 2026`, as `java.util.Date` prints it in that zone.
pub(super) fn java_date(now_ms: i64) -> String {
    let seconds = now_ms.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let name = |names: &[&'static str], i: i64| {
        usize::try_from(i).ok().and_then(|i| names.get(i).copied()).unwrap_or_default()
    };
    format!(
        "{} {} {day:02} {:02}:{:02}:{:02} UTC {year}",
        name(&WEEKDAYS, days.rem_euclid(7)),
        name(&MONTHS, month - 1),
        second / 3600,
        second / 60 % 60,
        second % 60,
    )
}

/// Year, month and day, counted from 1, of a day counted from 1 January 1970 (Gregorian).
fn civil(days: i64) -> (i64, i64, i64) {
    // Years are counted from March here, so that the leap day ends one; 400 years repeat.
    let from_year_0 = days + 719_468;
    let (era, day_of_era) = (from_year_0.div_euclid(146_097), from_year_0.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_printed_as_java_does() {
        for (now_ms, date) in [
            (0, "Thu Jan 01 00:00:00 UTC 1970"),
            (-1, "Wed Dec 31 23:59:59 UTC 1969"),
            (951_782_400_000, "Tue Feb 29 00:00:00 UTC 2000"),
            (1_795_244_177_999, "Sat Nov 21 06:56:17 UTC 2026"),
            (4_107_542_400_000, "Mon Mar 01 00:00:00 UTC 2100"),
        ] {
            assert_eq!(java_date(now_ms), date);
        }
    }

    #[test]
    fn no_clock_makes_it_panic() {
        java_date(i64::MAX);
        java_date(i64::MIN);
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let mut before = civil(-200_000);
        for day in -199_999..200_000 {
            let today = civil(day);
            let next_day = (before.0, before.1, before.2 + 1);
            let next_month = (before.0, before.1 + 1, 1);
            let next_year = (before.0 + 1, 1, 1);
            assert!(today == next_day || (before.2 >= 28 && (today == next_month || today == next_year)));
            before = today;
        }
    }
}
