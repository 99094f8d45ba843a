//! A hash table of numbers: what a number stands for is kept elsewhere.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

/// Open addressing, linear probing, at most half full. A slot is 32 bits of the hash above the number plus one; 0 is empty.
/// The place is made of the same 32 bits, so that a table grows without looking at what is in it.
pub struct Table {
    slots: Vec<u64>,
    used: usize,
}

const LEAST: usize = 256;
const GROWTH: usize = 4;

impl Table {
    /// A table that has room for so many numbers, and grows.
    pub fn new(room: usize) -> Self {
        Table {
            slots: vec![0; (room * 2).next_power_of_two().max(LEAST)],
            used: 0,
        }
    }

    /// The number of this hash for which `same` holds; else `next`, which is in the table from now on.
    #[inline]
    pub fn number(&mut self, hash: u64, next: usize, same: impl Fn(u32) -> bool) -> u32 {
        let tag = hash >> 32;
        let mask = self.slots.len() - 1;
        let mut place = tag as usize & mask;
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                break;
            }
            let id = slot as u32 - 1;
            if slot >> 32 == tag && same(id) {
                return id;
            }
            place = (place + 1) & mask;
        }
        let id = next as u32;
        self.slots[place] = tag << 32 | u64::from(id + 1);
        self.used += 1;
        if self.used * 2 > self.slots.len() {
            self.grow();
        }
        id
    }

    #[cold]
    fn grow(&mut self) {
        let length = self.slots.len() * GROWTH;
        let old = std::mem::replace(&mut self.slots, vec![0; length]);
        let mask = length - 1;
        for slot in old.into_iter().filter(|&slot| slot != 0) {
            let mut place = (slot >> 32) as usize & mask;
            while self.slots[place] != 0 {
                place = (place + 1) & mask;
            }
            self.slots[place] = slot;
        }
    }
}

/// Hashes of short values, seeded anew for every use: what is in a log cannot be made to collide.
pub struct Hasher {
    state: RandomState,
    one: u64,
    two: u64,
}

impl Default for Hasher {
    fn default() -> Self {
        let state = RandomState::default();
        Hasher {
            one: state.hash_one(1u64),
            two: state.hash_one(2u64),
            state,
        }
    }
}

impl Hasher {
    /// Of 16 bytes: the halves of a product.
    #[inline]
    pub fn short(&self, value: u128) -> u64 {
        let (low, high) = (value as u64 ^ self.one, (value >> 64) as u64 ^ self.two);
        let product = u128::from(low) * u128::from(high);
        product as u64 ^ (product >> 64) as u64
    }

    /// Of the length of any bytes and some of them, in a time that does not depend on how many there are.
    #[inline]
    pub fn sampled(&self, bytes: &[u8]) -> u64 {
        let size = bytes.len();
        if size < 8 {
            return self.short(bytes.iter().fold(1, |all, &byte| all << 8 | u128::from(byte)));
        }
        let [first, middle, last] = [0, (size - 8) / 2, size - 8]
            .map(|at| bytes[at..].first_chunk().map_or(0, |&eight| u64::from_le_bytes(eight)));
        self.short(u128::from(first ^ middle.rotate_left(29)) | u128::from(last.wrapping_add(size as u64)) << 64)
    }

    /// Of any bytes.
    #[inline]
    pub fn long(&self, bytes: &[u8]) -> u64 {
        self.state.hash_one(bytes)
    }
}
