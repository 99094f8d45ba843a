//! One step of the determiniser: the threads of a state, a byte, the threads after it.

use super::Map;
use super::nfa::{Look, Nfa, State, StateId};

/// Values of a thread's tags while a step is worked out: none, the number of a register's version, or this place.
pub const NONE: u16 = 0;
pub const HERE: u16 = u16::MAX;

/// The source of a move that stands for the current place.
pub const PLACE: u32 = u32::MAX;

/// Space to work out one step.
#[derive(Default)]
pub struct Step {
    /// By state of the pattern's automaton: the last closure, the last step that saw it.
    visited: Vec<u32>,
    reached: Vec<u32>,
    round: u32,
    stack: Vec<(StateId, u32)>,
    pub rows: Vec<u16>,
    pub threads: Vec<(StateId, u32)>,
    /// By value and tag: in which step it was last given a version, and which.
    assigned: Vec<(u32, u16)>,
    /// By tag: how many versions it has.
    counts: Vec<u16>,
    /// The highest version of any tag before the step and after it.
    highest: u16,
    renamed: Map<u32, u16>,
    distinct: Map<Vec<u16>, u16>,
    pub key: Vec<u16>,
    pub copies: Vec<(u32, u32)>,
}

/// The register that never has a value.
pub const NO_PLACE: u32 = 1;
/// The register for the end of a match.
pub const END_PLACE: u32 = 2;

/// The register of a tag's version; register 0 is nobody's.
pub const fn register(tags: usize, tag: usize, version: u16) -> u32 {
    ((version as usize - 1) * tags + tag + 3) as u32
}

impl Step {
    /// Space for the steps of this automaton.
    pub fn new(nfa: &Nfa) -> Self {
        Step {
            visited: vec![0; nfa.states.len()],
            reached: vec![0; nfa.states.len()],
            counts: vec![0; nfa.tags],
            ..Step::default()
        }
    }

    /// The threads after `byte` (None: the end of the text), and the row of a match that is complete before it.
    pub fn advance(&mut self, nfa: &Nfa, key: &[u16], byte: Option<u8>, followed: &mut u64) -> Option<u32> {
        let tags = nfa.tags;
        let before = u32::from(key[0]) | u32::from(key[1]) << 16;
        let count = usize::from(key[2]);
        let (threads, rows) = key[3..].split_at(2 * count);
        self.rows.clear();
        self.rows.extend(rows);
        self.threads.clear();
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.visited.fill(0);
            self.reached.fill(0);
            self.assigned.fill((0, 0));
            self.round = 1;
        }
        let round = self.round;
        let waits = byte.is_some_and(|byte| byte & 0xC0 == 0x80);
        for thread in threads.chunks_exact(2) {
            let (from, row) = (thread[0], u32::from(thread[1]));
            if waits && !nfa.inner[usize::from(from)] {
                // In the middle of a code point whose first byte stood for all of it.
                if std::mem::replace(&mut self.reached[usize::from(from)], round) != round {
                    self.threads.push((from, row));
                }
                continue;
            }
            self.stack.clear();
            self.stack.push((from, row));
            while let Some((at, row)) = self.stack.pop() {
                *followed += 1;
                if std::mem::replace(&mut self.visited[usize::from(at)], round) == round {
                    continue;
                }
                match &nfa.states[usize::from(at)] {
                    State::Accept => return Some(row),
                    State::Bytes { set, to } => {
                        let reads = byte.is_some_and(|byte| nfa.sets[usize::from(*set)].contains(byte));
                        if reads && std::mem::replace(&mut self.reached[usize::from(*to)], round) != round {
                            self.threads.push((*to, row));
                        }
                    }
                    State::Split(branches) => self.stack.extend(branches.iter().rev().map(|&to| (to, row))),
                    State::Tag { tag, to } => {
                        let start = row as usize * tags;
                        let set = self.rows.len();
                        self.rows.extend_from_within(start..start + tags);
                        self.rows[set + usize::from(*tag)] = HERE;
                        self.stack.push((*to, (set / tags) as u32));
                    }
                    State::Assert { look, to } => {
                        if holds(nfa, *look, before, byte) {
                            self.stack.push((*to, row));
                        }
                    }
                }
            }
        }
        None
    }

    /// The key of the state with these threads, and the moves that put their values where it has them.
    pub fn canonical(&mut self, nfa: &Nfa, byte: Option<u8>) {
        let tags = nfa.tags;
        let mut mask = 0;
        if let Some(byte) = byte {
            for (index, cut) in nfa.cuts.iter().enumerate() {
                mask |= u32::from(cut.bytes.contains(byte)) << index;
            }
            mask &= self
                .threads
                .iter()
                .fold(0, |mask, thread| mask | nfa.relevant[usize::from(thread.0)]);
        }
        self.renamed.clear();
        self.distinct.clear();
        self.counts.fill(0);
        self.copies.clear();
        self.highest = 0;
        self.key.clear();
        self.key
            .extend([mask as u16, (mask >> 16) as u16, self.threads.len() as u16]);
        let (mut rows, mut places): (Vec<u16>, Vec<(u32, u32)>) = (Vec::new(), Vec::new());
        for index in 0..self.threads.len() {
            let (state, row) = self.threads[index];
            let number = if let Some(&number) = self.renamed.get(&row) {
                number
            } else {
                let named = self.named(row, tags, &mut places);
                let next = self.distinct.len() as u16;
                let number = self.distinct.get(&named).copied().unwrap_or(next);
                if number == next {
                    rows.extend(&named);
                    self.distinct.insert(named, next);
                }
                self.renamed.insert(row, number);
                number
            };
            self.key.extend([state, number]);
        }
        self.key.extend(rows);
        self.order(tags);
        self.copies.append(&mut places);
    }

    /// A row with the versions that its values have after the step; a new version is a move, into `places` or the
    /// copies.
    fn named(&mut self, row: u32, tags: usize, places: &mut Vec<(u32, u32)>) -> Vec<u16> {
        let mut named = Vec::with_capacity(tags);
        for tag in 0..tags {
            let value = self.rows[row as usize * tags + tag];
            if value == NONE {
                named.push(NONE);
                continue;
            }
            let slot = (if value == HERE { 0 } else { usize::from(value) }) * tags + tag;
            if slot >= self.assigned.len() {
                self.assigned.resize(slot + 1, (0, 0));
            }
            if self.assigned[slot].0 != self.round {
                self.counts[tag] += 1;
                let version = self.counts[tag];
                self.assigned[slot] = (self.round, version);
                let to = register(tags, tag, version);
                self.highest = self.highest.max(version);
                if value == HERE {
                    places.push((to, PLACE));
                } else if value != version {
                    self.highest = self.highest.max(value);
                    self.copies.push((to, register(tags, tag, value)));
                }
            }
            named.push(self.assigned[slot].1);
        }
        named
    }

    /// Put the copies in an order in which none overwrites what a later one reads; a circle goes through a register of
    /// its own.
    fn order(&mut self, tags: usize) {
        if self.copies.len() < 2 {
            return;
        }
        let spare = (self.register_count(tags) - 1) as u32;
        let mut sources: Map<u32, u32> = self.copies.drain(..).collect();
        let mut readers: Map<u32, u32> = Map::default();
        for &from in sources.values() {
            *readers.entry(from).or_default() += 1;
        }
        let mut targets: Vec<u32> = sources.keys().copied().collect();
        targets.sort_unstable();
        let mut free: Vec<u32> = targets.iter().copied().filter(|to| !readers.contains_key(to)).collect();
        for circle in targets.into_iter().map(Some).chain([None]) {
            while let Some(to) = free.pop() {
                let Some(from) = sources.remove(&to) else { continue };
                self.copies.push((to, from));
                if let Some(count) = readers.get_mut(&from) {
                    *count -= 1;
                    if *count == 0 {
                        free.push(from);
                    }
                }
            }
            let Some(circle) = circle.filter(|to| sources.contains_key(to)) else {
                continue;
            };
            // Only circles are left, each place of which one copy reads.
            self.copies.push((spare, circle));
            if let Some(source) = sources.values_mut().find(|source| **source == circle) {
                *source = spare;
            }
            free.push(circle);
        }
    }

    /// Registers for the threads of this step, before and after it, and a spare one that is the last.
    pub fn register_count(&self, tags: usize) -> usize {
        usize::from(self.highest) * tags + 4
    }
}

fn holds(nfa: &Nfa, look: Look, before: u32, byte: Option<u8>) -> bool {
    let follows = |set: u16, edge: bool| byte.map_or(edge, |byte| nfa.sets[usize::from(set)].contains(byte));
    match look {
        Look::Behind(cut) => before >> cut & 1 != 0,
        Look::Ahead { set, edge } => follows(set, edge),
        Look::WordEdge { cut, set, negated } => ((before >> cut & 1 != 0) != follows(set, false)) != negated,
    }
}
