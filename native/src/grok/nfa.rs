//! A tree as a Thompson automaton over the bytes of valid UTF-8.
//!
//! Edges that read nothing are ordered by preference; some set a tag (the place where a capture begins or ends) or hold
//! only between certain neighbours. A set with every code point from 128 on takes the first byte of each, and the
//! determiniser lets a thread wait where it is for the rest of them; any other set is spelled out, and its states
//! inside a code point are `inner`.
//!
//! A repetition ends when a round that did not have to be has matched the empty text, as in backtracking engines. So
//! that a state alone says what can come, the body of such a repetition is built once for each answer to "in which of
//! the loops around has this round read something?". As a round of an inner loop starts after that of an outer one, the
//! answers for n loops are n + 1: none of them, only the outermost, …, all. `build` takes the states to go on with for
//! each, and gives those to start with.

use regex_syntax::utf8::{Utf8Range, Utf8Sequences};

use super::Map;
use super::bytes::{ByteSet, Wide, scalars, split};
use super::program::{Node, Ranges};

/// More states than this are refused; the number also has to fit the 16 bits that a thread has for it.
const MAX_STATES: usize = 30_000;
const MAX_TAGS: usize = 2_000;
/// Looking back at more different sets than this is refused: a state remembers a bit for each.
const MAX_CUTS: usize = 31;

pub type StateId = u16;

#[derive(Debug)]
pub enum State {
    Accept,
    /// One byte of the set with this number.
    Bytes {
        set: u16,
        to: StateId,
    },
    /// In order of preference.
    Split(Vec<StateId>),
    Tag {
        tag: u16,
        to: StateId,
    },
    Assert {
        look: Look,
        to: StateId,
    },
}

#[derive(Debug, Clone, Copy)]
pub enum Look {
    /// The last code point is in the cut with this number.
    Behind(u8),
    /// The next byte is in the set with this number; at the end, whether `edge`.
    Ahead { set: u16, edge: bool },
    /// The last code point is in the cut of word characters and the next is none, or the other way round.
    WordEdge { cut: u8, set: u16, negated: bool },
}

/// What assertions ask of the code point before: its last byte is in the set; at the start, whether `edge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    pub bytes: ByteSet,
    pub edge: bool,
}

#[derive(Debug)]
pub struct Nfa {
    pub states: Vec<State>,
    /// By state: it stands inside a code point.
    pub inner: Vec<bool>,
    /// By state: the cuts that can matter before the next byte is read, a bit for each.
    pub relevant: Vec<u32>,
    pub sets: Vec<ByteSet>,
    pub cuts: Vec<Cut>,
    /// Matches at the start of the text only.
    pub start: StateId,
    /// Matches anywhere, the leftmost first.
    pub search: StateId,
    /// Two for each place of the program: where it begins and where it ends.
    pub tags: usize,
}

impl Nfa {
    /// The error is a reason for not running the pattern here.
    pub fn new(tree: &Node, places: u32) -> Result<Self, &'static str> {
        let tags = places as usize * 2;
        if tags > MAX_TAGS {
            return Err("it has more than a thousand captures");
        }
        let mut builder = Builder::default();
        let accept = builder.add(State::Accept)?;
        let start = builder.build(tree, &[accept])?[0];
        let search = builder.add(State::Split(Vec::new()))?;
        let skip = builder.chars(&vec![(0, 0x10_FFFF)], search)?;
        builder.states[usize::from(search)] = State::Split(vec![start, skip]);
        let relevant = relevant(&builder.states);
        Ok(Nfa {
            states: builder.states,
            inner: builder.inner,
            relevant,
            sets: builder.sets,
            cuts: builder.cuts,
            start,
            search,
            tags,
        })
    }

    /// The largest number of threads that a state of the determiniser can have.
    pub fn threads(&self) -> usize {
        self.states.iter().filter(|s| matches!(s, State::Bytes { .. })).count() + 1
    }
}

fn relevant(states: &[State]) -> Vec<u32> {
    let mut masks = vec![0_u32; states.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for (index, state) in states.iter().enumerate() {
            let at = |to: StateId| masks[usize::from(to)];
            let mask = match state {
                State::Accept | State::Bytes { .. } => 0,
                State::Split(branches) => branches.iter().fold(0, |mask, to| mask | at(*to)),
                State::Tag { to, .. } => at(*to),
                State::Assert { look, to } => {
                    at(*to)
                        | match look {
                            Look::Behind(cut) | Look::WordEdge { cut, .. } => 1 << cut,
                            Look::Ahead { .. } => 0,
                        }
                }
            };
            if mask != masks[index] {
                masks[index] = mask;
                changed = true;
            }
        }
    }
    masks
}

#[derive(Default)]
struct Builder {
    states: Vec<State>,
    inner: Vec<bool>,
    sets: Vec<ByteSet>,
    known: Map<ByteSet, u16>,
    cuts: Vec<Cut>,
}

type Built<T> = Result<T, &'static str>;

impl Builder {
    fn add(&mut self, state: State) -> Built<StateId> {
        if self.states.len() >= MAX_STATES {
            return Err("it is too large");
        }
        self.states.push(state);
        self.inner.push(false);
        Ok((self.states.len() - 1) as StateId)
    }

    fn set(&mut self, set: ByteSet) -> u16 {
        *self.known.entry(set).or_insert_with(|| {
            self.sets.push(set);
            (self.sets.len() - 1) as u16
        })
    }

    fn build(&mut self, node: &Node, to: &[StateId]) -> Built<Vec<StateId>> {
        let all = to[to.len() - 1];
        match node {
            Node::Chars(ranges) => Ok(vec![self.chars(ranges, all)?; to.len()]),
            Node::Seq(items) => {
                let mut to = to.to_vec();
                for item in items.iter().rev() {
                    to = self.build(item, &to)?;
                }
                Ok(to)
            }
            Node::Alt(branches) => {
                let ways: Vec<Vec<StateId>> = branches.iter().map(|b| self.build(b, to)).collect::<Built<_>>()?;
                let mut entries = Vec::with_capacity(to.len());
                for level in 0..to.len() {
                    entries.push(self.add(State::Split(ways.iter().map(|w| w[level]).collect()))?);
                }
                Ok(entries)
            }
            Node::Capture(place, body) => {
                let tag = (place * 2) as u16;
                let ends = self.each(to, |to| State::Tag { tag: tag + 1, to })?;
                let starts = self.build(body, &ends)?;
                self.each(&starts, |to| State::Tag { tag, to })
            }
            Node::Look { ahead, edge, chars } => {
                let (bytes, edge) = (neighbours(chars)?, *edge);
                let look = if *ahead {
                    Look::Ahead {
                        set: self.set(bytes),
                        edge,
                    }
                } else {
                    Look::Behind(self.cut(Cut { bytes, edge })?)
                };
                self.each(to, |to| State::Assert { look, to })
            }
            Node::WordEdge { negated } => {
                let mut bytes = ByteSet::range(b'_', b'_');
                bytes.add(b'0', b'9');
                bytes.add(b'A', b'Z');
                bytes.add(b'a', b'z');
                let (cut, set) = (self.cut(Cut { bytes, edge: false })?, self.set(bytes));
                let look = Look::WordEdge {
                    cut,
                    set,
                    negated: *negated,
                };
                self.each(to, |to| State::Assert { look, to })
            }
            Node::Repeat {
                body,
                least,
                most,
                lazy,
            } => self.repeat(body, *least, *most, *lazy, to),
        }
    }

    /// A state before each of `to`, one for equal ones.
    fn each(&mut self, to: &[StateId], make: impl Fn(StateId) -> State) -> Built<Vec<StateId>> {
        let mut before: Vec<StateId> = Vec::with_capacity(to.len());
        for (index, &target) in to.iter().enumerate() {
            let known = to[..index].iter().position(|&other| other == target);
            before.push(match known {
                Some(other) => before[other],
                None => self.add(make(target))?,
            });
        }
        Ok(before)
    }

    fn repeat(
        &mut self,
        body: &Node,
        least: u32,
        most: Option<u32>,
        lazy: bool,
        to: &[StateId],
    ) -> Built<Vec<StateId>> {
        let either =
            |once: StateId, exit: StateId| State::Split(if lazy { vec![exit, once] } else { vec![once, exit] });
        let empty = body.nullable();
        let mut next = to.to_vec();
        if most.is_none() {
            next = (0..to.len())
                .map(|_| self.add(State::Split(Vec::new())))
                .collect::<Built<_>>()?;
            let round = self.round(body, to, &next, empty)?;
            for (level, &head) in next.iter().enumerate() {
                self.states[usize::from(head)] = either(round[level], to[level]);
            }
        }
        for _ in least..most.unwrap_or(least) {
            let round = self.round(body, to, &next, empty)?;
            next = Vec::with_capacity(to.len());
            for level in 0..to.len() {
                next.push(self.add(either(round[level], to[level]))?);
            }
        }
        // Rounds that have to be may be empty and go on.
        for _ in 0..least {
            next = self.build(body, &next)?;
        }
        Ok(next)
    }

    /// One round of a repetition: `next` goes on after it, `exit` after an empty one.
    fn round(&mut self, body: &Node, exit: &[StateId], next: &[StateId], empty: bool) -> Built<Vec<StateId>> {
        let all = next[next.len() - 1];
        if !empty {
            return Ok(vec![self.build(body, &[all])?[0]; exit.len()]);
        }
        let to: Vec<StateId> = exit.iter().copied().chain([all]).collect();
        let mut entries = self.build(body, &to)?;
        entries.truncate(exit.len());
        Ok(entries)
    }

    fn chars(&mut self, ranges: &Ranges, to: StateId) -> Built<StateId> {
        let (mut ascii, wide) = split(ranges);
        if wide == Wide::Everything {
            ascii.add(0xC0, 0xFF);
        }
        let set = self.set(ascii);
        let first = self.add(State::Bytes { set, to })?;
        if wide != Wide::Some {
            return Ok(first);
        }
        let mut ways = vec![first];
        let mut ends: Map<(u8, u8, StateId), StateId> = Map::default();
        for (low, high) in ranges.iter().flat_map(|&(low, high)| scalars(low.max(0x80), high)) {
            let (Some(low), Some(high)) = (char::from_u32(low), char::from_u32(high)) else {
                continue;
            };
            for sequence in Utf8Sequences::new(low, high) {
                let (lead, rest) = sequence.as_slice().split_first().ok_or("an empty code point")?;
                let mut next = to;
                for range in rest.iter().rev() {
                    let key = (range.start, range.end, next);
                    next = if let Some(&state) = ends.get(&key) {
                        state
                    } else {
                        let state = self.utf8(*range, next)?;
                        self.inner[usize::from(state)] = true;
                        ends.insert(key, state);
                        state
                    };
                }
                ways.push(self.utf8(*lead, next)?);
            }
        }
        self.add(State::Split(ways))
    }

    fn utf8(&mut self, range: Utf8Range, to: StateId) -> Built<StateId> {
        let set = self.set(ByteSet::range(range.start, range.end));
        self.add(State::Bytes { set, to })
    }

    fn cut(&mut self, cut: Cut) -> Built<u8> {
        if let Some(known) = self.cuts.iter().position(|&other| other == cut) {
            return Ok(known as u8);
        }
        if self.cuts.len() >= MAX_CUTS {
            return Err("it looks behind at too many different sets");
        }
        self.cuts.push(cut);
        Ok((self.cuts.len() - 1) as u8)
    }
}

/// A neighbour's set as bytes: the first byte of the code point after, the last of the one before.
fn neighbours(ranges: &Ranges) -> Built<ByteSet> {
    let (mut ascii, wide) = split(ranges);
    match wide {
        Wide::Nothing => {}
        Wide::Everything => ascii.add(0x80, 0xFF),
        Wide::Some => return Err("it looks at a neighbour that is not ASCII"),
    }
    Ok(ascii)
}
