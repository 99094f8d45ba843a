//! A tagged automaton, made deterministic as texts need it, within a budget of memory.
//!
//! A state is what can be told of the text so far: the places in the pattern where a match may be, in order of
//! preference, each with the registers that hold its tags, and the cuts that the last code point is in. Tags are set
//! one byte late: a state's threads stand where they were put by the last byte, and the step over the next one first
//! follows the edges that read nothing. So assertions see both neighbours, and a step has all that it needs: the state,
//! the byte.
//!
//! Where many texts went the same way, `legs` take many of its steps at once.
//!
//! For each tag the different values among the threads are numbered in order of preference: the value n of tag t is in
//! register n × tags + t. A state is thus known by its threads alone, and most steps move no register. Method: V.
//! Laurikari, "NFAs with Tagged Transitions, their Conversion to Deterministic Automata and Application to Regular
//! Expressions", SPIRE 2000.

use super::legs;
use super::nfa::Nfa;
use super::states::{
    Counters, DEAD, Known, LOOP, NO_VALUES, SPECIAL, STATE_BITS, STATE_MASK, STEP_REGISTERS, States, UNKNOWN,
};
use super::step::{END_PLACE, PLACE};

/// A tag without a value, in slots and registers.
pub const UNSET: u32 = u32::MAX;

/// The deterministic automaton of one pattern as far as it is known, with the registers of one scan.
pub struct Dfa {
    states: States,
    registers: Vec<u32>,
    /// Where the last match has its tags.
    pub slots: Vec<u32>,
}

impl Dfa {
    /// `budget` bounds the memory of its states in bytes. None when that is too little for the pattern.
    pub fn new(nfa: &Nfa, budget: usize) -> Option<Self> {
        Some(Dfa {
            states: States::new(nfa, budget)?,
            registers: vec![UNSET; STEP_REGISTERS],
            slots: vec![UNSET; nfa.tags],
        })
    }

    /// What it has cost so far, and the memory that its states take, in bytes.
    pub fn cost(&self) -> (Counters, usize) {
        (self.states.counters, self.states.bytes())
    }

    /// The leftmost match in `text`, which is valid UTF-8; the first of those in the order of the pattern's
    /// preferences. At its start only, or anywhere. `slots` then holds the places of the tags.
    pub fn find(&mut self, nfa: &Nfa, text: &[u8], anywhere: bool) -> bool {
        let mut state = self.states.start(nfa, anywhere);
        let end = text.len();
        let mut at = 0;
        let mut found = false;
        let mut leg = self.states.first_leg(state);
        // The last place where a leg led nowhere: there the table goes on, so that every turn of this loop makes way.
        let mut stuck = usize::MAX;
        loop {
            if leg != legs::NONE {
                let before = at;
                if self.walk(text, leg, &mut state, &mut at) {
                    found = true;
                    break;
                }
                if at == before {
                    stuck = at;
                }
                leg = legs::NONE;
            }
            let entry = self.run(text, &mut state, &mut at);
            if entry < SPECIAL {
                let skip = self.states.run(state);
                if entry == LOOP && skip.leg != legs::NONE && at != stuck {
                    leg = skip.leg;
                    continue;
                }
                match &skip.known {
                    Known::Watched(seen) => {
                        let seen = seen + 1;
                        found |= self.kept_loop(entry, at as u32);
                        state = self.states.watch(nfa, state, entry, seen);
                        self.registers
                            .resize(self.registers.len().max(self.states.registers), UNSET);
                        at += 1;
                    }
                    Known::Run(run) => {
                        at += 1;
                        if skip.entry == entry {
                            let length = run
                                .length(text, at)
                                .unwrap_or_else(|| self.states.looked(&text[at..], state, entry));
                            at += length;
                            self.states.ran(state, entry, length, at - length);
                        }
                        found |= self.kept_loop(entry, at as u32 - 1);
                    }
                }
                continue;
            }
            if entry == DEAD {
                break;
            }
            if entry == UNKNOWN {
                state = self.states.step(nfa, state, self.states.class(text, at));
                self.registers
                    .resize(self.registers.len().max(self.states.registers), UNSET);
                continue;
            }
            let special = self.states.specials[(entry - SPECIAL) as usize];
            if special.values != NO_VALUES {
                self.keep(special.values, at as u32);
                found = true;
            }
            if special.next == DEAD {
                break;
            }
            let moves = special.moves as usize;
            for &(to, from) in &self.states.moves[moves..moves + special.move_count as usize] {
                self.registers[to as usize] = if from == PLACE {
                    at as u32
                } else {
                    self.registers[from as usize]
                };
            }
            state = special.next;
            at += 1;
            leg = self.states.run(state).leg;
        }
        if let Some((state, at)) = self.states.due.take() {
            self.states.explore(nfa, text, state, at);
            self.registers
                .resize(self.registers.len().max(self.states.registers), UNSET);
        }
        self.states.counters.walked += at.min(end) as u64 + 1;
        found
    }

    /// Take legs for as long as the text fits them. True when a match ends with the text.
    #[inline]
    fn walk(&mut self, text: &[u8], first: u32, state: &mut u32, at: &mut usize) -> bool {
        let (mut number, mut place) = (first, *at);
        let mut ends = NO_VALUES;
        while let Some(leg) = self.states.legs.get_mut(number as usize) {
            *state = leg.state;
            if let Some(length) = leg.skip.as_ref().and_then(|skip| skip.length(text, place)) {
                place += length;
            }
            match leg.fits(text, place) {
                Some(true) => {}
                Some(false) => {
                    self.states.missed(number, place);
                    break;
                }
                None => break,
            }
            leg.hits = leg.hits.saturating_add(1);
            for (register, offset) in leg.sets {
                self.registers[register as usize] = place as u32 + offset;
            }
            place += leg.size as usize;
            *state = leg.next;
            number = leg.onwards;
            if place == text.len() {
                ends = leg.values;
                break;
            }
        }
        *at = place;
        if ends != NO_VALUES {
            self.keep(ends, place as u32);
        }
        ends != NO_VALUES
    }

    /// Take steps for as long as there is nothing else to do. Gives the entry that says what there is.
    #[inline]
    fn run(&mut self, text: &[u8], state: &mut u32, at: &mut usize) -> u32 {
        let (table, classes) = (&self.states.table[..], &*self.states.classes);
        let (mut now, mut place) = (*state, *at);
        let Some(registers) = self.registers.first_chunk_mut::<STEP_REGISTERS>() else {
            return DEAD;
        };
        let entry = loop {
            let Some(&byte) = text.get(place) else {
                break table[now as usize + self.states.samples.len()];
            };
            let entry = table[now as usize + usize::from(classes[usize::from(byte)])];
            if entry >= LOOP {
                break entry;
            }
            registers[(entry >> STATE_BITS) as usize % STEP_REGISTERS] = place as u32;
            now = entry & STATE_MASK;
            place += 1;
        };
        (*state, *at) = (now, place);
        entry
    }

    /// The tags of a match as they are now.
    fn keep(&mut self, values: u32, at: u32) {
        let from = values as usize * self.slots.len();
        let row = &self.states.values[from..from + self.slots.len()];
        self.registers[END_PLACE as usize] = at;
        for (slot, &value) in self.slots.iter_mut().zip(row) {
            *slot = self.registers[value as usize];
        }
    }

    fn kept_loop(&mut self, entry: u32, at: u32) -> bool {
        if entry > LOOP {
            self.keep(entry - LOOP - 1, at);
        }
        entry > LOOP
    }
}
