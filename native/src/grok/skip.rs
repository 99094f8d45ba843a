//! Getting over bytes that leave an automaton's state as it is, up to 64 at a time.

use wide::{CmpGt, i8x16};

use super::bytes::ByteSet;

const BLOCK: usize = 16;
/// Blocks that are looked at together where runs are long.
const FAR: usize = 4 * BLOCK;
const RANGES: usize = 4;
/// Rounds before a search for single bytes is worth its start.
const NEAR: usize = 4;

/// Where a run of bytes ends.
#[derive(Clone, Copy, Debug)]
pub enum Skip {
    /// Never.
    Nowhere,
    /// At one of up to three bytes, the same ones repeated; `Ranges` has them too.
    Bytes([u8; 3], Ranges),
    /// At a byte that is in the ranges, or that is not.
    Ranges(Ranges),
    /// Wherever the caller finds.
    Unknown,
}

/// Up to four ranges of bytes. A byte is in one when it, less `base`, is below `limit`, both as signed numbers.
#[derive(Clone, Copy, Debug)]
pub struct Ranges {
    base: [i8x16; RANGES],
    limit: [i8x16; RANGES],
    count: usize,
    /// All bits, when the ranges are those of the run.
    flip: u16,
    /// Whether runs are mostly longer than a block.
    long: bool,
}

impl Skip {
    /// The skip over runs that end with one of `stops`.
    pub fn until(stops: &ByteSet) -> Self {
        let bytes: Vec<u8> = (0..=255).filter(|byte| stops.contains(*byte)).collect();
        let Some(ranges) = Ranges::new(stops, false).or_else(|| Ranges::new(stops, true)) else {
            return Skip::Unknown;
        };
        match bytes[..] {
            [] => Skip::Nowhere,
            [a] => Skip::Bytes([a, a, a], ranges),
            [a, b] => Skip::Bytes([a, b, b], ranges),
            [a, b, c] => Skip::Bytes([a, b, c], ranges),
            _ => Skip::Ranges(ranges),
        }
    }

    /// The same, for runs of so many bytes on average.
    pub fn over(mut self, bytes: u32) -> Self {
        if let Skip::Bytes(_, ranges) | Skip::Ranges(ranges) = &mut self {
            ranges.long = bytes as usize > BLOCK / 2;
        }
        self
    }

    /// How many bytes of `text` from `at` on belong to the run. None when the caller has to look.
    #[inline]
    pub fn length(&self, text: &[u8], at: usize) -> Option<usize> {
        match self {
            Skip::Nowhere => Some(text.len() - at),
            Skip::Ranges(ranges) => Some(ranges.find(text, at, None) - at),
            Skip::Bytes(bytes, ranges) => Some(ranges.find(text, at, Some(*bytes)) - at),
            Skip::Unknown => None,
        }
    }
}

impl Ranges {
    fn new(stops: &ByteSet, outside: bool) -> Option<Self> {
        let (mut found, mut last_in) = (Vec::new(), false);
        for byte in 0..=255_u8 {
            let now_in = stops.contains(byte) != outside;
            match found.last_mut() {
                Some((_, length)) if now_in && last_in => *length += 1,
                _ if now_in => found.push((byte, 0_u8)),
                _ => {}
            }
            last_in = now_in;
        }
        // No range, and one of all bytes, cannot be said; the callers do not need them.
        if !(1..=RANGES).contains(&found.len()) || found[0].1 == u8::MAX {
            return None;
        }
        let range = |index: usize| found[index.min(found.len() - 1)];
        Some(Ranges {
            base: std::array::from_fn(|index| i8x16::splat(range(index).0.wrapping_add(128) as i8)),
            limit: std::array::from_fn(|index| i8x16::splat(range(index).1.wrapping_add(129) as i8)),
            count: found.len(),
            flip: if outside { u16::MAX } else { 0 },
            long: false,
        })
    }

    /// A bit for each byte of the block that stops, by the first so many ranges.
    #[inline]
    fn stopped<const COUNT: usize>(&self, block: &[u8; BLOCK]) -> u64 {
        let block = i8x16::new(block.map(|byte| byte as i8));
        let inside = |index: usize| self.limit[index].cmp_gt(block - self.base[index]);
        let found = (1..COUNT).fold(inside(0), |found, index| found | inside(index));
        u64::from(found.move_mask() as u16 ^ self.flip)
    }

    #[inline]
    fn find(&self, text: &[u8], at: usize, bytes: Option<[u8; 3]>) -> usize {
        match self.count {
            1 => self.find_in::<1>(text, at, bytes),
            2 => self.find_in::<2>(text, at, bytes),
            3 => self.find_in::<3>(text, at, bytes),
            _ => self.find_in::<RANGES>(text, at, bytes),
        }
    }

    /// The first place from `at` on that stops, or the end.
    #[inline]
    fn find_in<const COUNT: usize>(&self, text: &[u8], at: usize, bytes: Option<[u8; 3]>) -> usize {
        if !self.long
            && let Some(block) = text[at..].first_chunk()
        {
            let stopped = self.stopped::<COUNT>(block);
            if stopped != 0 {
                return at + stopped.trailing_zeros() as usize;
            }
        }
        let mut place = at;
        for round in 0.. {
            let Some(block) = text[place..].first_chunk() else {
                break;
            };
            let stopped = self.far::<COUNT>(block);
            if stopped != 0 {
                return place + stopped.trailing_zeros() as usize;
            }
            place += FAR;
            if let (NEAR, Some(bytes)) = (round, bytes) {
                return search(text, place, bytes);
            }
        }
        if let Some(block) = text.last_chunk::<FAR>() {
            let start = text.len() - FAR;
            let stopped = self.far::<COUNT>(block) >> ((place - start) & 63);
            return if place < text.len() && stopped != 0 {
                place + stopped.trailing_zeros() as usize
            } else {
                text.len()
            };
        }
        self.find_last::<COUNT>(text, place)
    }

    #[inline]
    fn far<const COUNT: usize>(&self, blocks: &[u8; FAR]) -> u64 {
        let mut found = 0;
        for index in 0..FAR / BLOCK {
            if let Some(block) = blocks[index * BLOCK..].first_chunk() {
                found |= self.stopped::<COUNT>(block) << (index * BLOCK);
            }
        }
        found
    }

    /// The same in a short text.
    #[inline(never)]
    fn find_last<const COUNT: usize>(&self, text: &[u8], at: usize) -> usize {
        let mut place = at;
        while place < text.len() {
            let rest = &text[place..];
            let mut block = [0; BLOCK];
            let size = rest.len().min(BLOCK);
            block[..size].copy_from_slice(&rest[..size]);
            let stopped = self.stopped::<COUNT>(&block);
            if stopped != 0 {
                return (place + stopped.trailing_zeros() as usize).min(text.len());
            }
            place += size;
        }
        text.len()
    }
}

/// The first of these bytes from a place on, or the end.
#[inline(never)]
fn search(text: &[u8], at: usize, bytes: [u8; 3]) -> usize {
    let [a, b, c] = bytes;
    let rest = &text[at..];
    let found = if a == b {
        memchr::memchr(a, rest)
    } else if b == c {
        memchr::memchr2(a, b, rest)
    } else {
        memchr::memchr3(a, b, c, rest)
    };
    found.map_or(text.len(), |index| at + index)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the set and the text, the run ends where a look at one byte after the other says.
    #[test]
    fn a_run_ends_at_the_first_stop() {
        let mut seed = 7_u64;
        let mut random = |below: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for _ in 0..20_000 {
            let mut stops = ByteSet::default();
            for _ in 0..random(7) {
                let first = random(256) as u8;
                stops.add(first, first.saturating_add(random(20) as u8));
            }
            let text: Vec<u8> = (0..random(150))
                .map(|_| random(256) as u8 | (random(2) as u8 * 0x61))
                .collect();
            let at = random(text.len() as u64 + 1) as usize;
            let wanted = text[at..]
                .iter()
                .position(|byte| stops.contains(*byte))
                .unwrap_or(text.len() - at);
            let found = Skip::until(&stops).length(&text, at);
            assert!(
                found.is_none_or(|found| found == wanted),
                "{stops:?} {text:?} {at} {found:?} {wanted}"
            );
        }
    }
}
