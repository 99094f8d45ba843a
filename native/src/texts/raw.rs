//! Records as they came: the bytes of each and a newline.

use arrow_array::{Array, BinaryViewArray};
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::views::column;

/// Every record of a Binary column and a newline; a null is an empty record.
///
/// Records that stand one newline after each other in their buffer, as those of one chunk of a file do, are copied in one go.
#[pyfunction]
pub fn raw<'py>(py: Python<'py>, records: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let chunks = column(records)?;
    let pieces = py.detach(|| pieces(&chunks));
    if let [whole] = pieces[..] {
        // Without the zeros that `new_with` writes first.
        return Ok(PyBytes::new(py, whole));
    }
    PyBytes::new_with(py, pieces.iter().map(|piece| piece.len()).sum(), |out| {
        py.detach(|| write(&pieces, out));
        Ok(())
    })
}

fn write(pieces: &[&[u8]], out: &mut [u8]) {
    let mut rest = out;
    for piece in pieces {
        let (text, after) = rest.split_at_mut(piece.len());
        text.copy_from_slice(piece);
        rest = after;
    }
}

/// Memory that, end to end, is every record and its newline.
fn pieces(chunks: &[BinaryViewArray]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut open: Option<Run> = None;
    for chunk in chunks {
        for (row, view) in chunk.views().iter().enumerate() {
            let place = ByteView::from(*view);
            if chunk.is_null(row) || place.length <= MAX_INLINE_VIEW_LEN {
                found.extend(open.take().into_iter().flat_map(|run| run.pieces()));
                found.extend([if chunk.is_null(row) { b"" } else { chunk.value(row) }, b"\n"]);
                continue;
            }
            let buffer = chunk.data_buffers()[place.buffer_index as usize].as_slice();
            let (start, size) = (place.offset as usize, place.length as usize);
            if !open
                .as_mut()
                .is_some_and(|run| run.goes_on(buffer.as_ptr().addr() + start, size))
            {
                let run = open.replace(Run {
                    buffer,
                    start,
                    end: start + size,
                });
                found.extend(run.into_iter().flat_map(|run| run.pieces()));
            }
        }
    }
    found.extend(open.into_iter().flat_map(|run| run.pieces()));
    found
}

/// Records from `start` to `end` (exclusive) of a buffer.
struct Run<'a> {
    buffer: &'a [u8],
    start: usize,
    end: usize,
}

impl<'a> Run<'a> {
    /// The records and their last newline, which may be the one that is there.
    fn pieces(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let closed = self.buffer.get(self.end) == Some(&b'\n');
        let records = &self.buffer[self.start..self.end + usize::from(closed)];
        std::iter::once(records).chain((!closed).then_some(b"\n".as_slice()))
    }

    /// Whether a record at this address comes next, with a newline between; then it belongs to the run. Addresses are
    /// compared, as one buffer may have several numbers after columns were joined.
    fn goes_on(&mut self, address: usize, size: usize) -> bool {
        let end = self.end + 1 + size;
        let next = address == self.buffer.as_ptr().addr() + self.end + 1;
        let follows = next && end <= self.buffer.len() && self.buffer[self.end] == b'\n';
        if follows {
            self.end = end;
        }
        follows
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::builder::make_view;
    use arrow_buffer::{Buffer, ScalarBuffer};

    use super::*;

    /// Two records of twenty bytes with one byte between, in one buffer that has two numbers.
    fn copied(text: &[u8], second: u32) -> (Vec<u8>, usize) {
        let buffer = Buffer::from(text.to_vec());
        let views = vec![make_view(&text[..20], 0, 0), make_view(&text[21..41], second, 21)];
        let array = BinaryViewArray::new(ScalarBuffer::from(views), vec![buffer.clone(), buffer], None);
        let chunks = [array];
        let pieces = pieces(&chunks);
        (pieces.concat(), pieces.len())
    }

    #[test]
    fn neighbours_are_copied_in_one_go() {
        let text = [[b'a'; 20].as_slice(), b"\n", &[b'b'; 20], b"\n"].concat();
        assert_eq!(copied(&text, 0), (text.clone(), 1));
        assert_eq!(copied(&text, 1), (text.clone(), 1));
        assert_eq!(copied(&text[..41], 0), (text.clone(), 2));
    }

    #[test]
    fn another_byte_between_is_no_newline() {
        let text = [[b'a'; 20].as_slice(), b"|", &[b'b'; 20], b"\n"].concat();
        let wanted = [[b'a'; 20].as_slice(), b"\n", &[b'b'; 20], b"\n"].concat();
        assert_eq!(copied(&text, 0), (wanted, 3));
    }
}
