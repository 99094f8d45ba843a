//! Numbers, lengths of time and times of JSON values. What is of another type, or has no place in the column, is None.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use pyo3::prelude::*;

use crate::calendar::{days, length};

const SECOND: i64 = 1_000_000;

/// A JSON number as Int64: whole, and exact.
pub fn int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    if text.len() <= 20 && digits.iter().all(u8::is_ascii_digit) {
        let value = digits
            .iter()
            .try_fold(0_i128, |value, &digit| Some(value * 10 + i128::from(digit - b'0')))?;
        return i64::try_from(if negative { -value } else { value }).ok();
    }
    let real = real(text)?;
    (real.abs() <= 9_007_199_254_740_992.0 && real.fract() == 0.0).then_some(real as i64)
}

/// A JSON number as Float64, the nearest; None when it is too large.
pub fn float(text: &[u8]) -> Option<f64> {
    real(text).filter(|real| real.is_finite())
}

fn real(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Seconds as microseconds, rounded half to even, as `datetime.timedelta` rounds.
pub fn duration(text: &[u8]) -> Option<i64> {
    let real = float(text)?;
    let whole = real.trunc();
    if whole.abs() > 9.3e12 {
        return None;
    }
    let part = (real - whole) * SECOND as f64;
    let micros = i128::from(whole as i64) * i128::from(SECOND) + part.trunc() as i128;
    let left = part.fract();
    let mut nearest = left.round();
    if (nearest - left).abs() >= 0.5 {
        let odd = if micros & 1 == 1 { 1.0 } else { 0.0 };
        nearest = 2.0 * ((left + odd) * 0.5).round() - odd;
    }
    i64::try_from(micros + nearest as i128).ok()
}

/// Reads times: the usual form of ISO 8601 here, all others by a function of Python's (a text to microseconds or None).
pub struct Moments {
    other: Py<PyAny>,
    known: HashMap<Vec<u8>, Option<i64>, RandomState>,
}

const KNOWN: usize = 4096;

impl Moments {
    pub fn new(other: Py<PyAny>) -> Self {
        Moments {
            other,
            known: HashMap::default(),
        }
    }

    /// Microseconds since 1970.
    pub fn read(&mut self, text: &[u8]) -> PyResult<Option<i64>> {
        if let Some(micros) = usual(text) {
            return Ok(Some(micros));
        }
        if let Some(&micros) = self.known.get(text) {
            return Ok(micros);
        }
        let micros = Python::attach(|py| {
            let text = String::from_utf8_lossy(text);
            self.other.call1(py, (text.as_ref(),))?.extract(py)
        })?;
        if self.known.len() >= KNOWN {
            self.known.clear();
        }
        self.known.insert(text.to_vec(), micros);
        Ok(micros)
    }
}

/// `2026-01-31T12:00:00`, with a space for the T, a fraction, and `Z` or an offset in hours and minutes.
fn usual(text: &[u8]) -> Option<i64> {
    let (head, mut rest) = text.split_at_checked(19)?;
    let pair = |at: usize| two(head, at);
    if head[4] != b'-' || head[7] != b'-' || !matches!(head[10], b'T' | b' ') || head[13] != b':' || head[16] != b':' {
        return None;
    }
    let (year, month, day) = (pair(0)? * 100 + pair(2)?, pair(5)?, pair(8)?);
    let (hour, minute, second) = (pair(11)?, pair(14)?, pair(17)?);
    if !(2..=9998).contains(&year) || !(1..=12).contains(&month) || day < 1 || day > length(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut micros = 0;
    if let Some((b'.', after)) = rest.split_first() {
        let size = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&size) {
            return None;
        }
        micros = (0..6).fold(0, |value, place| {
            let digit = after
                .get(place)
                .filter(|_| place < size)
                .map_or(0, |digit| digit - b'0');
            value * 10 + i64::from(digit)
        });
        rest = &after[size..];
    }
    let offset = match rest {
        [] | [b'Z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (two(rest, 1)?, two(rest, 4)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -60 } else { 60 }
        }
        _ => return None,
    };
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    Some(seconds * SECOND + micros)
}

fn two(text: &[u8], at: usize) -> Option<i64> {
    match text.get(at..at + 2)? {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_or_none() {
        assert_eq!(int(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(int(b"9223372036854775808"), None);
        assert_eq!(int(b"2e2"), Some(200));
        assert_eq!(int(b"2.5"), None);
        assert_eq!(int(b"1e999"), None);
    }

    #[test]
    fn durations_are_rounded_to_even() {
        assert_eq!(duration(b"0.0000005"), Some(0));
        assert_eq!(duration(b"0.0000015"), Some(2));
        assert_eq!(duration(b"-1.5"), Some(-1_500_000));
        assert_eq!(duration(b"1e300"), None);
    }

    #[test]
    fn usual_times_are_read_and_others_left() {
        assert_eq!(usual(b"1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(usual(b"2000-02-29 23:59:59.1234567+00:30"), Some(951_866_999_123_456));
        assert_eq!(usual(b"2001-02-29T00:00:00Z"), None);
        assert_eq!(usual(b"2001-02-28T24:00:00Z"), None);
    }
}
