//! Numbers of pairs of numbers.

use super::groups::SKIPPED;
use super::table::{Hasher, Table};

/// Numbers of the combinations of two numberings.
pub struct Pairs {
    pub ids: Vec<u32>,
    split: Split,
}

enum Split {
    /// `left * width + right`; not every number occurs.
    Product(u32, u32),
    Seen(Vec<(u32, u32)>),
}

impl Pairs {
    /// Combine; a row that either side skipped is skipped. The counts are those of either side's numbers.
    pub fn new(left: &[u32], lefts: usize, right: &[u32], rights: usize) -> Self {
        let bound = (left.len() + 1024).min(SKIPPED as usize / 2);
        if lefts.checked_mul(rights).is_some_and(|count| count <= bound) {
            let width = rights as u32;
            let both = left.iter().zip(right);
            let ids = both.map(|(&one, &two)| {
                if one == SKIPPED || two == SKIPPED {
                    SKIPPED
                } else {
                    one * width + two
                }
            });
            return Pairs {
                ids: ids.collect(),
                split: Split::Product(lefts as u32, width),
            };
        }
        let (hasher, mut table) = (Hasher::default(), Table::new(0));
        let mut seen: Vec<(u32, u32)> = Vec::new();
        let ids = left.iter().zip(right).map(|(&one, &two)| {
            if one == SKIPPED || two == SKIPPED {
                return SKIPPED;
            }
            let hash = hasher.short(u128::from(one) | u128::from(two) << 64);
            let id = table.number(hash, seen.len(), |id| seen[id as usize] == (one, two));
            if id as usize == seen.len() {
                seen.push((one, two));
            }
            id
        });
        Pairs {
            ids: ids.collect(),
            split: Split::Seen(seen),
        }
    }

    /// How many numbers there may be.
    pub fn count(&self) -> usize {
        match &self.split {
            Split::Product(lefts, rights) => *lefts as usize * *rights as usize,
            Split::Seen(seen) => seen.len(),
        }
    }

    /// The numbers that a combination is made of.
    pub fn parts(&self, id: u32) -> (u32, u32) {
        match &self.split {
            Split::Product(_, width) => (id / width, id % width),
            Split::Seen(seen) => seen[id as usize],
        }
    }
}
