//! The rows of a text column, and columns of parts of them, without a copy.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{BinaryViewType, ByteViewType, StringViewType};
use arrow_array::{Array, ArrayRef, GenericByteViewArray, RecordBatch, StringViewArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};
use arrow_schema::{ArrowError, DataType};

use super::stretch::Stretch;

/// Views hold texts up to this length themselves.
const INLINE: usize = MAX_INLINE_VIEW_LEN as usize;

/// By length: the bytes that a view of a short text has.
const KEPT: [u128; INLINE + 1] = {
    let mut kept = [0; INLINE + 1];
    let mut length = 0;
    while length <= INLINE {
        kept[length] = (1 << (8 * length)) - 1;
        length += 1;
    }
    kept
};

/// The rows of the first column of some batches: String or Binary, in view layout.
pub struct Rows {
    chunks: Vec<ArrayRef>,
    /// What parts of rows point into: first the rows that had to be repaired, then the buffers of all chunks.
    buffers: Vec<Buffer>,
    pub len: usize,
}

/// One row as text, and where it is: `buffer` and `at` count for rows that are longer than a view holds.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    text: &'a str,
    buffer: u32,
    at: u32,
}

/// A part of a row: 16 bytes in Arrow's view layout
/// (<https://arrow.apache.org/docs/format/Columnar.html>, variable-size binary view layout).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Part(u128);

impl Part {
    /// A dash alone.
    pub const DASH: Part = Part((b'-' as u128) << 32 | 1);
}

impl Rows {
    /// Raises an error when the column holds no text.
    pub fn new(batches: &[RecordBatch]) -> Result<Self, ArrowError> {
        let mut rows = Rows {
            chunks: Vec::new(),
            buffers: vec![Buffer::from_vec(Vec::<u8>::new())],
            len: 0,
        };
        for batch in batches {
            let wrong = || ArrowError::InvalidArgumentError("a column of String or Binary is wanted".to_owned());
            let chunk = batch.columns().first().ok_or_else(wrong)?;
            let buffers = match chunk.data_type() {
                DataType::Utf8View => chunk.as_byte_view::<StringViewType>().data_buffers(),
                DataType::BinaryView => chunk.as_byte_view::<BinaryViewType>().data_buffers(),
                _ => return Err(wrong()),
            };
            rows.buffers.extend(buffers.iter().cloned());
            rows.chunks.push(Arc::clone(chunk));
            rows.len += chunk.len();
        }
        Ok(rows)
    }

    /// Calls `take` for every row in order; None is a null. What is not UTF-8 is replaced by U+FFFD, as Python does.
    pub fn each(&mut self, mut take: impl FnMut(Option<Row>)) -> Result<(), ArrowError> {
        let mut repaired = Vec::new();
        let mut first = 1;
        for chunk in &self.chunks {
            if let Some(texts) = chunk.as_byte_view_opt::<StringViewType>() {
                walk(texts, first, |row| {
                    take(row.map(|(text, buffer, at)| Row { text, buffer, at }));
                    Ok(())
                })?;
                first += texts.data_buffers().len() as u32;
            } else if let Some(bytes) = chunk.as_byte_view_opt::<BinaryViewType>() {
                let mut stretch = Stretch::default();
                let buffers = &self.buffers[..];
                walk(bytes, first, |row| {
                    let Some((bytes, buffer, at)) = row else {
                        take(None);
                        return Ok(());
                    };
                    let text = if bytes.len() > INLINE {
                        let start = at as usize;
                        stretch.text(buffer, &buffers[buffer as usize], start, start + bytes.len())
                    } else {
                        std::str::from_utf8(bytes).ok()
                    };
                    if let Some(text) = text {
                        take(Some(Row { text, buffer, at }));
                        return Ok(());
                    }
                    let text: Cow<str> = String::from_utf8_lossy(bytes);
                    let at = u32::try_from(repaired.len() + text.len())
                        .map_err(|_| ArrowError::InvalidArgumentError("4 GiB of text that is not UTF-8".to_owned()))?
                        - text.len() as u32;
                    take(Some(Row {
                        text: &text,
                        buffer: 0,
                        at,
                    }));
                    repaired.extend_from_slice(text.as_bytes());
                    Ok(())
                })?;
                first += bytes.data_buffers().len() as u32;
            }
        }
        self.buffers[0] = Buffer::from_vec(repaired);
        Ok(())
    }

    /// A column of parts of these rows.
    #[allow(unsafe_code)]
    pub fn column(&self, parts: Vec<Part>, valid: Option<NullBuffer>) -> ArrayRef {
        let views: ScalarBuffer<u128> = ScalarBuffer::from(parts.into_iter().map(|part| part.0).collect::<Vec<_>>());
        // SAFETY: a `Part` is made by `Row::part` alone, of a `str` between two boundaries of its characters, so it is
        // valid UTF-8. Its length and prefix, or its whole text, are read from that `str`; its buffer and place are
        // those where `each` found the row, which Arrow had accepted as a view into that buffer, or where it put the
        // repaired row; the buffers are in the order in which `each` counted them. A part of a row stays inside the
        // row.
        let column = unsafe { StringViewArray::new_unchecked(views, Arc::from(&self.buffers[..]), valid) };
        Arc::new(column)
    }
}

fn walk<T: ByteViewType>(
    column: &GenericByteViewArray<T>,
    first: u32,
    mut take: impl FnMut(Option<(&T::Native, u32, u32)>) -> Result<(), ArrowError>,
) -> Result<(), ArrowError> {
    for (index, view) in column.views().iter().enumerate() {
        let place = ByteView::from(*view);
        take(column.is_valid(index).then(|| {
            (
                column.value(index),
                place.buffer_index.wrapping_add(first),
                place.offset,
            )
        }))?;
    }
    Ok(())
}

impl<'a> Row<'a> {
    pub fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The row without the carriage return that it may end with.
    pub fn without_return(self) -> Self {
        Row {
            text: self.text.strip_suffix('\r').unwrap_or(self.text),
            ..self
        }
    }

    /// The text between two places; None unless they are boundaries of characters, the first not after the second.
    #[inline]
    pub fn part(&self, start: u32, end: u32) -> Option<Part> {
        let text = self.text.get(start as usize..end as usize)?.as_bytes();
        let Some(block) = self.bytes()[start as usize..].first_chunk::<16>() else {
            return Some(self.last_part(text, start));
        };
        // Both ways at once: which of them it is cannot be foreseen.
        let block = u128::from_le_bytes(*block);
        let inline = (block & KEPT[text.len().min(INLINE)]) << 32;
        let place = self.placed(start) | (block & 0xFFFF_FFFF) << 32;
        let rest = if text.len() > INLINE { place } else { inline };
        Some(Part(rest | text.len() as u128))
    }

    /// A part that ends within sixteen bytes of the row's end.
    fn last_part(&self, text: &[u8], start: u32) -> Part {
        let mut bytes = [0; 16];
        let rest = if let (true, Some(prefix)) = (text.len() > INLINE, text.first_chunk::<4>()) {
            bytes[4..8].copy_from_slice(prefix);
            u128::from_le_bytes(bytes) | self.placed(start)
        } else {
            bytes[4..4 + text.len()].copy_from_slice(text);
            u128::from_le_bytes(bytes)
        };
        Part(rest | text.len() as u128)
    }

    /// Where a long part is, as a view says it.
    fn placed(&self, start: u32) -> u128 {
        u128::from(self.at.wrapping_add(start)) << 96 | u128::from(self.buffer) << 64
    }

    /// A text of twelve bytes at most, wherever it comes from.
    pub fn constant(text: &str) -> Option<Part> {
        let whole = Row { text, buffer: 0, at: 0 };
        (text.len() <= INLINE)
            .then(|| whole.part(0, text.len() as u32))
            .flatten()
    }
}

/// Bits, in order. As long as all are set they are only counted.
#[derive(Default)]
pub struct Bits {
    words: Vec<u64>,
    last: u64,
    len: usize,
    mixed: bool,
}

impl Bits {
    #[inline]
    pub fn push(&mut self, bit: bool) {
        if !self.mixed {
            if bit {
                self.len += 1;
                return;
            }
            self.write_out();
        }
        self.last |= u64::from(bit) << (self.len & 63);
        self.len += 1;
        if self.len.trailing_zeros() >= 6 {
            self.words.push(std::mem::take(&mut self.last));
        }
    }

    #[inline(never)]
    fn write_out(&mut self) {
        self.mixed = true;
        self.words = vec![u64::MAX; self.len / 64];
        self.last = (1 << (self.len & 63)) - 1;
    }

    pub fn buffer(mut self) -> BooleanBuffer {
        if !self.mixed {
            return BooleanBuffer::new_set(self.len);
        }
        self.words.push(self.last);
        BooleanBuffer::new(Buffer::from_vec(self.words), 0, self.len)
    }

    /// As the validity of a column; None when all are set.
    pub fn nulls(self) -> Option<NullBuffer> {
        self.mixed.then(|| NullBuffer::new(self.buffer()))
    }
}
