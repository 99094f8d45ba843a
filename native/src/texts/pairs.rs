//! Texts of `key=value` pairs as JSON objects of texts.

use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::{ArrayRef, BinaryViewArray, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use foldhash::fast::RandomState;
use hashbrown::HashSet;
use memchr::memchr2;
use memchr::memmem::Finder;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::views::{column, height, values};
use crate::arrow::Frame;
use crate::json::quote;

const BLANKS: &[u8] = b" \t\r\n";

/// `pipeline.columns.pairs.objects` over a String column: a frame of `object` (String).
#[pyfunction]
pub fn pairs(
    py: Python<'_>,
    texts: &Bound<'_, PyAny>,
    between: &str,
    equals: &str,
    prefix: &str,
    keys: Option<Vec<String>>,
) -> PyResult<Frame> {
    let chunks = column(texts)?;
    let reader = Reader {
        between: Finder::new(between),
        equals: Finder::new(equals),
        prefix: prefix.as_bytes(),
        keys: keys.map(|keys| keys.into_iter().map(String::into_bytes).collect()),
    };
    let batch = py
        .detach(|| frame(&chunks, &reader))
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(batch.into())
}

fn frame(chunks: &[BinaryViewArray], reader: &Reader) -> Result<RecordBatch, ArrowError> {
    let mut made = StringViewBuilder::with_capacity(height(chunks));
    let mut object = Vec::new();
    for value in values(chunks) {
        object.clear();
        if value.is_some_and(|text| reader.object(text, &mut object)) {
            let text =
                std::str::from_utf8(&object).map_err(|error| ArrowError::InvalidArgumentError(error.to_string()))?;
            made.try_append_value(text)?;
        } else {
            made.append_null();
        }
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(made.finish())];
    let schema = Schema::new(vec![Field::new("object", DataType::Utf8View, true)]);
    RecordBatch::try_new(Arc::new(schema), columns)
}

struct Reader<'a> {
    between: Finder<'a>,
    equals: Finder<'a>,
    prefix: &'a [u8],
    keys: Option<HashSet<Vec<u8>, RandomState>>,
}

impl Reader<'_> {
    /// Write the pairs of a text as an object. False when there is none.
    fn object(&self, text: &[u8], out: &mut Vec<u8>) -> bool {
        let mut at = 0;
        let mut any = false;
        let mut marks = Quotes::default();
        let (mut name, mut value) = (Vec::new(), Vec::new());
        out.push(b'{');
        while at < text.len() {
            let end = self.end(text, at);
            let next = end + self.between.needle().len();
            let Some((key, mut begin, quoted)) = self.key(text, at, end, &mut marks) else {
                at = next;
                continue;
            };
            while begin < end && BLANKS.contains(&text[begin]) {
                begin += 1;
            }
            value.clear();
            at = if let Some((inner, after)) = self.value(text, begin, &mut marks) {
                unescape(inner, &mut value);
                after
            } else {
                // A key in quotes may have taken the text to the right of its own separator.
                let end = if begin > end { self.end(text, begin) } else { end };
                value.extend_from_slice(trimmed(&text[begin..end]));
                end + self.between.needle().len()
            };
            name.clear();
            name.extend_from_slice(self.prefix);
            if quoted {
                unescape(key, &mut name);
            } else {
                name.extend_from_slice(key);
            }
            let known = &name[self.prefix.len()..];
            any |= !known.is_empty();
            if known.is_empty() || self.keys.as_ref().is_some_and(|keys| !keys.contains(known)) {
                continue;
            }
            if out.len() > 1 {
                out.push(b',');
            }
            quote(&name, out);
            out.push(b':');
            quote(&value, out);
        }
        out.push(b'}');
        any
    }

    /// Where the next separator of pairs is, or the text ends.
    fn end(&self, text: &[u8], from: usize) -> usize {
        self.between
            .find(&text[from..])
            .map_or(text.len(), |found| from + found)
    }

    /// The key that begins at `at`, where its value begins, and whether it is in quotes. `end` is the next separator of pairs.
    fn key<'t>(&self, text: &'t [u8], at: usize, end: usize, marks: &mut Quotes) -> Option<(&'t [u8], usize, bool)> {
        if let Some((inner, close)) = marks.quoted(text, at)
            && text[close..].starts_with(self.equals.needle())
        {
            return Some((inner, close + self.equals.needle().len(), true));
        }
        let found = self.equals.find(&text[at..end])?;
        Some((
            trimmed(&text[at..at + found]),
            at + found + self.equals.needle().len(),
            false,
        ))
    }

    /// What is inside of the quotes that a value begins with, and where the next pair begins; None for one without.
    fn value<'t>(&self, text: &'t [u8], begin: usize, marks: &mut Quotes) -> Option<(&'t [u8], usize)> {
        let (inner, close) = marks.quoted(text, begin)?;
        let between = self.between.needle();
        let mut at = close;
        while !text[at..].starts_with(between) {
            match text.get(at) {
                None => return Some((inner, at)),
                Some(byte) if BLANKS.contains(byte) => at += 1,
                Some(_) => return None,
            }
        }
        Some((inner, at + between.len()))
    }
}

/// Which quotes still close: after one that does not, they are characters like all others.
#[derive(Default)]
struct Quotes {
    open: [bool; 2],
}

impl Quotes {
    /// What is inside of the quotes that begin at `at`, and the place after them.
    fn quoted<'t>(&mut self, text: &'t [u8], at: usize) -> Option<(&'t [u8], usize)> {
        let mark = *text.get(at).filter(|byte| matches!(byte, b'"' | b'\''))?;
        let kind = usize::from(mark == b'\'');
        if self.open[kind] {
            return None;
        }
        let mut next = at + 1;
        while let Some(found) = text.get(next..).and_then(|rest| memchr2(mark, b'\\', rest)) {
            if text[next + found] == mark {
                return Some((&text[at + 1..next + found], next + found + 1));
            }
            next += found + 2;
        }
        self.open[kind] = true;
        None
    }
}

/// A backslash before a quote or a backslash is left out; `\n`, `\r` and `\t` are what they say; others stay.
fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(b't') => out.push(b'\t'),
            Some(&mark) if matches!(mark, b'"' | b'\'' | b'\\') => out.push(mark),
            Some(&other) => out.extend([b'\\', other]),
            None => out.push(b'\\'),
        }
    }
}

fn trimmed(text: &[u8]) -> &[u8] {
    let Some(first) = text.iter().position(|byte| !BLANKS.contains(byte)) else {
        return b"";
    };
    let last = text.iter().rposition(|byte| !BLANKS.contains(byte)).unwrap_or(first);
    &text[first..=last]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Option<String> {
        let reader = Reader {
            between: Finder::new(" "),
            equals: Finder::new("="),
            prefix: b"",
            keys: None,
        };
        let mut out = Vec::new();
        reader
            .object(text.as_bytes(), &mut out)
            .then(|| String::from_utf8(out).expect("texts in, texts out"))
    }

    #[test]
    fn words_without_a_value_are_passed_over() {
        assert_eq!(object("logged in a=1  b= c"), Some(r#"{"a":"1","b":""}"#.into()));
        assert_eq!(object("nothing here"), None);
    }

    #[test]
    fn quotes_hold_values_and_keys_together() {
        assert_eq!(
            object(r#"a="x y" 'b c'='it\'s' d="no"t e="open f=1"#),
            Some(r#"{"a":"x y","b c":"it's","d":"\"no\"t","e":"\"open","f":"1"}"#.into())
        );
    }
}
