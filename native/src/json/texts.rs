//! A column of texts: views into the texts that came in, and into blocks of its own for those that had to be written.

use std::ops::Range;

use arrow_array::builder::make_view;
use arrow_array::{BinaryViewArray, StringViewArray};
use arrow_buffer::{Buffer, NullBufferBuilder, ScalarBuffer};
use arrow_data::MAX_INLINE_VIEW_LEN;
use arrow_schema::ArrowError;

/// Where a record's text is: in which buffer from which byte on, if it is in one.
#[derive(Clone, Copy, Default)]
pub struct Place {
    pub buffer: Option<(u32, u32)>,
}

const INLINE: usize = MAX_INLINE_VIEW_LEN as usize;
const SMALLEST: usize = 1 << 13;
const LARGEST: usize = 1 << 22;

/// Builds one column. `shared` is the number of buffers that came in.
pub struct Texts {
    views: Vec<u128>,
    nulls: NullBufferBuilder,
    shared: u32,
    borrowed: bool,
    full: Vec<Buffer>,
    block: Vec<u8>,
}

impl Texts {
    pub fn new(rows: usize, shared: u32) -> Self {
        Texts {
            views: Vec::with_capacity(rows),
            nulls: NullBufferBuilder::new(rows),
            shared,
            borrowed: false,
            full: Vec::new(),
            block: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.views.len()
    }

    pub fn null(&mut self) {
        self.views.push(0);
        self.nulls.append_null();
    }

    /// Nulls up to a number of rows.
    pub fn nulls_to(&mut self, rows: usize) {
        self.nulls.append_n_nulls(rows.saturating_sub(self.views.len()));
        self.views.resize(rows.max(self.views.len()), 0);
    }

    /// A piece of a record's text, without a copy where that is in a buffer.
    #[inline]
    pub fn piece(&mut self, text: &[u8], place: Place, range: Range<usize>) {
        match place.buffer {
            Some((buffer, offset)) if range.len() > INLINE => {
                self.borrowed = true;
                self.views
                    .push(make_view(&text[range.clone()], buffer, offset + range.start as u32));
                self.nulls.append_non_null();
            }
            _ => self.copy(&text[range]),
        }
    }

    /// A text that is nowhere else.
    pub fn copy(&mut self, text: &[u8]) {
        let view = self.written(text);
        self.again(view);
    }

    /// A text for rows to come: `again` takes it.
    pub fn written(&mut self, text: &[u8]) -> u128 {
        if text.len() <= INLINE {
            return make_view(text, 0, 0);
        }
        if self.block.len() + text.len() > self.block.capacity() {
            let size = (self.block.capacity() * 2).clamp(SMALLEST, LARGEST).max(text.len());
            let block = std::mem::replace(&mut self.block, Vec::with_capacity(size));
            if !block.is_empty() {
                self.full.push(Buffer::from_vec(block));
            }
        }
        let at = self.block.len() as u32;
        self.block.extend_from_slice(text);
        make_view(text, self.shared + self.full.len() as u32, at)
    }

    pub fn again(&mut self, view: u128) {
        self.views.push(view);
        self.nulls.append_non_null();
    }

    /// The column's parts; `buffers` are those that came in.
    fn parts(mut self, buffers: &[Buffer]) -> (ScalarBuffer<u128>, Vec<Buffer>, Option<arrow_buffer::NullBuffer>) {
        if !self.block.is_empty() {
            self.full.push(Buffer::from_vec(self.block));
        }
        let mut all = Vec::new();
        if self.borrowed {
            all.extend_from_slice(buffers);
        } else {
            // Nothing of what came in is kept alive for nothing.
            for view in self.views.iter_mut().filter(|view| **view as u32 as usize > INLINE) {
                *view -= u128::from(self.shared) << 64;
            }
        }
        all.extend(self.full);
        (ScalarBuffer::from(self.views), all, self.nulls.finish())
    }

    pub fn strings(self, buffers: &[Buffer]) -> Result<StringViewArray, ArrowError> {
        let (views, buffers, nulls) = self.parts(buffers);
        StringViewArray::try_new(views, buffers, nulls)
    }

    pub fn bytes(self, buffers: &[Buffer]) -> Result<BinaryViewArray, ArrowError> {
        let (views, buffers, nulls) = self.parts(buffers);
        BinaryViewArray::try_new(views, buffers, nulls)
    }
}
