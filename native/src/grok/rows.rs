//! The rows of a text column, and columns of parts of them, without a copy.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{BinaryViewType, ByteViewType, StringViewType};
use arrow_array::{Array, ArrayRef, GenericByteViewArray, RecordBatch, StringViewArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};
use arrow_schema::{ArrowError, DataType};

/// Views hold texts up to this length themselves.
const INLINE: usize = MAX_INLINE_VIEW_LEN as usize;

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
#[derive(Clone, Copy, Default)]
pub struct Part(u128);

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
                walk(bytes, first, |row| {
                    let Some((bytes, buffer, at)) = row else {
                        take(None);
                        return Ok(());
                    };
                    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
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
    pub fn column(&self, parts: Vec<Part>, valid: Bits) -> ArrayRef {
        let views: ScalarBuffer<u128> = ScalarBuffer::from(parts.into_iter().map(|part| part.0).collect::<Vec<_>>());
        // SAFETY: a `Part` is made by `Row::part` alone, of a `str` between two boundaries of its characters, so it is
        // valid UTF-8. Its length and prefix, or its whole text, are read from that `str`; its buffer and place are
        // those where `each` found the row, which Arrow had accepted as a view into that buffer, or where it put the
        // repaired row; the buffers are in the order in which `each` counted them. A part of a row stays inside the
        // row.
        let column = unsafe { StringViewArray::new_unchecked(views, Arc::from(&self.buffers[..]), valid.nulls()) };
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
    pub fn part(&self, start: u32, end: u32) -> Option<Part> {
        let text = self.text.get(start as usize..end as usize)?.as_bytes();
        let length = text.len() as u128;
        if text.len() > INLINE {
            let prefix = u32::from_le_bytes([text[0], text[1], text[2], text[3]]);
            let place = u128::from(self.at + start) << 96 | u128::from(self.buffer) << 64;
            return Some(Part(place | u128::from(prefix) << 32 | length));
        }
        let mut bytes = [0; 16];
        if let Some(block) = self
            .bytes()
            .get(start as usize..)
            .and_then(|rest| rest.first_chunk::<16>())
        {
            let kept = u128::from_le_bytes(*block) & ((1 << (8 * text.len())) - 1);
            return Some(Part(kept << 32 | length));
        }
        bytes[4..4 + text.len()].copy_from_slice(text);
        Some(Part(u128::from_le_bytes(bytes) | length))
    }

    /// A text of twelve bytes at most, wherever it comes from.
    pub fn constant(text: &str) -> Option<Part> {
        let whole = Row { text, buffer: 0, at: 0 };
        (text.len() <= INLINE)
            .then(|| whole.part(0, text.len() as u32))
            .flatten()
    }
}

/// Bits, in order.
#[derive(Default)]
pub struct Bits {
    words: Vec<u64>,
    last: u64,
    len: usize,
    set: usize,
}

impl Bits {
    pub fn with_capacity(len: usize) -> Self {
        Bits {
            words: Vec::with_capacity(len / 64 + 1),
            ..Bits::default()
        }
    }

    #[inline]
    pub fn push(&mut self, bit: bool) {
        self.last |= u64::from(bit) << (self.len & 63);
        self.set += usize::from(bit);
        self.len += 1;
        if self.len.trailing_zeros() >= 6 {
            self.words.push(std::mem::take(&mut self.last));
        }
    }

    pub fn buffer(mut self) -> BooleanBuffer {
        self.words.push(self.last);
        BooleanBuffer::new(Buffer::from_vec(self.words), 0, self.len)
    }

    /// As the validity of a column; None when all are set.
    pub fn nulls(self) -> Option<NullBuffer> {
        (self.set < self.len).then(|| NullBuffer::new(self.buffer()))
    }
}
