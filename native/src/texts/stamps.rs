//! Times from texts that are written in the usual way.
//!
//! A reader of times is lenient: one digit for two, any white space, leap seconds. This one is not. What it reads, every
//! lenient reader of the format reads as the same time; what it does not read it leaves to one. So it stays small and fast,
//! and there is one place that says what odd stamps mean.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryViewArray, Int64Array, RecordBatch, UInt32Array};
use arrow_schema::{Field, Schema};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::views::{column, height, values};
use crate::arrow::Frame;
use crate::calendar::{days, is_leap, length};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400;
/// Seconds since 1970 of the first moment of the year 1 and of the year 10000.
const FIRST: i64 = days(1, 1, 1) * DAY;
const LAST: i64 = days(10_000, 1, 1) * DAY;

/// Formats of which no text fits two, ready to read columns.
#[pyclass(frozen, module = "pipeline.columns._native")]
pub struct Stamps(Vec<Form>);

#[pymethods]
impl Stamps {
    /// Formats as `timeformats.directives` takes them apart. One that has no usual way of writing reads nothing.
    #[new]
    #[allow(clippy::needless_pass_by_value)] // What comes from Python comes by value.
    fn new(formats: Vec<Vec<(bool, char)>>) -> Self {
        Stamps(formats.iter().filter_map(|items| Form::compile(items)).collect())
    }

    /// How many of the formats are read here.
    #[getter]
    fn count(&self) -> usize {
        self.0.len()
    }

    /// Read a String column: a frame of `time` (`Int64`: µs since 1970 in UTC, or of the local clock where the stamp has no
    /// offset), and one of `row` (`UInt32`), the rows whose texts a lenient reader must see; None when there are none. `time` is
    /// null in those, and where no reader could read anything.
    fn read(&self, py: Python<'_>, texts: &Bound<'_, PyAny>) -> PyResult<(Frame, Option<Frame>)> {
        let chunks = column(texts)?;
        let (times, rows) = py.detach(|| self.times(&chunks));
        let rows = if rows.is_empty() {
            None
        } else {
            Some(frame("row", Arc::new(UInt32Array::from(rows)))?)
        };
        Ok((frame("time", Arc::new(Int64Array::from(times)))?, rows))
    }
}

fn frame(name: &str, values: ArrayRef) -> PyResult<Frame> {
    let schema = Schema::new(vec![Field::new(name, values.data_type().clone(), true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![values]);
    Ok(batch.map_err(|error| PyValueError::new_err(error.to_string()))?.into())
}

impl Stamps {
    fn times(&self, chunks: &[BinaryViewArray]) -> (Vec<Option<i64>>, Vec<u32>) {
        let mut times = Vec::with_capacity(height(chunks));
        let mut rows = Vec::new();
        let mut likely = 0;
        // Neighbours in a log mostly have the same stamp.
        let mut last: (&[u8], Option<i64>) = (b"", None);
        for (row, value) in values(chunks).enumerate() {
            let Some(text) = value else {
                times.push(None);
                continue;
            };
            if last.1.is_none() || text != last.0 {
                last = (text, self.time(text, &mut likely));
                // Every format has a year, or seconds since 1970.
                if last.1.is_none() && text.iter().any(u8::is_ascii_digit) {
                    rows.push(row as u32);
                }
            }
            times.push(last.1);
        }
        (times, rows)
    }

    /// Try the formats, beginning with the one that fitted last.
    fn time(&self, text: &[u8], likely: &mut usize) -> Option<i64> {
        let count = self.0.len();
        (*likely..count).chain(0..(*likely).min(count)).find_map(|place| {
            let time = self.0[place].read(text)?;
            *likely = place;
            Some(time)
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Item {
    Byte(u8),
    Space,
    Year,
    Month,
    MonthName {
        long: bool,
    },
    Day,
    DayOfYear,
    Weekday {
        long: bool,
    },
    Hour {
        padded: bool,
    },
    HalfHour {
        padded: bool,
    },
    Noon,
    Minute,
    Second,
    /// A point and digits, or nothing.
    PointFraction,
    Fraction,
    Offset,
    ZoneName,
}

/// A format: what comes after what.
struct Form(Vec<Item>);

impl Form {
    /// None for formats that this reader leaves to others.
    fn compile(items: &[(bool, char)]) -> Option<Form> {
        let mut found: Vec<Item> = Vec::new();
        for &(directive, letter) in items {
            let item = match (directive, letter) {
                (true, 'n' | 't') => Item::Space,
                (false, letter) if letter.is_whitespace() => Item::Space,
                (false, letter) => {
                    found.extend(letter.encode_utf8(&mut [0; 4]).bytes().map(Item::Byte));
                    continue;
                }
                (true, 'f') if found.last() == Some(&Item::Byte(b'.')) => {
                    found.pop();
                    Item::PointFraction
                }
                (true, letter) => Item::of(letter)?,
            };
            if item != Item::Space || found.last() != Some(&Item::Space) {
                found.push(item);
            }
        }
        (tells_a_time(&found) && ends_every_fraction(&found)).then_some(Form(found))
    }

    fn read(&self, text: &[u8]) -> Option<i64> {
        let mut clock = Clock::default();
        let rest = self.0.iter().try_fold(text, |rest, item| item.read(rest, &mut clock))?;
        if rest.is_empty() { clock.micros() } else { None }
    }
}

/// Whether there are a day, and a time of day or none, each part once.
fn tells_a_time(items: &[Item]) -> bool {
    let count = |wanted: fn(&Item) -> bool| items.iter().filter(|item| wanted(item)).count();
    let month = count(|item| matches!(item, Item::Month | Item::MonthName { .. }));
    let date = (
        month,
        count(|item| *item == Item::Day),
        count(|item| *item == Item::DayOfYear),
    );
    let half = count(|item| matches!(item, Item::HalfHour { .. }));
    let hour = count(|item| matches!(item, Item::Hour { .. })) + half;
    let minute = count(|item| *item == Item::Minute);
    let second = count(|item| *item == Item::Second);
    let fraction = count(|item| matches!(item, Item::PointFraction | Item::Fraction));
    let zone = count(|item| matches!(item, Item::Offset | Item::ZoneName));
    let day = count(|item| *item == Item::Year) == 1 && matches!(date, (1, 1, 0) | (0, 0, 1));
    let time = hour <= 1 && minute <= hour && second <= minute && fraction <= second && zone <= hour;
    day && time && half == count(|item| *item == Item::Noon) && count(|item| matches!(item, Item::Weekday { .. })) <= 1
}

/// Whether no number follows a fraction, whose digits it could be.
fn ends_every_fraction(items: &[Item]) -> bool {
    items.windows(2).all(|pair| {
        !matches!(pair[0], Item::PointFraction | Item::Fraction)
            || match pair[1] {
                Item::Byte(byte) => !byte.is_ascii_digit(),
                next => matches!(next, Item::Space | Item::Offset | Item::ZoneName),
            }
    })
}

/// What a stamp says.
#[derive(Default)]
struct Clock {
    year: i64,
    month: i64,
    day: i64,
    /// 1 is the first of January; 0 when the stamp tells month and day.
    day_of_year: i64,
    /// Days since Sunday, if the stamp names the day.
    weekday: Option<i64>,
    hour: i64,
    /// 1 to 12 on a clock face; 0 when the stamp tells the hour of the day.
    half_hour: i64,
    afternoon: bool,
    minute: i64,
    second: i64,
    micros: i64,
    /// Seconds east of Greenwich.
    offset: i64,
}

impl Clock {
    /// µs since 1970; None for a day that does not exist, one that is named wrongly, and years beyond 1 to 9999.
    fn micros(&self) -> Option<i64> {
        let days = self.days()?;
        if self.weekday.is_some_and(|named| named != (days + 4).rem_euclid(7)) {
            return None;
        }
        let hour = if self.half_hour > 0 {
            self.half_hour % 12 + 12 * i64::from(self.afternoon)
        } else {
            self.hour
        };
        let seconds = days * DAY + hour * 3600 + self.minute * 60 + self.second - self.offset;
        (FIRST..LAST).contains(&seconds).then(|| seconds * SECOND + self.micros)
    }

    fn days(&self) -> Option<i64> {
        if self.day_of_year > 0 {
            let longest = 365 + i64::from(is_leap(self.year));
            return (self.day_of_year <= longest).then(|| days(self.year, 1, 1) + self.day_of_year - 1);
        }
        (self.day <= length(self.year, self.month)).then(|| days(self.year, self.month, self.day))
    }
}

impl Item {
    fn of(letter: char) -> Option<Item> {
        Some(match letter {
            'Y' => Item::Year,
            'm' => Item::Month,
            'b' => Item::MonthName { long: false },
            'B' => Item::MonthName { long: true },
            'd' | 'e' => Item::Day,
            'j' => Item::DayOfYear,
            'a' => Item::Weekday { long: false },
            'A' => Item::Weekday { long: true },
            'H' => Item::Hour { padded: false },
            'k' => Item::Hour { padded: true },
            'I' => Item::HalfHour { padded: false },
            'l' => Item::HalfHour { padded: true },
            'p' | 'P' => Item::Noon,
            'M' => Item::Minute,
            'S' => Item::Second,
            'f' => Item::Fraction,
            'z' => Item::Offset,
            'Z' => Item::ZoneName,
            '%' => Item::Byte(b'%'),
            _ => return None,
        })
    }

    /// Read this item off the front of a text; what is left, None if it is not there.
    fn read<'a>(self, text: &'a [u8], clock: &mut Clock) -> Option<&'a [u8]> {
        match self {
            Item::Byte(wanted) => text
                .split_first()
                .and_then(|(byte, rest)| (*byte == wanted).then_some(rest)),
            Item::Space => {
                let size = text.iter().take_while(|byte| **byte == b' ').count();
                (size > 0).then(|| &text[size..])
            }
            Item::Year => number(text, 4, 1..=9999, &mut clock.year),
            Item::Month => number(text, 2, 1..=12, &mut clock.month),
            Item::MonthName { long } => name(text, &MONTHS, long, &mut clock.month),
            Item::Day => padded(text, 1..=31, &mut clock.day),
            Item::DayOfYear => number(text, 3, 1..=366, &mut clock.day_of_year),
            Item::Weekday { long } => {
                let mut place = 0;
                let rest = name(text, &WEEKDAYS, long, &mut place)?;
                clock.weekday = Some(place - 1);
                Some(rest)
            }
            Item::Hour { padded: false } => number(text, 2, 0..=23, &mut clock.hour),
            Item::Hour { padded: true } => padded(text, 0..=23, &mut clock.hour),
            Item::HalfHour { padded: false } => number(text, 2, 1..=12, &mut clock.half_hour),
            Item::HalfHour { padded: true } => padded(text, 1..=12, &mut clock.half_hour),
            Item::Noon => {
                let (word, rest) = text.split_at_checked(2)?;
                clock.afternoon = word.eq_ignore_ascii_case(b"pm");
                (clock.afternoon || word.eq_ignore_ascii_case(b"am")).then_some(rest)
            }
            Item::Minute => number(text, 2, 0..=59, &mut clock.minute),
            Item::Second => number(text, 2, 0..=59, &mut clock.second),
            Item::PointFraction => match text.strip_prefix(b".") {
                Some(rest) => fraction(rest, &mut clock.micros),
                None => Some(text),
            },
            Item::Fraction => fraction(text, &mut clock.micros),
            Item::Offset => offset(text, &mut clock.offset),
            Item::ZoneName => [b"UTC".as_slice(), b"GMT", b"Z"]
                .iter()
                .find_map(|name| text.strip_prefix(*name)),
        }
    }
}

const MONTHS: [&[u8]; 12] = [
    b"january",
    b"february",
    b"march",
    b"april",
    b"may",
    b"june",
    b"july",
    b"august",
    b"september",
    b"october",
    b"november",
    b"december",
];
const WEEKDAYS: [&[u8]; 7] = [
    b"sunday",
    b"monday",
    b"tuesday",
    b"wednesday",
    b"thursday",
    b"friday",
    b"saturday",
];

/// A number of exactly so many digits.
fn number<'a>(text: &'a [u8], size: usize, range: RangeInclusive<i64>, value: &mut i64) -> Option<&'a [u8]> {
    let (digits, rest) = text.split_at_checked(size)?;
    *value = digits.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + i64::from(*byte - b'0'))
    })?;
    range.contains(value).then_some(rest)
}

/// A number of two digits, or of one digit after a space or nothing and before no other digit.
fn padded<'a>(text: &'a [u8], range: RangeInclusive<i64>, value: &mut i64) -> Option<&'a [u8]> {
    let text = match text {
        [b' ', rest @ ..] => rest,
        [first, second, ..] if first.is_ascii_digit() && second.is_ascii_digit() => {
            return number(text, 2, range, value);
        }
        _ => text,
    };
    let rest = number(text, 1, range, value)?;
    (!rest.first().is_some_and(u8::is_ascii_digit)).then_some(rest)
}

/// A name in any case, by its first three letters or, if `long`, by all; its place among the names from 1 on.
fn name<'a>(text: &'a [u8], names: &[&[u8]], long: bool, place: &mut i64) -> Option<&'a [u8]> {
    let (short, rest) = text.split_at_checked(3)?;
    let found = names.iter().position(|name| name[..3].eq_ignore_ascii_case(short))?;
    *place = found as i64 + 1;
    let (size, more) = (names[found].len() - 3, &names[found][3..]);
    let spelt = long
        && rest
            .get(..size)
            .is_some_and(|letters| letters.eq_ignore_ascii_case(more));
    Some(if spelt { &rest[size..] } else { rest })
}

/// Digits of a fraction; beyond microseconds they are cut.
fn fraction<'a>(text: &'a [u8], micros: &mut i64) -> Option<&'a [u8]> {
    let size = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    *micros = (0..6).fold(0, |value, at| {
        value * 10 + if at < size { i64::from(text[at] - b'0') } else { 0 }
    });
    (size > 0).then(|| &text[size..])
}

/// `+0200`, `+02:00` or `Z`.
fn offset<'a>(text: &'a [u8], seconds: &mut i64) -> Option<&'a [u8]> {
    let (sign, rest) = match text.split_first()? {
        (b'Z', rest) => return Some(rest),
        (b'+', rest) => (1, rest),
        (b'-', rest) => (-1, rest),
        _ => return None,
    };
    let (mut hours, mut minutes) = (0, 0);
    let rest = number(rest, 2, 0..=23, &mut hours)?;
    let rest = number(rest.strip_prefix(b":").unwrap_or(rest), 2, 0..=59, &mut minutes)?;
    *seconds = sign * (hours * 3600 + minutes * 60);
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_1970() {
        assert_eq!(
            [days(1970, 1, 1), days(2000, 2, 29), days(1, 1, 1), days(9999, 12, 31)],
            [0, 11_016, -719_162, 2_932_896]
        );
    }
}
