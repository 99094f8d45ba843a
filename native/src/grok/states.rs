//! The states of a deterministic automaton that are known, and the table of the steps between them, within a budget of
//! memory.

use std::sync::Arc;

use super::Map;
use super::bytes::ByteSet;
use super::legs::{self, Leg};
use super::nfa::Nfa;
use super::skip::Skip;
use super::step::{END_PLACE, HERE, NO_PLACE, NONE, PLACE, Step, register};

/// A table entry below `LOOP` is a step: its low bits are the next state, the others the register that gets the current
/// place. Register 0 is for steps that set none, so that the scan does the same for all. The rest says what else there
/// is to do.
pub const STATE_BITS: u32 = 20;
pub const STATE_MASK: u32 = (1 << STATE_BITS) - 1;
pub const STEP_REGISTERS: usize = 1 << (31 - STATE_BITS);
pub const LOOP: u32 = 1 << 31;
pub const SPECIAL: u32 = 3 << 30;
pub const UNKNOWN: u32 = u32::MAX;
pub const DEAD: u32 = u32::MAX - 1;
pub const NO_VALUES: u32 = u32::MAX;

/// After so many bytes that left a state as it was, it is worth to know all bytes that do.
const PATIENCE: u8 = 4;

/// Getting over a run costs as much as so many steps.
pub const WORTH: u32 = 8;
/// After so many runs it is known how long they are.
pub const RUNS: u32 = 64;

#[derive(Clone, Copy)]
pub struct Special {
    pub next: u32,
    pub moves: u32,
    pub move_count: u32,
    pub values: u32,
}

/// How to get over the bytes that leave a state as it is, with the same `entry` in its row.
#[derive(Clone, Copy)]
pub struct Loop {
    pub entry: u32,
    pub known: Known,
    /// Runs so far, and the bytes in them; `States::ran` has seen enough at `RUNS`.
    pub runs: u32,
    pub length: u32,
    /// The leg from here.
    pub leg: u32,
    /// After so many runs, or texts that begin here, a leg is looked for.
    pub patience: u32,
}

impl Loop {
    fn new(entry: u32, known: Known) -> Self {
        Loop {
            entry,
            known,
            runs: 0,
            length: 0,
            leg: legs::NONE,
            patience: RUNS,
        }
    }
}

#[derive(Clone, Copy)]
pub enum Known {
    /// So many bytes have left the state as it was.
    Watched(u8),
    Run(Skip),
}

/// What the automaton has cost so far.
#[derive(Clone, Copy, Default)]
pub struct Counters {
    /// Bytes walked over.
    pub walked: u64,
    /// Edges of the pattern's automaton that were followed to make states.
    pub followed: u64,
    /// States made, again after each time that the memory was full.
    pub states: u64,
    pub cleared: u64,
    /// The most memory that the states have taken, in bytes.
    pub peak: u64,
}

/// The known states. A state's number is where its row begins in the table.
pub struct States {
    pub classes: Box<[u8; 256]>,
    /// By class: a byte of it. The class after the last is the end of the text.
    pub samples: Vec<u8>,
    pub table: Vec<u32>,
    pub specials: Vec<Special>,
    /// To which register, and from which or from `PLACE`.
    pub moves: Vec<(u32, u32)>,
    /// Rows of registers, one for each tag: where a match has its tags.
    pub values: Vec<u32>,
    /// How many registers the states so far need.
    pub registers: usize,
    pub counters: Counters,
    pub shift: u32,
    keys: Vec<Arc<[u16]>>,
    pub loops: Vec<Loop>,
    pub legs: Vec<Leg>,
    /// From which state, and from which place of the text, a leg is due.
    pub due: Option<(u32, usize)>,
    ids: Map<Arc<[u16]>, u32>,
    known_values: Map<Vec<u32>, u32>,
    /// The states that a text starts in, at its start only and anywhere, when they are known.
    starts: [u32; 2],
    pub used: usize,
    pub budget: usize,
    working: Step,
}

impl States {
    /// `budget` bounds their memory in bytes. None when one step alone could take half of it.
    pub fn new(nfa: &Nfa, budget: usize) -> Option<Self> {
        let largest = nfa.threads().checked_mul(4 + 18 * nfa.tags)?.checked_add(8192)?;
        if largest > budget / 2 {
            return None;
        }
        let (classes, samples) = classes(nfa);
        let shift = (samples.len() + 1).next_power_of_two().trailing_zeros();
        Some(States {
            classes,
            samples,
            table: Vec::new(),
            specials: Vec::new(),
            moves: Vec::new(),
            values: Vec::new(),
            registers: STEP_REGISTERS,
            counters: Counters::default(),
            shift,
            keys: Vec::new(),
            loops: Vec::new(),
            legs: Vec::new(),
            due: None,
            ids: Map::default(),
            known_values: Map::default(),
            starts: [UNKNOWN; 2],
            used: 0,
            budget,
            working: Step::new(nfa),
        })
    }

    /// How to get over the bytes that leave the state as it is.
    #[inline]
    pub fn run(&self, state: u32) -> &Loop {
        &self.loops[(state >> self.shift) as usize]
    }

    /// The class of the byte at a place of a text, or that of its end.
    pub fn class(&self, text: &[u8], at: usize) -> usize {
        text.get(at)
            .map_or(self.samples.len(), |byte| usize::from(self.classes[usize::from(*byte)]))
    }

    /// How many bytes of `rest` leave the state as it is, by its row.
    pub fn looked(&self, rest: &[u8], state: u32, entry: u32) -> usize {
        let row = &self.table[state as usize..];
        let stop = |byte: &u8| row[usize::from(self.classes[usize::from(*byte)])] != entry;
        rest.iter().position(stop).unwrap_or(rest.len())
    }

    /// Note that a byte left the state as it was. Gives the state, which has another number when memory was cleared.
    pub fn watch(&mut self, nfa: &Nfa, state: u32, entry: u32, seen: u8) -> u32 {
        self.loops[(state >> self.shift) as usize].known = Known::Watched(seen);
        if seen > PATIENCE {
            self.learn(nfa, state, entry)
        } else {
            state
        }
    }

    /// Work out all steps of a state that loops, to know which bytes end the loop.
    fn learn(&mut self, nfa: &Nfa, state: u32, entry: u32) -> u32 {
        if let Some(renamed) = self.complete(nfa, state) {
            return renamed;
        }
        let mut stops = ByteSet::default();
        for byte in 0..=255 {
            if self.table[state as usize + usize::from(self.classes[usize::from(byte)])] != entry {
                stops.add(byte, byte);
            }
        }
        let known = Known::Run(Skip::until(&stops));
        let from = &mut self.loops[(state >> self.shift) as usize];
        (from.entry, from.known) = (entry, known);
        state
    }

    /// Work out all steps of a state. Gives its new number if memory was cleared, and no more steps are worked out then.
    pub fn complete(&mut self, nfa: &Nfa, state: u32) -> Option<u32> {
        let cleared = self.counters.cleared;
        for class in 0..self.samples.len() {
            if self.table[state as usize + class] == UNKNOWN {
                let now = self.step(nfa, state, class);
                if self.counters.cleared != cleared {
                    return Some(now);
                }
            }
        }
        None
    }

    /// Note how long a run was that began at `at`. After many of them, a leg from here is due.
    #[inline]
    pub fn ran(&mut self, state: u32, entry: u32, length: usize, at: usize) {
        let Some(known) = self.loops.get_mut((state >> self.shift) as usize) else {
            return;
        };
        if known.runs >= known.patience || entry != LOOP || self.due.is_some() {
            return;
        }
        known.runs += 1;
        known.length = known.length.saturating_add(length as u32);
        if known.runs == known.patience {
            self.due = Some((state, at));
        }
    }

    /// The leg for a text that begins in this state. After many of them without one it is due.
    #[inline]
    pub fn first_leg(&mut self, state: u32) -> u32 {
        let known = &mut self.loops[(state >> self.shift) as usize];
        if known.leg == legs::NONE && known.runs < known.patience && self.due.is_none() {
            known.runs += 1;
            if known.runs == known.patience {
                self.due = Some((state, 0));
            }
        }
        known.leg
    }

    pub fn start(&mut self, nfa: &Nfa, anywhere: bool) -> u32 {
        let known = self.starts[usize::from(anywhere)];
        if known != UNKNOWN {
            return known;
        }
        let first = if anywhere { nfa.search } else { nfa.start };
        let mut mask = 0_u32;
        for (index, cut) in nfa.cuts.iter().enumerate() {
            mask |= u32::from(cut.edge) << index;
        }
        mask &= nfa.relevant[usize::from(first)];
        let mut key = std::mem::take(&mut self.working.key);
        key.clear();
        key.extend([mask as u16, (mask >> 16) as u16, 1, first, 0]);
        key.resize(key.len() + nfa.tags, NONE);
        let state = if let Some(&state) = self.ids.get(&key[..]) {
            state
        } else {
            if self.is_full(self.cost(key.len())) {
                self.clear();
            }
            self.add(Arc::from(&key[..]))
        };
        self.working.key = key;
        self.starts[usize::from(anywhere)] = state;
        state
    }

    /// The memory that the states take.
    pub fn bytes(&self) -> usize {
        let keys: usize = self.keys.iter().map(|key| 2 * key.len() + 16).sum();
        let lists = self.table.capacity() * 4
            + self.keys.capacity() * 16
            + self.loops.capacity() * size_of::<Loop>()
            + self.legs.capacity() * size_of::<Leg>()
            + self.specials.capacity() * size_of::<Special>()
            + self.moves.capacity() * 8
            + self.values.capacity() * 4;
        let maps = self.ids.allocation_size() + self.known_values.allocation_size();
        let rows: usize = self.known_values.keys().map(|row| row.len() * 4).sum();
        keys + lists + maps + rows
    }

    pub fn is_full(&self, more: usize) -> bool {
        self.used + more > self.budget || self.table.len() + 2 * (1 << self.shift) > STATE_MASK as usize
    }

    fn cost(&self, key: usize) -> usize {
        // The key, and twice what stands in tables that grow by doubling: its row, its skip, its entries in list and
        // map.
        2 * key + 16 + 2 * (4 * (1 << self.shift) + size_of::<Loop>() + 16 + 2 * 25)
    }

    fn add(&mut self, key: Arc<[u16]>) -> u32 {
        let state = self.table.len() as u32;
        self.used += self.cost(key.len());
        self.counters.states += 1;
        self.counters.peak = self.counters.peak.max(self.used as u64);
        self.table.resize(self.table.len() + (1 << self.shift), UNKNOWN);
        self.loops.push(Loop::new(LOOP, Known::Watched(0)));
        self.keys.push(Arc::clone(&key));
        self.ids.insert(key, state);
        state
    }

    fn clear(&mut self) {
        self.table = Vec::new();
        self.keys = Vec::new();
        self.loops = Vec::new();
        self.legs = Vec::new();
        self.due = None;
        self.ids = Map::default();
        self.specials = Vec::new();
        self.moves = Vec::new();
        self.values = Vec::new();
        self.known_values = Map::default();
        self.starts = [UNKNOWN; 2];
        self.used = 0;
        self.counters.cleared += 1;
    }

    /// Work out the step from `state` over `class` and write it into the table. Gives the state, whose number changes
    /// when the memory had to be cleared.
    pub fn step(&mut self, nfa: &Nfa, state: u32, class: usize) -> u32 {
        let key = Arc::clone(&self.keys[(state >> self.shift) as usize]);
        let byte = self.samples.get(class).copied();
        let mut work = std::mem::take(&mut self.working);
        let matched = work.advance(nfa, &key, byte, &mut self.counters.followed);
        work.canonical(nfa, byte);
        let row = matched.map(|row| {
            let start = row as usize * nfa.tags;
            let values = work.rows[start..start + nfa.tags].iter().enumerate();
            let values = values.map(|(tag, &value)| match value {
                NONE => NO_PLACE,
                HERE => END_PLACE,
                version => register(nfa.tags, tag, version),
            });
            values.collect::<Vec<u32>>()
        });
        let (mut state, next) = (state, std::mem::take(&mut work.key));
        let alive = !work.threads.is_empty();
        let cost = self.cost(next.len()) + 2 * (work.copies.len() * 8 + size_of::<Special>() + 12 * nfa.tags + 64);
        if self.is_full(cost) {
            self.clear();
            state = self.add(key);
        }
        let target = if alive {
            match self.ids.get(&next[..]) {
                Some(&known) => known,
                None => self.add(Arc::from(&next[..])),
            }
        } else {
            DEAD
        };
        let values = row.map_or(NO_VALUES, |row| self.interned(row));
        let entry = match (target, values, work.copies.is_empty()) {
            (DEAD, NO_VALUES, _) => DEAD,
            (_, _, true) if target == state => {
                if values == NO_VALUES {
                    LOOP
                } else {
                    LOOP + 1 + values
                }
            }
            (_, NO_VALUES, true) => target,
            (_, NO_VALUES, false) if step_register(&work.copies).is_some() => {
                step_register(&work.copies).unwrap_or(0) << STATE_BITS | target
            }
            _ => {
                let moves = self.moves.len() as u32;
                self.moves.append(&mut work.copies);
                let move_count = self.moves.len() as u32 - moves;
                self.specials.push(Special {
                    next: target,
                    moves,
                    move_count,
                    values,
                });
                self.used += 2 * (size_of::<Special>() + 8 * move_count as usize);
                SPECIAL + (self.specials.len() as u32 - 1)
            }
        };
        self.registers = self.registers.max(work.register_count(nfa.tags));
        self.table[state as usize + class] = entry;
        self.counters.peak = self.counters.peak.max(self.used as u64);
        work.key = next;
        self.working = work;
        state
    }

    fn interned(&mut self, row: Vec<u32>) -> u32 {
        if let Some(&known) = self.known_values.get(&row) {
            return known;
        }
        let number = self.known_values.len() as u32;
        self.used += 2 * (row.len() * 12 + 64);
        self.values.extend(&row);
        self.known_values.insert(row, number);
        number
    }
}

/// The register that a step sets, when setting it is all it does and a table entry can say so.
fn step_register(moves: &[(u32, u32)]) -> Option<u32> {
    match moves {
        [(to, PLACE)] if (*to as usize) < STEP_REGISTERS => Some(*to),
        _ => None,
    }
}

/// Bytes that no set of the automaton tells apart, as classes, and a byte of each.
fn classes(nfa: &Nfa) -> (Box<[u8; 256]>, Vec<u8>) {
    let mut waits = ByteSet::default();
    waits.add(0x80, 0xBF);
    let sets: Vec<ByteSet> = nfa
        .sets
        .iter()
        .copied()
        .chain(nfa.cuts.iter().map(|cut| cut.bytes))
        .chain([waits])
        .collect();
    let mut known: Map<Vec<bool>, u8> = Map::default();
    let (mut classes, mut samples) = (Box::new([0; 256]), Vec::new());
    for byte in 0..=255 {
        let signature = sets.iter().map(|set| set.contains(byte)).collect();
        let next = known.len() as u8;
        classes[usize::from(byte)] = *known.entry(signature).or_insert_with(|| {
            samples.push(byte);
            next
        });
    }
    (classes, samples)
}
