//! Wide steps: what an automaton did on earlier texts between two runs of bytes, done again in one go.
//!
//! A leg leads from one state to another: over the bytes that leave its state as it is, then over up to sixteen more, each
//! in a range. It says nothing that the table of the automaton does not say: every byte of such a range has the same
//! entry there. Where a text does not fit a leg, the table goes on from where the leg stopped.

use super::bytes::ByteSet;
use super::skip::Skip;

/// Bytes that are looked at together.
pub const BLOCK: usize = 16;
/// Registers that one leg can set.
pub const SETS: usize = 4;
/// No leg.
pub const NONE: u32 = u32::MAX;

/// A range of bytes for each place; the places after the last take every byte.
#[derive(Clone, Copy)]
pub struct Shape {
    first: [u8; BLOCK],
    length: [u8; BLOCK],
}

impl Shape {
    /// Of ranges by first and last byte, at most a block of them.
    pub fn new(ranges: &[(u8, u8)]) -> Self {
        let (mut first, mut length) = ([0; BLOCK], [u8::MAX; BLOCK]);
        for (place, &(low, high)) in ranges.iter().enumerate() {
            (first[place], length[place]) = (low, high - low);
        }
        Shape { first, length }
    }

    #[inline]
    pub fn fits(&self, block: &[u8; BLOCK]) -> bool {
        let mut outside = [0; BLOCK];
        for index in 0..BLOCK {
            let inside = block[index].wrapping_sub(self.first[index]) <= self.length[index];
            outside[index] = if inside { 0 } else { 0xFF };
        }
        u128::from_le_bytes(outside) == 0
    }

    /// The same for less than a block.
    #[inline]
    pub fn fits_short(&self, bytes: &[u8]) -> bool {
        let ranges = self.first.iter().zip(&self.length);
        bytes
            .iter()
            .zip(ranges)
            .all(|(byte, (first, length))| byte.wrapping_sub(*first) <= *length)
    }
}

/// From `state` on: the bytes of a run, those of the shape, then state `next`.
#[derive(Clone, Copy)]
pub struct Leg {
    pub state: u32,
    pub next: u32,
    /// The leg that leads on from there.
    pub onwards: u32,
    pub skip: Option<Skip>,
    pub shape: Shape,
    /// The last byte.
    pub last: ByteSet,
    pub size: u32,
    /// Which registers get places, counted from the beginning of the shape; 0 is nobody's register.
    pub sets: [(u32, u32); SETS],
    /// Where a match has its tags when the text ends after this leg; `NO_VALUES` when there is none.
    pub values: u32,
    /// How often texts fitted and did not fit.
    pub hits: u32,
    pub misses: u32,
    /// Whether many did, at some time.
    pub good: bool,
}

impl Leg {
    /// Whether the text goes on from `at` as the leg does, after the run; None when it is too short to tell.
    #[inline]
    pub fn fits(&self, text: &[u8], at: usize) -> Option<bool> {
        let rest = text.get(at..)?;
        let last = self.last.contains(*rest.get(self.size as usize - 1)?);
        Some(match rest.first_chunk() {
            Some(block) => last && self.shape.fits(block),
            None => last && self.shape.fits_short(&rest[..self.size as usize]),
        })
    }
}
