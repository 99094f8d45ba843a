//! The members of an object: the last of each name, at the place of the first.

use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::scan::{BRACE, Class, Mistake, NAME, Scanner, Spot};
use super::strings;

/// A member that nobody names.
pub const OTHER: u32 = u32::MAX;

/// A member in its text: the place of its key (quotes included), its value, and which of the names it has.
#[derive(Clone, Debug)]
pub struct Member {
    pub key: Range<usize>,
    pub value: Spot,
    /// The position among the names that are looked for, or OTHER.
    pub slot: u32,
    /// Where the name is in `Members::names`, if the key has escapes.
    decoded: Option<Range<usize>>,
}

/// Members of one object, kept to be filled again.
#[derive(Default)]
pub struct Members {
    pub found: Vec<Member>,
    names: Vec<u8>,
}

impl Members {
    /// The name of a member as `strings::unescape` gives it.
    pub fn name<'a>(&'a self, text: &'a [u8], member: &Member) -> &'a [u8] {
        match &member.decoded {
            Some(range) => &self.names[range.clone()],
            None => &text[member.key.start + 1..member.key.end - 1],
        }
    }

    /// Members without slots as an object on one line, keys in their shortest form; None when there are none. It is a
    /// piece of the text where that reads the same, and else written to `out`.
    pub fn others(&self, text: &[u8], breaks: bool, out: &mut Vec<u8>) -> Option<Piece> {
        let mut left = self.found.iter().filter(|member| member.slot == OTHER).peekable();
        let first = left.peek()?.key.start;
        out.clear();
        let (mut from, mut to) = (first, first);
        let mut whole = true;
        for member in left {
            let raw = member.decoded.is_none();
            if raw && to > from && to + 1 == member.key.start {
                to = member.value.end;
                continue;
            }
            if to > from {
                whole = false;
                join(out, &text[from..to]);
            }
            if raw {
                (from, to) = (member.key.start, member.value.end);
            } else {
                whole = false;
                let mut name = self.name(text, member).to_vec();
                strings::clean(&mut name, 0);
                out.push(if out.is_empty() { b'{' } else { b',' });
                strings::quote(&name, out);
                out.push(b':');
                out.extend_from_slice(&text[member.value.begin..member.value.end]);
                (from, to) = (member.value.end, member.value.end);
            }
        }
        if whole && !breaks && first > 0 && text[first - 1] == b'{' && text.get(to) == Some(&b'}') {
            return Some(Piece::Same(first - 1..to + 1));
        }
        if to > from {
            join(out, &text[from..to]);
        }
        out.push(b'}');
        if breaks {
            strings::flatten(out, 0);
        }
        Some(Piece::Written)
    }
}

fn join(out: &mut Vec<u8>, part: &[u8]) {
    out.push(if out.is_empty() { b'{' } else { b',' });
    out.extend_from_slice(part);
}

/// A text that is a piece of another, or was written.
pub enum Piece {
    Same(Range<usize>),
    Written,
}

/// Reads objects of which some members have names that are looked for.
///
/// Records look like the one before: the key that was at the same position is compared first, which tells its slot without
/// a search, and that no name is there twice.
pub struct Reader {
    slots: HashMap<Vec<u8>, u32, RandomState>,
    hints: Vec<Hint>,
    /// How many of the first hints are known to differ.
    distinct: usize,
}

/// A key as it is written, empty when it cannot be compared so, and its slot.
struct Hint {
    key: Vec<u8>,
    slot: u32,
}

impl Reader {
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let slots = names.into_iter().zip(0..);
        Reader {
            slots: slots.map(|(name, slot)| (name.as_bytes().to_vec(), slot)).collect(),
            hints: Vec::new(),
            distinct: 0,
        }
    }

    /// Find the members of the object that begins at `at`, inside of `outer` objects and arrays; the place after it.
    pub fn read(
        &mut self,
        scanner: &mut Scanner,
        at: usize,
        outer: u32,
        members: &mut Members,
    ) -> Result<usize, Mistake> {
        members.found.clear();
        members.names.clear();
        let mut all_hints = true;
        let mut at = scanner.space(at + 1);
        if scanner.byte(at) == Some(b'}') {
            return Ok(at + 1);
        }
        loop {
            match scanner.byte(at) {
                Some(b'"') => {}
                Some(_) => return Err(Mistake::At(NAME, at)),
                None => return Err(Mistake::Missing),
            }
            let (end, slot, decoded) = match self.hints.get(members.found.len()) {
                Some(hint) if !hint.key.is_empty() && scanner.text[at..].starts_with(&hint.key) => {
                    (at + hint.key.len(), hint.slot, None)
                }
                _ => {
                    all_hints = false;
                    self.key(scanner, at, members)?
                }
            };
            let begin = scanner.colon(end)?;
            let value = scanner.value(begin, outer + 1)?;
            members.found.push(Member {
                key: at..end,
                value,
                slot,
                decoded,
            });
            at = scanner.space(value.end);
            match scanner.byte(at) {
                Some(b',') => at = scanner.space(at + 1),
                Some(b'}') => break,
                Some(_) => return Err(Mistake::At(BRACE, at)),
                None => return Err(Mistake::Missing),
            }
        }
        let count = members.found.len();
        if !(all_hints && count <= self.distinct) {
            let plain = members.found.iter().all(|member| member.decoded.is_none());
            if last_wins(scanner.text, members) && plain && count <= self.hints.len() {
                self.distinct = count;
            }
        }
        Ok(at + 1)
    }

    /// A key that was not expected: its end, its slot, and its decoded name if it has escapes.
    fn key(
        &mut self,
        scanner: &Scanner,
        at: usize,
        members: &mut Members,
    ) -> Result<(usize, u32, Option<Range<usize>>), Mistake> {
        let (end, escaped) = scanner.string(at)?;
        let inside = &scanner.text[at + 1..end - 1];
        let decoded = escaped.then(|| {
            let begin = members.names.len();
            strings::unescape(inside, &mut members.names);
            begin..members.names.len()
        });
        let name = decoded.clone().map_or(inside, |range| &members.names[range]);
        let slot = self.slots.get(name).copied().unwrap_or(OTHER);
        let place = members.found.len();
        if place < HINTS {
            let comparable = !escaped && end - at <= LONGEST;
            let key = if comparable {
                scanner.text[at..end].to_vec()
            } else {
                Vec::new()
            };
            self.distinct = self.distinct.min(place);
            if place < self.hints.len() {
                self.hints[place] = Hint { key, slot };
            } else if place == self.hints.len() {
                self.hints.push(Hint { key, slot });
            }
        }
        Ok((end, slot, decoded))
    }
}

const HINTS: usize = 256;
const LONGEST: usize = 256;

/// Leave the last of each name, at the place of the first; true when no name was there twice.
fn last_wins(text: &[u8], members: &mut Members) -> bool {
    let mut kept: Vec<usize> = Vec::with_capacity(members.found.len());
    if members.found.len() <= FEW {
        for (place, member) in members.found.iter().enumerate() {
            let name = members.name(text, member);
            match kept
                .iter()
                .position(|&other| members.name(text, &members.found[other]) == name)
            {
                Some(first) => kept[first] = place,
                None => kept.push(place),
            }
        }
    } else {
        let mut places: HashMap<&[u8], usize, RandomState> =
            HashMap::with_capacity_and_hasher(members.found.len(), RandomState::default());
        for (place, member) in members.found.iter().enumerate() {
            let next = kept.len();
            match *places.entry(members.name(text, member)).or_insert(next) {
                first if first < next => kept[first] = place,
                _ => kept.push(place),
            }
        }
    }
    if kept.len() == members.found.len() {
        return true;
    }
    members.found = kept.iter().map(|&place| members.found[place].clone()).collect();
    false
}

const FEW: usize = 16;

/// The items of the array at `at`, which is known to be well-formed.
pub fn items(scanner: &mut Scanner, at: usize, mut each: impl FnMut(Spot)) {
    let mut at = scanner.space(at + 1);
    while let Ok(item) = scanner.value(at, 0) {
        each(item);
        at = scanner.space(item.end);
        if scanner.byte(at) != Some(b',') {
            break;
        }
        at = scanner.space(at + 1);
    }
}

/// The record with its `@…` members moved into `fields`, where a member `fields` that is no object goes too.
pub fn moved(text: &[u8], members: &Members) -> Vec<u8> {
    let mut inner = Members::default();
    let mut inside = Object::default();
    let fields = members.found.iter().find(|member| members.name(text, member) == FIELDS);
    match fields {
        Some(member) if member.value.class == Class::Object => {
            let mut reader = Reader::new([]);
            if reader
                .read(&mut Scanner::new(text), member.value.begin, 0, &mut inner)
                .is_ok()
            {
                for member in &inner.found {
                    inside.put(inner.name(text, member), &text[member.value.begin..member.value.end]);
                }
            }
        }
        Some(member) => inside.put(FIELDS, &text[member.value.begin..member.value.end]),
        None => {}
    }
    let (moving, staying): (Vec<_>, Vec<_>) = members
        .found
        .iter()
        .map(|member| (members.name(text, member), &text[member.value.begin..member.value.end]))
        .partition(|(name, _)| name.starts_with(b"@"));
    for (name, value) in moving {
        inside.put(name, value);
    }
    let written = inside.written();
    let mut outside = Object::default();
    for (name, value) in staying {
        outside.put(name, value);
    }
    outside.put(FIELDS, &written);
    outside.written()
}

const FIELDS: &[u8] = b"fields";

/// The members of two objects as one; of the same names those of `second` win. None if one is not an object.
pub fn merged(first: &[u8], second: &[u8], members: &mut [(Reader, Members); 2]) -> Option<Vec<u8>> {
    let mut whole = Object::default();
    for (text, (reader, members)) in [first, second].into_iter().zip(members) {
        reader.read(&mut Scanner::new(text), 0, 0, members).ok()?;
        for member in &members.found {
            whole.put(members.name(text, member), &text[member.value.begin..member.value.end]);
        }
    }
    Some(whole.written())
}

/// Names with JSON texts, in the order in which names came first.
#[derive(Default)]
struct Object<'a> {
    entries: Vec<(&'a [u8], &'a [u8])>,
    places: HashMap<&'a [u8], usize, RandomState>,
}

impl<'a> Object<'a> {
    fn put(&mut self, name: &'a [u8], value: &'a [u8]) {
        let next = self.entries.len();
        match *self.places.entry(name).or_insert(next) {
            place if place < next => self.entries[place].1 = value,
            _ => self.entries.push((name, value)),
        }
    }

    fn written(&self) -> Vec<u8> {
        let mut out = vec![b'{'];
        for (place, (name, value)) in self.entries.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            let mut name = name.to_vec();
            strings::clean(&mut name, 0);
            strings::quote(&name, &mut out);
            out.push(b':');
            out.extend_from_slice(value);
        }
        out.push(b'}');
        out
    }
}
