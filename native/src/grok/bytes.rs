//! Sets of bytes, and sets of code points seen as bytes.

use super::program::Ranges;

/// A set of bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    pub fn range(low: u8, high: u8) -> Self {
        let mut set = ByteSet::default();
        set.add(low, high);
        set
    }

    pub fn add(&mut self, low: u8, high: u8) {
        for byte in low..=high {
            self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
    }

    pub fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
    }
}

/// How much of the code points from 128 on a set has.
#[derive(PartialEq, Eq, Debug)]
pub enum Wide {
    Nothing,
    Everything,
    Some,
}

/// The ASCII part of a set, and what it has of the rest. Surrogates count as neither in nor out.
pub fn split(ranges: &Ranges) -> (ByteSet, Wide) {
    let mut ascii = ByteSet::default();
    let mut wide: Vec<(u32, u32)> = Vec::new();
    for &(low, high) in ranges {
        if low < 0x80 {
            ascii.add(low as u8, high.min(0x7F) as u8);
        }
        for (first, last) in scalars(low, high) {
            if last >= 0x80 {
                wide.push((first.max(0x80), last));
            }
        }
    }
    wide.sort_unstable();
    let mut next = 0x80;
    for &(low, high) in &wide {
        if low > next {
            return (ascii, Wide::Some);
        }
        next = next.max(if high == 0xD7FF { 0xE000 } else { high + 1 });
    }
    let rest = match next {
        0x80 => Wide::Nothing,
        0x11_0000 => Wide::Everything,
        _ => Wide::Some,
    };
    (ascii, rest)
}

/// A range without the surrogates, which no text has.
pub fn scalars(low: u32, high: u32) -> impl Iterator<Item = (u32, u32)> {
    [(low, high.min(0xD7FF)), (low.max(0xE000), high)]
        .into_iter()
        .filter(|(first, last)| first <= last)
}
