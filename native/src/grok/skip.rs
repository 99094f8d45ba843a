//! Getting over bytes that leave an automaton's state as it is, sixteen at a time.

use super::bytes::ByteSet;

const BLOCK: usize = 16;
const RANGES: usize = 4;
/// Blocks before a search for single bytes is worth its start.
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

/// Up to four ranges of bytes, as their first bytes and the distance to their last, and what turns in to out when they
/// are those of the run; each sixteen times over, as a block is compared with it.
#[derive(Clone, Copy, Debug)]
pub struct Ranges {
    first: [[u8; BLOCK]; RANGES],
    length: [[u8; BLOCK]; RANGES],
    flip: [u8; BLOCK],
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

    /// How many bytes of `text` from `at` on belong to the run. None when the caller has to look.
    #[inline]
    pub fn length(&self, text: &[u8], at: usize) -> Option<usize> {
        match self {
            Skip::Nowhere => Some(text.len() - at),
            Skip::Ranges(ranges) => Some(ranges.find(text, at, usize::MAX).unwrap_or(text.len()) - at),
            Skip::Bytes(bytes, ranges) => {
                let far = at + NEAR * BLOCK;
                let found = ranges.find(text, at, NEAR).or_else(|| {
                    let [a, b, c] = *bytes;
                    let rest = text.get(far..)?;
                    let found = if a == b {
                        memchr::memchr(a, rest)
                    } else if b == c {
                        memchr::memchr2(a, b, rest)
                    } else {
                        memchr::memchr3(a, b, c, rest)
                    };
                    found.map(|index| far + index)
                });
                Some(found.unwrap_or(text.len()) - at)
            }
            Skip::Unknown => None,
        }
    }
}

impl Ranges {
    fn new(stops: &ByteSet, outside: bool) -> Option<Self> {
        let (mut first, mut length, mut count) = ([0; RANGES], [0; RANGES], 0);
        let mut last_in = false;
        for byte in 0..=255 {
            let now_in = stops.contains(byte) != outside;
            if now_in && !last_in {
                if count == RANGES {
                    return None;
                }
                first[count] = byte;
                count += 1;
            } else if now_in {
                length[count - 1] += 1;
            }
            last_in = now_in;
        }
        if count == 0 {
            // No range at all cannot be said; the callers do not need it.
            return None;
        }
        for index in count..RANGES {
            (first[index], length[index]) = (first[0], length[0]);
        }
        Some(Ranges {
            first: first.map(|byte| [byte; BLOCK]),
            length: length.map(|byte| [byte; BLOCK]),
            flip: [if outside { 0xFF } else { 0 }; BLOCK],
        })
    }

    fn stops(&self, byte: u8) -> bool {
        let ranges = self.first.iter().zip(&self.length);
        let inside = ranges.fold(false, |found, (first, length)| {
            found | (byte.wrapping_sub(first[0]) <= length[0])
        });
        inside != (self.flip[0] != 0)
    }

    /// All bits of a byte of the result are set where a byte of the block stops.
    #[inline]
    fn stopped(&self, block: &[u8; BLOCK]) -> u128 {
        let mut found = [0; BLOCK];
        for (first, length) in self.first.iter().zip(&self.length) {
            for index in 0..BLOCK {
                let inside = block[index].wrapping_sub(first[index]) <= length[index];
                found[index] |= if inside { 0xFF } else { 0 };
            }
        }
        u128::from_le_bytes(found) ^ u128::from_le_bytes(self.flip)
    }

    /// The first place from `at` on that stops, in so many blocks or in all of them.
    #[inline]
    fn find(&self, text: &[u8], at: usize, blocks: usize) -> Option<usize> {
        let mut place = at;
        for _ in 0..blocks {
            let Some(block) = text.get(place..).and_then(|rest| rest.first_chunk::<BLOCK>()) else {
                return self.find_last(text, place);
            };
            let stopped = self.stopped(block);
            if stopped != 0 {
                return Some(place + (stopped.trailing_zeros() / 8) as usize);
            }
            place += BLOCK;
        }
        None
    }

    /// The same for what is left after the last whole block.
    #[inline]
    fn find_last(&self, text: &[u8], at: usize) -> Option<usize> {
        if let Some(block) = text.last_chunk::<BLOCK>() {
            let start = text.len() - BLOCK;
            // A shift by all 128 bits is for nothing left.
            let stopped = self.stopped(block) >> (8 * (at - start)).min(127);
            return (stopped != 0 && at < text.len()).then(|| at + (stopped.trailing_zeros() / 8) as usize);
        }
        text.get(at..)?
            .iter()
            .position(|byte| self.stops(*byte))
            .map(|index| at + index)
    }
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
