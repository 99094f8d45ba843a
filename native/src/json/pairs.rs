//! Names with values, in the writings of logs, as JSON objects.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::strings::quote;
use super::texts::Texts;
use crate::arrow::Frame;
use crate::texts::views::{column, height, values};

type Read = fn(&[u8], &mut Vec<u8>) -> Option<()>;

/// The rows of a String column as JSON objects of strings; null for null and for what is not of the grammar (`logfmt`, `cef`,
/// `structured`). `ValueError` for another grammar.
#[pyfunction]
pub fn json_pairs(py: Python<'_>, records: &Bound<'_, PyAny>, grammar: &str) -> PyResult<Frame> {
    let chunks = column(records)?;
    let read: Read = match grammar {
        "logfmt" => logfmt,
        "cef" => cef,
        "structured" => structured,
        _ => return Err(PyValueError::new_err(format!("there is no grammar {grammar}"))),
    };
    let texts = py.detach(|| {
        let mut texts = Texts::new(height(&chunks), 0);
        let mut out = Vec::new();
        for value in values(&chunks) {
            out.clear();
            match value.and_then(|text| read(text, &mut out)) {
                Some(()) => texts.copy(&out),
                None => texts.null(),
            }
        }
        texts.strings(&[])
    });
    let column: ArrayRef = Arc::new(texts.map_err(|error| PyValueError::new_err(error.to_string()))?);
    let schema = Schema::new(vec![Field::new("", DataType::Utf8View, true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![column]);
    Ok(batch.map_err(|error| PyValueError::new_err(error.to_string()))?.into())
}

/// `name=value name="a \"quoted\" value" name`: a name alone is `true`; there must be a value somewhere.
fn logfmt(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut valued = false;
    let mut at = 0;
    out.push(b'{');
    loop {
        at = until(text, at, |byte| byte > b' ');
        if at == text.len() {
            break;
        }
        let end = until(text, at, |byte| byte <= b' ' || byte == b'=' || byte == b'"');
        named(text.get(at..end).filter(|name| !name.is_empty())?, out);
        match (text.get(end), text.get(end + 1)) {
            (Some(b'='), Some(b'"')) => {
                valued = true;
                at = quoted(text, end + 2, out, json_escape)?;
                if text.get(at).is_some_and(|&byte| byte > b' ') {
                    return None;
                }
            }
            (Some(b'='), _) => {
                valued = true;
                at = until(text, end + 1, |byte| byte <= b' ');
                quote(&text[end + 1..at], out);
            }
            (Some(b'"'), _) => return None,
            _ => {
                out.extend(b"\"true\"");
                at = end;
            }
        }
    }
    out.push(b'}');
    valued.then_some(())
}

/// The extension of an event: `name=a value of several words name=value`. A value ends where a word before the next `=` could
/// be a name; `\=`, `\\`, `\n` and `\r` stand for what they do.
fn cef(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut value: Option<usize> = None;
    let mut at = 0;
    out.push(b'{');
    while at < text.len() {
        if text[at] != b'=' {
            at += if text[at] == b'\\' { 2 } else { 1 };
            continue;
        }
        let first = value.unwrap_or(0);
        let word = text[first..at].iter().rev().take_while(|&&byte| name(byte)).count();
        let start = at - word;
        if word > 0 && (start == 0 || text[start - 1] == b' ') {
            match value {
                Some(first) => extended(&text[first..start], out),
                None if trimmed(&text[..start]).is_empty() => {}
                None => return None,
            }
            named(&text[start..at], out);
            value = Some(at + 1);
        } else if value.is_none() {
            return None;
        }
        at += 1;
    }
    match value {
        Some(first) => extended(&text[first..], out),
        None if trimmed(text).is_empty() => {}
        None => return None,
    }
    out.push(b'}');
    Some(())
}

fn name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'[' | b']')
}

fn trimmed(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1);
    &text[..end]
}

fn extended(text: &[u8], out: &mut Vec<u8>) {
    let text = trimmed(text);
    let mut at = 0;
    out.push(b'"');
    while at < text.len() {
        at = match (text[at], text.get(at + 1)) {
            (b'\\', Some(&byte @ (b'=' | b'|'))) => plain(byte, at + 1, out),
            (b'\\', Some(&byte @ (b'\\' | b'n' | b'r'))) => {
                out.extend([b'\\', byte]);
                at + 2
            }
            (byte, _) => plain(byte, at, out),
        };
    }
    out.push(b'"');
}

/// The structured data of RFC 5424: `[id name="value" …][id …]`, as an object of objects.
fn structured(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut at = 0;
    out.push(b'{');
    while at < text.len() || at == 0 {
        let end = until(text, at + 1, ends_name);
        named(
            text.get(at + 1..end).filter(|id| text[at] == b'[' && !id.is_empty())?,
            out,
        );
        out.push(b'{');
        at = end;
        while text.get(at)? != &b']' {
            let start = until(text, at, |byte| byte != b' ');
            if text.get(start) == Some(&b']') {
                at = start;
                continue;
            }
            let end = until(text, start, ends_name);
            if start == at || end == start || !text[end..].starts_with(b"=\"") {
                return None;
            }
            named(&text[start..end], out);
            at = quoted(text, end + 2, out, structured_escape)?;
        }
        out.push(b'}');
        at += 1;
    }
    out.push(b'}');
    Some(())
}

fn ends_name(byte: u8) -> bool {
    matches!(byte, b' ' | b'=' | b']' | b'"')
}

/// The first place from `at` on with such a byte, or the end.
fn until(text: &[u8], at: usize, found: impl Fn(u8) -> bool) -> usize {
    let from = at.min(text.len());
    text[from..]
        .iter()
        .position(|&byte| found(byte))
        .map_or(text.len(), |place| from + place)
}

/// A member's name, with the comma before it where it is not the first.
fn named(text: &[u8], out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    quote(text, out);
    out.push(b':');
}

/// A value up to its closing quote; the place after that.
fn quoted(
    text: &[u8],
    mut at: usize,
    out: &mut Vec<u8>,
    escape: fn(&[u8], usize, &mut Vec<u8>) -> usize,
) -> Option<usize> {
    out.push(b'"');
    loop {
        at = match text.get(at)? {
            b'"' => break,
            b'\\' => escape(text, at, out),
            &byte => plain(byte, at, out),
        };
    }
    out.push(b'"');
    Some(at + 1)
}

/// One byte as it is in a JSON string; the place after it.
fn plain(byte: u8, at: usize, out: &mut Vec<u8>) -> usize {
    match byte {
        b'"' | b'\\' => out.extend([b'\\', byte]),
        0..0x20 => out.extend(format!("\\u{byte:04x}").into_bytes()),
        _ => out.push(byte),
    }
    at + 1
}

/// The escapes of JSON are written as they came; another backslash is one.
fn json_escape(text: &[u8], at: usize, out: &mut Vec<u8>) -> usize {
    let size = match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
        Some(b'u') if text.len() >= at + 6 && text[at + 2..at + 6].iter().all(u8::is_ascii_hexdigit) => 6,
        _ => return plain(b'\\', at, out),
    };
    out.extend_from_slice(&text[at..at + size]);
    at + size
}

fn structured_escape(text: &[u8], at: usize, out: &mut Vec<u8>) -> usize {
    match text.get(at + 1) {
        Some(&byte @ (b'"' | b'\\' | b']')) => plain(byte, at + 1, out),
        _ => plain(b'\\', at, out),
    }
}
