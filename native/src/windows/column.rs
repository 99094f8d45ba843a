//! Columns as the kernels see them: texts as views, everything else as 64 bits.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    DurationMicrosecondType, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    UInt8Type, UInt16Type, UInt32Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, PrimitiveArray, StringViewArray, make_array,
    types::ArrowPrimitiveType,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};
use arrow_schema::{ArrowError, DataType, TimeUnit};

/// One column of one chunk.
pub struct Column<'a> {
    pub kind: DataType,
    pub values: Values<'a>,
    pub nulls: Option<&'a NullBuffer>,
}

impl Column<'_> {
    /// How many rows it has.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Text(views, _) => views.len(),
            Values::Word(words) => words.len(),
            Values::Wide(words) => words.len(),
        }
    }
}

pub enum Values<'a> {
    /// String views and the buffers that the long ones point into.
    Text(&'a [u128], &'a [Buffer]),
    /// Integers, times, durations and booleans as numbers; floats as their bits, with one zero and one NaN.
    Word(ScalarBuffer<i64>),
    /// Decimals without fraction, which is how Int128 travels.
    Wide(&'a [i128]),
}

/// A value of a text column: its view, and its bytes when they do not fit the view.
#[derive(Clone, Copy, Default)]
pub struct Text<'a> {
    pub view: u128,
    pub long: &'a [u8],
}

impl<'a> Text<'a> {
    /// The text that `view` stands for.
    #[inline]
    pub fn new(view: u128, buffers: &'a [Buffer]) -> Self {
        let length = view as u32;
        if length <= MAX_INLINE_VIEW_LEN {
            return Text { view, long: &[] };
        }
        let place = ByteView::from(view);
        let (buffer, at) = (place.buffer_index as usize, place.offset as usize);
        Text {
            view,
            long: &buffers[buffer].as_slice()[at..at + length as usize],
        }
    }

    /// Calls `with` with the bytes of the text.
    #[inline]
    pub fn with<T>(&self, with: impl FnOnce(&[u8]) -> T) -> T {
        let length = self.view as u32;
        if length > MAX_INLINE_VIEW_LEN {
            with(self.long)
        } else {
            with(&(self.view >> 32).to_le_bytes()[..length as usize])
        }
    }

    /// Order by bytes, which is the order of code points.
    pub fn compare(&self, other: &Text<'_>) -> std::cmp::Ordering {
        self.with(|one| other.with(|two| one.cmp(two)))
    }
}

/// Read a column. An error for a type that the kernels do not know; the caller takes the twin then.
pub fn column(array: &ArrayRef) -> Result<Column<'_>, ArrowError> {
    let kind = array.data_type().clone();
    let values = match &kind {
        DataType::Utf8View => {
            let texts = array.as_string_view();
            Values::Text(texts.views(), texts.data_buffers())
        }
        DataType::Int64 => Values::Word(array.as_primitive::<Int64Type>().values().clone()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Values::Word(array.as_primitive::<TimestampMicrosecondType>().values().clone())
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            Values::Word(array.as_primitive::<DurationMicrosecondType>().values().clone())
        }
        DataType::Float64 => Values::Word(words(array.as_primitive::<Float64Type>(), canonical)),
        DataType::Int8 => Values::Word(words(array.as_primitive::<Int8Type>(), i64::from)),
        DataType::Int16 => Values::Word(words(array.as_primitive::<Int16Type>(), i64::from)),
        DataType::Int32 => Values::Word(words(array.as_primitive::<Int32Type>(), i64::from)),
        DataType::UInt8 => Values::Word(words(array.as_primitive::<UInt8Type>(), i64::from)),
        DataType::UInt16 => Values::Word(words(array.as_primitive::<UInt16Type>(), i64::from)),
        DataType::UInt32 => Values::Word(words(array.as_primitive::<UInt32Type>(), i64::from)),
        DataType::Boolean => Values::Word(array.as_boolean().values().iter().map(i64::from).collect()),
        DataType::Decimal128(_, 0) => Values::Wide(array.as_primitive::<arrow_array::types::Decimal128Type>().values()),
        other => return Err(ArrowError::SchemaError(format!("no native windows over {other}"))),
    };
    Ok(Column {
        kind,
        values,
        nulls: array.nulls(),
    })
}

/// The rows where a Boolean column is true, null being false.
pub fn truths(array: &ArrayRef) -> Result<BooleanBuffer, ArrowError> {
    let truth: &BooleanArray = array
        .as_boolean_opt()
        .ok_or_else(|| ArrowError::SchemaError("a condition is not Boolean".to_owned()))?;
    Ok(match truth.nulls() {
        Some(nulls) => truth.values() & nulls.inner(),
        None => truth.values().clone(),
    })
}

fn words<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, word: impl Fn(T::Native) -> i64) -> ScalarBuffer<i64> {
    array.values().iter().map(|&value| word(value)).collect()
}

/// The bits of a float. Zeros are equal as groups, and so are NaNs: which of them came first must not show.
pub fn canonical(value: f64) -> i64 {
    let value = if value == 0.0 { 0.0 } else { value };
    (if value.is_nan() { f64::NAN } else { value }).to_bits() as i64
}

/// Words back to a column of their type.
pub fn restored(kind: &DataType, words: Vec<i64>, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    Ok(match kind {
        DataType::Boolean => Arc::new(BooleanArray::new(words.iter().map(|&word| word != 0).collect(), nulls)),
        DataType::Float64 => {
            let floats = words.into_iter().map(|word| f64::from_bits(word as u64));
            primitive::<Float64Type>(floats.collect(), nulls)?
        }
        DataType::Int8 => primitive::<Int8Type>(words.into_iter().map(|word| word as i8).collect(), nulls)?,
        DataType::Int16 => primitive::<Int16Type>(words.into_iter().map(|word| word as i16).collect(), nulls)?,
        DataType::Int32 => primitive::<Int32Type>(words.into_iter().map(|word| word as i32).collect(), nulls)?,
        DataType::UInt8 => primitive::<UInt8Type>(words.into_iter().map(|word| word as u8).collect(), nulls)?,
        DataType::UInt16 => primitive::<UInt16Type>(words.into_iter().map(|word| word as u16).collect(), nulls)?,
        DataType::UInt32 => primitive::<UInt32Type>(words.into_iter().map(|word| word as u32).collect(), nulls)?,
        DataType::Int64 => primitive::<Int64Type>(ScalarBuffer::from(words), nulls)?,
        other => {
            let plain = PrimitiveArray::<Int64Type>::try_new(ScalarBuffer::from(words), nulls)?;
            make_array(plain.into_data().into_builder().data_type(other.clone()).build()?)
        }
    })
}

fn primitive<T: ArrowPrimitiveType>(
    values: ScalarBuffer<T::Native>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(PrimitiveArray::<T>::try_new(values, nulls)?))
}

/// Texts copied into a buffer of their own, so that nothing of where they came from stays alive.
pub fn texts<'a>(values: impl ExactSizeIterator<Item = Option<Text<'a>>>) -> ArrayRef {
    let (mut views, mut nulls) = (Vec::with_capacity(values.len()), Vec::with_capacity(values.len()));
    let (mut full, mut bytes) = (Vec::new(), Vec::new());
    for value in values {
        nulls.push(value.is_some());
        let Some(text) = value else {
            views.push(0);
            continue;
        };
        if text.long.is_empty() {
            views.push(text.view);
            continue;
        }
        if bytes.len() + text.long.len() > i32::MAX as usize {
            full.push(Buffer::from_vec(std::mem::take(&mut bytes)));
        }
        let place = (full.len() as u128) << 64 | (bytes.len() as u128) << 96;
        views.push(u128::from(text.view as u64) | place);
        bytes.extend_from_slice(text.long);
    }
    full.push(Buffer::from_vec(bytes));
    viewed(views, full, some(nulls))
}

/// A column of these views, which must be those of texts in UTF-8: made of other columns' views and a copy of their bytes, or
/// of bytes that were checked.
#[allow(unsafe_code)]
pub fn viewed(views: Vec<u128>, buffers: Vec<Buffer>, nulls: Option<NullBuffer>) -> ArrayRef {
    // SAFETY: both callers are above and in `blob.rs`. They give a view a text: of up to 12 bytes itself, padded with zeros, of
    // a longer one its length, first four bytes, and the place in `buffers` where they have just put it. `Text` is made of a
    // column's views only, which are UTF-8; `blob.rs` checks all bytes, and that texts begin where a character does.
    Arc::new(unsafe { StringViewArray::new_unchecked(ScalarBuffer::from(views), Arc::from(buffers), nulls) })
}

/// Sums of 128 bits, as decimals without fraction.
pub fn wide(values: Vec<i128>) -> Result<ArrayRef, ArrowError> {
    let decimals = Decimal128Array::try_new(ScalarBuffer::from(values), None)?;
    Ok(Arc::new(decimals.with_precision_and_scale(38, 0)?))
}

/// Validity, left out where everything is valid.
pub fn some(valid: Vec<bool>) -> Option<NullBuffer> {
    if valid.iter().all(|&valid| valid) {
        return None;
    }
    Some(NullBuffer::from(valid))
}
