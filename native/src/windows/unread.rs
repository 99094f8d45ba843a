//! The bytes of a state that are left to read.

use arrow_schema::ArrowError;

/// What is left to read.
pub struct Unread<'a>(pub &'a [u8]);

impl<'a> Unread<'a> {
    /// So many bytes.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], ArrowError> {
        let (taken, left) = self.0.split_at_checked(length).ok_or_else(torn)?;
        self.0 = left;
        Ok(taken)
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, ArrowError> {
        Ok(self.take(1)?[0])
    }

    /// A count of 32 bits.
    pub fn count(&mut self) -> Result<usize, ArrowError> {
        let taken = self.take(4)?;
        Ok(taken.first_chunk().map_or(0, |&four| u32::from_le_bytes(four)) as usize)
    }

    /// Integers of at most 64 bits.
    pub fn words(&mut self, rows: usize) -> Result<Vec<i64>, ArrowError> {
        let width = self.byte()? as usize;
        let taken = self.take(rows.checked_mul(width).ok_or_else(torn)?)?;
        Ok(match width {
            1 => taken.iter().map(|&byte| i64::from(byte as i8)).collect(),
            2 => wide_words(taken, |two| i64::from(i16::from_le_bytes(two))),
            4 => wide_words(taken, |four| i64::from(i32::from_le_bytes(four))),
            8 => wide_words(taken, i64::from_le_bytes),
            _ => return Err(torn()),
        })
    }

    /// Integers of any width.
    pub fn integers(&mut self, rows: usize) -> Result<Vec<i128>, ArrowError> {
        let width = self.byte()? as usize;
        if ![1, 2, 4, 8, 16].contains(&width) {
            return Err(torn());
        }
        let taken = self.take(rows.checked_mul(width).ok_or_else(torn)?)?;
        Ok(taken.chunks_exact(width).map(number).collect())
    }
}

fn wide_words<const WIDTH: usize>(bytes: &[u8], word: impl Fn([u8; WIDTH]) -> i64) -> Vec<i64> {
    let parts = bytes.chunks_exact(WIDTH);
    parts
        .map(|part| part.first_chunk().map_or(0, |&part| word(part)))
        .collect()
}

fn number(bytes: &[u8]) -> i128 {
    let negative = bytes.last().is_some_and(|&last| last >= 128);
    let mut all = [if negative { 255 } else { 0 }; 16];
    all[..bytes.len()].copy_from_slice(bytes);
    i128::from_le_bytes(all)
}

/// A number of eight bytes.
pub fn word(bytes: &[u8]) -> i64 {
    bytes.first_chunk().map_or(0, |&eight| i64::from_le_bytes(eight))
}

/// What is said of bytes that are no state.
pub fn torn() -> ArrowError {
    ArrowError::ParseError("not a state of a window".to_owned())
}
