//! Times as RFC 3339 text in UTC.

use crate::calendar::date;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400;

/// Seconds since 1970 of the years that have four digits: 0000 to 9999.
const WRITABLE: std::ops::Range<i64> = -62_167_219_200..253_402_300_800;

/// Writes times. The text of the second that came last is kept: a log has many lines a second.
#[derive(Default)]
pub struct Stamp {
    last: Option<i64>,
    text: Vec<u8>,
}

impl Stamp {
    /// Append microseconds since 1970 as `"2026-01-31T12:00:00.25Z"`, quotes included, without trailing zeros; false, and
    /// nothing, for years that do not have four digits.
    pub fn write(&mut self, micros: i64, out: &mut Vec<u8>) -> bool {
        let (second, fraction) = (micros.div_euclid(SECOND), micros.rem_euclid(SECOND));
        if !WRITABLE.contains(&second) {
            return false;
        }
        if self.last != Some(second) {
            self.text.clear();
            whole(second, &mut self.text);
            self.last = Some(second);
        }
        out.push(b'"');
        out.extend_from_slice(&self.text);
        if fraction > 0 {
            out.push(b'.');
            let (mut left, mut unit) = (fraction, SECOND / 10);
            while left > 0 {
                out.push(digit(left / unit));
                left %= unit;
                unit /= 10;
            }
        }
        out.extend_from_slice(b"Z\"");
        true
    }
}

fn digit(value: i64) -> u8 {
    b'0' + (value % 10) as u8
}

fn pair(value: i64, out: &mut Vec<u8>) {
    out.extend([digit(value / 10), digit(value)]);
}

/// A second as `2026-01-31T12:00:00`.
fn whole(second: i64, out: &mut Vec<u8>) {
    let ((year, month, day), time) = (date(second.div_euclid(DAY)), second.rem_euclid(DAY));
    pair(year / 100, out);
    pair(year, out);
    for (before, value) in [
        (b'-', month),
        (b'-', day),
        (b'T', time / 3600),
        (b':', time / 60 % 60),
        (b':', time % 60),
    ] {
        out.push(before);
        pair(value, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(micros: i64) -> Option<String> {
        let mut out = Vec::new();
        Stamp::default()
            .write(micros, &mut out)
            .then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn times_have_four_digit_years_and_no_trailing_zeros() {
        assert_eq!(text(0).unwrap(), "\"1970-01-01T00:00:00Z\"");
        assert_eq!(text(951_866_999_120_000).unwrap(), "\"2000-02-29T23:29:59.12Z\"");
        assert_eq!(text(-62_167_219_200 * SECOND).unwrap(), "\"0000-01-01T00:00:00Z\"");
        assert_eq!(
            text(253_402_300_800 * SECOND - 1).unwrap(),
            "\"9999-12-31T23:59:59.999999Z\""
        );
        assert_eq!(text(253_402_300_800 * SECOND), None);
        assert_eq!(text(i64::MIN), None);
    }
}
