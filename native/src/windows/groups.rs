//! Values to dense numbers: the rows of a group share a number, numbers count from 0 in order of appearance.

use std::hash::BuildHasher;

use arrow_array::ArrayRef;
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::{ArrowError, DataType};
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::column::{Column, Text, Values, restored, some, texts};

/// The number of a row that nobody asked for.
pub const SKIPPED: u32 = u32::MAX;

/// The different values of a column, and which of them each row has.
pub struct Dictionary<'a> {
    pub ids: Vec<u32>,
    kind: DataType,
    null: Option<u32>,
    values: Distinct<'a>,
}

enum Distinct<'a> {
    Text(Vec<Text<'a>>),
    Word(Vec<i64>),
}

/// What a value is found by. Up to 16 bytes `one` and `two` are the value; of a longer text they are its hash and its end.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    length: u32,
    one: u64,
    two: u64,
}

/// Texts up to this length are in their key.
const WHOLE: u32 = 16;

impl Key {
    fn word(word: i64) -> Self {
        Key {
            length: 0,
            one: word as u64,
            two: 0,
        }
    }

    #[inline]
    fn text(text: &Text<'_>, hasher: &RandomState) -> Self {
        let length = text.view as u32;
        let long = text.long;
        if long.is_empty() {
            let (one, two) = ((text.view >> 32) as u64, (text.view >> 96) as u64);
            return Key { length, one, two };
        }
        let two = eight(&long[long.len() - 8..]);
        let one = if length <= WHOLE {
            eight(&long[..8])
        } else {
            hasher.hash_one(long)
        };
        Key { length, one, two }
    }

    #[inline]
    fn hash(&self, hasher: &RandomState) -> u64 {
        if self.length > WHOLE {
            return self.one;
        }
        hasher.hash_one(u128::from(self.one) | u128::from(self.two) << 64)
    }
}

fn eight(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |&chunk| u64::from_le_bytes(chunk))
}

struct Entry {
    key: Key,
    id: u32,
}

impl<'a> Dictionary<'a> {
    /// Number the values of a column, in the rows of `wanted` (None: in all).
    pub fn new(column: &Column<'a>, rows: usize, wanted: Option<&BooleanBuffer>) -> Result<Self, ArrowError> {
        let mut null = None;
        let hasher = RandomState::default();
        let mut table: HashTable<Entry> = HashTable::new();
        let (ids, values) = match &column.values {
            Values::Text(views, buffers) => {
                let mut values: Vec<Text<'a>> = Vec::new();
                let ids = each(rows, wanted, column.nulls, |row| {
                    let Some(row) = row else {
                        return nothing(&mut null, &mut values);
                    };
                    let text = Text::new(views[row], buffers);
                    let key = Key::text(&text, &hasher);
                    let full = key.hash(&hasher);
                    let same = |id: u32| key.length <= WHOLE || values[id as usize].long == text.long;
                    if let Some(entry) = table.find(full, |entry| entry.key == key && same(entry.id)) {
                        return entry.id;
                    }
                    let id = values.len() as u32;
                    values.push(text);
                    table.insert_unique(full, Entry { key, id }, |entry| entry.key.hash(&hasher));
                    id
                });
                (ids, Distinct::Text(values))
            }
            Values::Word(words) => {
                let mut values: Vec<i64> = Vec::new();
                let mut recent = [(0i64, SKIPPED); RECENT];
                let ids = each(rows, wanted, column.nulls, |row| {
                    let Some(row) = row else {
                        return nothing(&mut null, &mut values);
                    };
                    let word = words[row];
                    let recent = &mut recent[word as usize % RECENT];
                    if recent.0 == word && recent.1 != SKIPPED {
                        return recent.1;
                    }
                    let key = Key::word(word);
                    let full = key.hash(&hasher);
                    let id = if let Some(entry) = table.find(full, |entry| entry.key == key) {
                        entry.id
                    } else {
                        let id = values.len() as u32;
                        values.push(word);
                        table.insert_unique(full, Entry { key, id }, |entry| entry.key.hash(&hasher));
                        id
                    };
                    *recent = (word, id);
                    id
                });
                (ids, Distinct::Word(values))
            }
            Values::Wide(_) => return Err(ArrowError::SchemaError("no native groups of 128 bits".to_owned())),
        };
        Ok(Dictionary {
            ids,
            kind: column.kind.clone(),
            null,
            values,
        })
    }

    /// How many numbers there are.
    pub fn count(&self) -> usize {
        match &self.values {
            Distinct::Text(values) => values.len(),
            Distinct::Word(values) => values.len(),
        }
    }

    /// The values of these numbers as a column that owns its bytes.
    pub fn gather(&self, ids: &[u32]) -> Result<ArrayRef, ArrowError> {
        match &self.values {
            Distinct::Text(values) => texts(
                ids.iter()
                    .map(|&id| (Some(id) != self.null).then(|| values[id as usize])),
            ),
            Distinct::Word(values) => {
                let nulls = self
                    .null
                    .and_then(|null| some(ids.iter().map(|&id| id != null).collect()));
                restored(&self.kind, ids.iter().map(|&id| values[id as usize]).collect(), nulls)
            }
        }
    }
}

/// The number of each wanted row; `one` gets None for a null.
fn each(
    rows: usize,
    wanted: Option<&BooleanBuffer>,
    nulls: Option<&NullBuffer>,
    mut one: impl FnMut(Option<usize>) -> u32,
) -> Vec<u32> {
    let mut valid = |row: usize| one(nulls.is_none_or(|nulls| nulls.is_valid(row)).then_some(row));
    let Some(wanted) = wanted else {
        return (0..rows).map(valid).collect();
    };
    let mut ids = vec![SKIPPED; rows];
    for row in wanted.set_indices() {
        ids[row] = valid(row);
    }
    ids
}

/// Null has a number too; its place in `values` holds a default that is never compared.
fn nothing<T: Default>(null: &mut Option<u32>, values: &mut Vec<T>) -> u32 {
    *null.get_or_insert_with(|| {
        values.push(T::default());
        (values.len() - 1) as u32
    })
}

/// Numbers that are looked up without a hash: statuses and the like.
const RECENT: usize = 1024;

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
        let hasher = RandomState::default();
        let mut table: HashTable<u32> = HashTable::new();
        let mut seen: Vec<(u32, u32)> = Vec::new();
        let ids = left.iter().zip(right).map(|(&one, &two)| {
            if one == SKIPPED || two == SKIPPED {
                return SKIPPED;
            }
            let pair = (one, two);
            let full = hasher.hash_one(pair);
            if let Some(&id) = table.find(full, |&id| seen[id as usize] == pair) {
                return id;
            }
            let id = seen.len() as u32;
            seen.push(pair);
            table.insert_unique(full, id, |&id| hasher.hash_one(seen[id as usize]));
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
