//! JSON records to columns: the members that somebody names with their types, everything else as the text it was.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray};
use arrow_buffer::Buffer;
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};
use arrow_schema::{DataType, Field, Schema};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use super::columns::{Object, Record};
use super::kinds::{self, Kind};
use super::members::{self, Members, Reader};
use super::scalars::Moments;
use super::scan::{self, DEPTH, MORE, Mistake, Scanner};
use super::texts::{Place, Texts};
use crate::arrow::{Frame, batches};

/// Take members out of JSON objects: `records` has one column of texts (`Utf8View`); `fields` are pairs of a name and a type.
/// Gives a column for each field, `@rest`, and `@reason` and `@detail` of the rows that are no JSON objects.
/// `moment` reads times in unusual forms: a text to microseconds since 1970, or None.
#[pyfunction]
pub fn json_members(
    py: Python<'_>,
    records: &Bound<'_, PyAny>,
    fields: &Bound<'_, PyAny>,
    moment: Py<PyAny>,
) -> PyResult<Frame> {
    let chunks = batches(records)?;
    let fields = kinds::named(fields)?;
    let texts = chunks
        .iter()
        .map(|chunk| {
            let column = chunk.columns().first().and_then(|column| column.as_string_view_opt());
            column.cloned().ok_or_else(|| PyTypeError::new_err("records are texts"))
        })
        .collect::<PyResult<Vec<_>>>()?;
    py.detach(|| extract(&texts, &fields, Moments::new(moment)))
        .map(Frame::from)
}

/// Two columns of objects (`Utf8View`) as one: the members of both, of the same names those of the second. Null is no members.
#[pyfunction]
pub fn json_merged(py: Python<'_>, pair: &Bound<'_, PyAny>) -> PyResult<Frame> {
    let chunks = batches(pair)?;
    let made = py.detach(|| {
        let mut texts = Texts::new(chunks.iter().map(RecordBatch::num_rows).sum(), 0);
        let mut members = [0; 2].map(|_| (Reader::new([]), Members::default()));
        for chunk in &chunks {
            let [first, second] = [0, 1].map(|place| chunk.columns().get(place).and_then(|it| it.as_string_view_opt()));
            let (first, second) = (first?, second?);
            for row in 0..chunk.num_rows() {
                let one = first.is_valid(row).then(|| first.value(row).as_bytes());
                let two = second.is_valid(row).then(|| second.value(row).as_bytes());
                match (one, two) {
                    (Some(one), Some(two)) => texts.copy(&members::merged(one, two, &mut members)?),
                    (Some(one), None) => texts.copy(one),
                    (None, Some(two)) => texts.copy(two),
                    (None, None) => texts.null(),
                }
            }
        }
        Some(texts)
    });
    let texts = made
        .ok_or_else(|| PyTypeError::new_err("records are texts of objects"))?
        .strings(&[]);
    let column: ArrayRef = Arc::new(texts.map_err(|error| PyValueError::new_err(error.to_string()))?);
    let schema = Schema::new(vec![Field::new("", DataType::Utf8View, true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![column]);
    Ok(batch.map_err(|error| PyValueError::new_err(error.to_string()))?.into())
}

fn extract(texts: &[StringViewArray], fields: &[(String, Kind)], mut moments: Moments) -> PyResult<RecordBatch> {
    let rows = texts.iter().map(Array::len).sum();
    let buffers: Vec<Buffer> = texts
        .iter()
        .flat_map(|texts| texts.data_buffers().iter().cloned())
        .collect();
    let mut made = Extraction::new(fields, rows, buffers.len() as u32);
    let mut first = 0;
    for chunk in texts {
        for row in 0..chunk.len() {
            if chunk.is_null(row) {
                made.refuse(Refusal::Empty);
                made.none(&mut moments)?;
                continue;
            }
            let place = ByteView::from(chunk.views()[row]);
            let inline = place.length <= MAX_INLINE_VIEW_LEN;
            let buffer = (!inline).then_some((first + place.buffer_index, place.offset));
            made.record(chunk.value(row).as_bytes(), Place { buffer }, &mut moments)?;
        }
        first += chunk.data_buffers().len() as u32;
    }
    made.finish(&buffers)
}

/// Why a record is refused.
#[derive(Clone, Copy)]
enum Refusal {
    Empty,
    Other,
    Deep,
    Mistake(Mistake),
}

const EMPTY: &str = "an empty record";
const MISSING: &str = "a value is missing, or the text ends too early";
const NO_OBJECT: &str = "JSON, but not an object";

struct Extraction {
    object: Object,
    /// Reads records as they came; those with `@…` members are read once more by the object's own.
    reader: Reader,
    rows: usize,
    reasons: Texts,
    details: Texts,
    missing: Option<u128>,
    scratch: Vec<u8>,
}

impl Extraction {
    fn new(fields: &[(String, Kind)], rows: usize, shared: u32) -> Self {
        Extraction {
            object: Object::new(fields, true, rows, shared),
            reader: Reader::new(fields.iter().map(|(name, _)| name.as_str())),
            rows: 0,
            reasons: Texts::new(0, shared),
            details: Texts::new(0, shared),
            missing: None,
            scratch: Vec::new(),
        }
    }

    /// One more row.
    fn record(&mut self, text: &[u8], place: Place, moments: &mut Moments) -> PyResult<()> {
        let mut scanner = Scanner::new(text);
        if let Err(refusal) = read(&mut scanner, &mut self.reader, &mut self.object.members) {
            return self.refused(text, refusal, moments);
        }
        let members = &self.object.members;
        let at_sign = members
            .found
            .iter()
            .any(|member| members.name(text, member).first() == Some(&b'@'));
        if !at_sign {
            return self.take(text, place, scanner.breaks, moments);
        }
        let text = members::moved(text, &self.object.members);
        let mut scanner = Scanner::new(&text);
        match read(&mut scanner, &mut self.object.reader, &mut self.object.members) {
            Ok(()) => self.take(&text, Place::default(), scanner.breaks, moments),
            Err(refusal) => self.refused(&text, refusal, moments),
        }
    }

    fn take(&mut self, text: &[u8], place: Place, breaks: bool, moments: &mut Moments) -> PyResult<()> {
        self.rows += 1;
        let mut record = Record {
            text,
            place,
            breaks,
            moments,
            scratch: &mut self.scratch,
        };
        self.object.take(&mut record)
    }

    fn none(&mut self, moments: &mut Moments) -> PyResult<()> {
        self.object.members.found.clear();
        self.take(b"", Place::default(), false, moments)
    }

    fn refused(&mut self, text: &[u8], refusal: Refusal, moments: &mut Moments) -> PyResult<()> {
        let deep = scan::depth(text) > i64::from(DEPTH);
        let refusal = if deep { Refusal::Deep } else { refusal };
        self.refuse_at(text, refusal);
        self.none(moments)
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refuse_at(b"", refusal);
    }

    fn refuse_at(&mut self, text: &[u8], refusal: Refusal) {
        self.reasons.nulls_to(self.rows);
        self.details.nulls_to(self.rows);
        let deep = matches!(refusal, Refusal::Deep | Refusal::Mistake(Mistake::Deep));
        self.reasons.copy(if deep { b"too_deep" } else { b"not_json" });
        match refusal {
            Refusal::Empty => self.details.copy(EMPTY.as_bytes()),
            Refusal::Other => self.details.copy(NO_OBJECT.as_bytes()),
            Refusal::Deep | Refusal::Mistake(Mistake::Deep) => {
                let told = format!("objects and arrays nest deeper than {DEPTH}");
                self.details.copy(told.as_bytes());
            }
            Refusal::Mistake(Mistake::Missing) => {
                let details = &mut self.details;
                let view = *self.missing.get_or_insert_with(|| details.written(MISSING.as_bytes()));
                details.again(view);
            }
            Refusal::Mistake(Mistake::Constant(told)) => self.details.copy(told.as_bytes()),
            Refusal::Mistake(Mistake::At(told, place)) => {
                let characters = text.iter().take(place).filter(|&&byte| byte & 0xc0 != 0x80).count();
                self.details
                    .copy(told.replace("{}", &characters.to_string()).as_bytes());
            }
        }
    }

    fn finish(mut self, buffers: &[Buffer]) -> PyResult<RecordBatch> {
        let error = |error: arrow_schema::ArrowError| PyValueError::new_err(error.to_string());
        let (fields, mut arrays) = self.object.finish(buffers).map_err(error)?;
        let mut fields: Vec<_> = fields.iter().cloned().collect();
        for (name, mut texts) in [("@reason", self.reasons), ("@detail", self.details)] {
            fields.push(Arc::new(Field::new(name, DataType::Utf8View, true)));
            let array: ArrayRef = if texts.len() == 0 {
                Arc::new(StringViewArray::new_null(self.rows))
            } else {
                texts.nulls_to(self.rows);
                Arc::new(texts.strings(buffers).map_err(error)?)
            };
            arrays.push(array);
        }
        self.rows = 0;
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(error)
    }
}

/// The members of a record.
fn read(scanner: &mut Scanner, reader: &mut Reader, members: &mut Members) -> Result<(), Refusal> {
    let size = scanner.text.len();
    if size == 0 {
        return Err(Refusal::Empty);
    }
    let begin = scanner.space(0);
    if scanner.byte(begin) != Some(b'{') {
        scanner.value(begin, 0).map_err(Refusal::Mistake)?;
        return Err(Refusal::Other);
    }
    let end = reader.read(scanner, begin, 0, members).map_err(Refusal::Mistake)?;
    if scanner.space(end) != size {
        return Err(Refusal::Mistake(Mistake::At(MORE, end)));
    }
    Ok(())
}
