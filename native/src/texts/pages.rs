//! The pages that request targets ask for, without what differs from request to request.

use std::sync::Arc;

use arrow_array::builder::make_view;
use arrow_array::{Array, ArrayRef, BinaryViewArray, RecordBatch, StringViewArray};
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::views::{height, texts};
use crate::arrow::Frame;
use crate::windows::table::Hasher;

/// Targets that are looked up before they are read.
const SLOTS: usize = 4096;
/// Segments that stay.
const SEGMENTS: usize = 3;
/// A segment with more characters is a `:long` one.
const LONGEST: usize = 32;

/// `pipeline.columns.urls.page` over a String column: a frame of `page` (String). Where the page is the beginning of the
/// target it is a view of it; the rest is written to one new buffer.
#[pyfunction]
pub fn pages(py: Python<'_>, targets: &Bound<'_, PyAny>) -> PyResult<Frame> {
    let chunks = texts(targets)?;
    let batch = py
        .detach(|| frame(&chunks))
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(batch.into())
}

fn frame(chunks: &[BinaryViewArray]) -> Result<RecordBatch, ArrowError> {
    let mut buffers: Vec<Buffer> = chunks
        .iter()
        .flat_map(|chunk| chunk.data_buffers().iter().cloned())
        .collect();
    let mut writer = Writer {
        buffer: buffers.len() as u32,
        ..Writer::default()
    };
    let rows = height(chunks);
    let mut views = Vec::with_capacity(rows);
    let mut recent = Recent::new(rows);
    let mut first: u32 = 0;
    for chunk in chunks {
        for (row, view) in chunk.views().iter().enumerate() {
            if chunk.is_null(row) {
                views.push(0);
                continue;
            }
            let target = chunk.value(row);
            let slot = recent.slot(target);
            if slot.0 != target {
                *slot = (target, writer.page(target, ByteView::from(*view), first)?);
            }
            views.push(slot.1);
        }
        first += chunk.data_buffers().len() as u32;
    }
    buffers.push(Buffer::from(writer.text));
    let nulls = chunks.iter().any(|chunk| chunk.null_count() > 0).then(|| {
        let valid = chunks
            .iter()
            .flat_map(|chunk| (0..chunk.len()).map(|row| chunk.is_valid(row)));
        valid.collect::<NullBuffer>()
    });
    let (views, buffers) = (ScalarBuffer::from(views), Arc::from(buffers));
    // SAFETY: a view is 0, or was made by `make_view` of bytes that are where it says: in the buffer of its target, whose number
    // is counted on by the buffers of the chunks before, or in `text`. They are UTF-8: a page is cut from a String (`texts`
    // takes none else) before a `/`, `?`, `#` or its end, or written of such pieces and of what `decode` checked.
    #[allow(unsafe_code)]
    let pages = unsafe { StringViewArray::new_unchecked(views, buffers, nulls) };
    let columns: Vec<ArrayRef> = vec![Arc::new(pages)];
    let schema = Schema::new(vec![Field::new("page", DataType::Utf8View, true)]);
    RecordBatch::try_new(Arc::new(schema), columns)
}

/// Where pages go that are not the beginnings of their targets.
#[derive(Default)]
struct Writer {
    text: Vec<u8>,
    /// The number of the buffer that `text` will be.
    buffer: u32,
    decoded: Vec<u8>,
    written: Vec<u8>,
}

impl Writer {
    /// A view of the page of a target that is at `place` of the buffers from `first` on.
    fn page(&mut self, target: &[u8], place: ByteView, first: u32) -> Result<u128, ArrowError> {
        if let Page::Beginning(size) = read(target, &mut self.decoded, &mut self.written) {
            return Ok(make_view(
                &target[..size],
                first.wrapping_add(place.buffer_index),
                place.offset,
            ));
        }
        let start = u32::try_from(self.text.len())
            .map_err(|_| ArrowError::InvalidArgumentError("a batch with 4 GiB of pages".to_owned()))?;
        if self.written.len() > MAX_INLINE_VIEW_LEN as usize {
            self.text.extend_from_slice(&self.written);
        }
        Ok(make_view(&self.written, self.buffer, start))
    }
}

/// Some of the targets of this batch and the views of their pages, each in the one slot where it can be.
struct Recent<'a> {
    slots: Vec<(&'a [u8], u128)>,
    hasher: Hasher,
}

impl<'a> Recent<'a> {
    fn new(rows: usize) -> Self {
        // The page of nothing is nothing, whose view is 0.
        Recent {
            slots: vec![(b"", 0); rows.next_power_of_two().min(SLOTS)],
            hasher: Hasher::default(),
        }
    }

    fn slot(&mut self, target: &[u8]) -> &mut (&'a [u8], u128) {
        let place = self.hasher.sampled(target) as usize & (self.slots.len() - 1);
        &mut self.slots[place]
    }
}

#[derive(Debug, PartialEq)]
enum Page {
    /// So many bytes of the target.
    Beginning(usize),
    /// What was written.
    Written,
}

/// The page of a target, in `page` if it had to be written. `decoded` is scratch space.
fn read(target: &[u8], decoded: &mut Vec<u8>, page: &mut Vec<u8>) -> Page {
    if target.first() == Some(&b'/')
        && let Some(found) = shortened::<true>(target, true, page)
    {
        return found;
    }
    decode(target, decoded);
    let path = after_authority(decoded);
    let absolute = path.len() < decoded.len();
    let rooted = absolute || path.first() == Some(&b'/');
    if let Some(Page::Beginning(size)) = shortened::<false>(path, rooted, page) {
        page.clear();
        page.extend_from_slice(&path[..size]);
    }
    Page::Written
}

/// The first segments of a path; with `ESCAPES`, None if one of them has a percent sign.
///
/// Nothing is written as long as the page is the beginning of the path.
fn shortened<const ESCAPES: bool>(path: &[u8], rooted: bool, page: &mut Vec<u8>) -> Option<Page> {
    page.clear();
    let (mut start, mut end, mut count, mut same) = (0, usize::from(path.first() == Some(&b'/')), 0, true);
    if rooted != (end == 1) {
        page.push(b'/');
        same = false;
    }
    while start < path.len() && count < SEGMENTS {
        let size = run(&path[start..], |byte| {
            !(matches!(byte, b'/' | b'?' | b'#') || ESCAPES && byte == b'%')
        });
        let stop = start + size;
        if ESCAPES && path.get(stop) == Some(&b'%') {
            return None;
        }
        if size > 0 {
            let segment = &path[start..stop];
            let sign = sign(segment);
            let follows = sign.is_none() && start == end + usize::from(count > 0);
            if same && !follows {
                page.extend_from_slice(&path[..end]);
            }
            same &= follows;
            if !same {
                if count > 0 {
                    page.push(b'/');
                }
                let (name, rest) = sign.unwrap_or((b"", segment));
                page.extend_from_slice(name);
                page.extend_from_slice(rest);
            }
            end = stop;
            count += 1;
        }
        if path.get(stop) != Some(&b'/') {
            break;
        }
        start = stop + 1;
    }
    Some(if same { Page::Beginning(end) } else { Page::Written })
}

/// What stands for a segment: a placeholder and a file extension; None where it stays as it is.
fn sign(segment: &[u8]) -> Option<(&'static [u8], &[u8])> {
    if let Some(extension) = after_uuid(segment) {
        Some((b":uuid", extension))
    } else if let Some(extension) = after_id(segment) {
        Some((b":id", extension))
    } else if segment.len() > LONGEST && characters(segment) > LONGEST {
        Some((b":long", b""))
    } else {
        None
    }
}

/// What follows the scheme and the authority of an absolute URL; the whole text where it is none.
fn after_authority(text: &[u8]) -> &[u8] {
    if !text.first().is_some_and(u8::is_ascii_alphabetic) {
        return text;
    }
    let scheme = run(text, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-')
    });
    let Some(rest) = text[scheme..].strip_prefix(b"://") else {
        return text;
    };
    &rest[run(rest, |byte| !matches!(byte, b'/' | b'?' | b'#'))..]
}

/// The file extension after a UUID; None if the segment is none.
fn after_uuid(segment: &[u8]) -> Option<&[u8]> {
    let (uuid, rest) = segment.split_at_checked(36)?;
    let fits = uuid.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    (fits && is_extension(rest)).then_some(rest)
}

/// The file extension after all digits, or at least 16 hex digits; None if the segment is neither.
fn after_id(segment: &[u8]) -> Option<&[u8]> {
    let digits = run(segment, |byte| byte.is_ascii_digit());
    if digits > 0 && is_extension(&segment[digits..]) {
        return Some(&segment[digits..]);
    }
    let hex = run(segment, |byte| byte.is_ascii_hexdigit());
    (hex >= 16 && is_extension(&segment[hex..])).then(|| &segment[hex..])
}

/// Whether this is nothing, or a point, a letter, and up to four letters and digits.
fn is_extension(rest: &[u8]) -> bool {
    match rest {
        [] => true,
        [b'.', letter, more @ ..] => {
            letter.is_ascii_alphabetic() && more.len() <= 4 && more.iter().all(u8::is_ascii_alphanumeric)
        }
        _ => false,
    }
}

fn run(text: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|byte| !belongs(*byte)).unwrap_or(text.len())
}

fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| (**byte as i8) >= -0x40).count()
}

/// Percent-decoded text; an escape that is none stays, and what is not UTF-8 then becomes U+FFFD.
fn decode(text: &[u8], decoded: &mut Vec<u8>) {
    decoded.clear();
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'%', rest) {
        decoded.extend_from_slice(&rest[..at]);
        let value = rest.get(at + 1..at + 3).and_then(byte);
        decoded.push(value.unwrap_or(b'%'));
        rest = &rest[at + if value.is_some() { 3 } else { 1 }..];
    }
    decoded.extend_from_slice(rest);
    if simdutf8::basic::from_utf8(decoded).is_err() {
        *decoded = String::from_utf8_lossy(decoded).into_owned().into_bytes();
    }
}

fn byte(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(digits[0])? * 16 + digit(digits[1])?) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(target: &str) -> (String, bool) {
        let (mut decoded, mut page) = (Vec::new(), Vec::new());
        match read(target.as_bytes(), &mut decoded, &mut page) {
            Page::Beginning(size) => (target[..size].to_owned(), true),
            Page::Written => (String::from_utf8(page).unwrap(), false),
        }
    }

    #[test]
    fn beginnings_are_not_copied() {
        for (target, wanted) in [
            ("/a/b?x=%41", "/a/b"),
            ("/a/b/c/d%41", "/a/b/c"),
            ("/", "/"),
            ("/a/b/", "/a/b"),
        ] {
            assert_eq!(page(target), (wanted.to_owned(), true));
        }
    }

    #[test]
    fn what_differs_is_written() {
        for (target, wanted) in [
            ("//a", "/a"),
            ("/a/1.js", "/a/:id.js"),
            ("a/b", "a/b"),
            ("http://h", "/"),
            ("/%41", "/A"),
        ] {
            assert_eq!(page(target), (wanted.to_owned(), false));
        }
    }
}
