//! The Gregorian calendar, before 1582 too.

/// Days from 1970-01-01 to a day. Years begin in March here, so that leap days come last.
pub const fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day
        - 719_469
}

/// Year, month and day of a number of days since 1970-01-01, counted in eras of 400 years from March on.
pub const fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let part = (5 * of_year + 2) / 153;
    let month = if part < 10 { part + 3 } else { part - 9 };
    (
        era * 400 + year + (month <= 2) as i64,
        month,
        of_year - (153 * part + 2) / 5 + 1,
    )
}

pub const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month.
pub const fn length(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day after the other, from a known one on.
    #[test]
    fn days_follow_each_other() {
        let mut expected = days(1, 1, 1);
        assert_eq!(expected, -719_162);
        for year in 1..=2400 {
            for month in 1..=12 {
                for day in 1..=length(year, month) {
                    assert_eq!((days(year, month, day), date(expected)), (expected, (year, month, day)));
                    expected += 1;
                }
            }
        }
        assert_eq!(days(1970, 1, 1), 0);
    }
}
