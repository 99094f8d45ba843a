//! Which legs an automaton has: they are made as texts go, and given up when texts go other ways.

use super::bytes::ByteSet;
use super::legs::{self, BLOCK, Leg, SETS, Shape};
use super::nfa::Nfa;
use super::skip::Skip;
use super::states::{DEAD, Known, LOOP, NO_VALUES, SPECIAL, STATE_BITS, STATE_MASK, Special, States, WORTH};
use super::step::PLACE;

/// After so many texts that did not fit a leg, it is looked at how many did.
const MISSES: u32 = 64;
/// Steps to a state that are changed when it gets a leg, at most.
const STEPS: usize = 256;
/// The memory of a leg in a list that grows by doubling.
const LEG: usize = 2 * size_of::<Leg>();

impl States {
    /// Make the legs that are due, as this text goes. Where none leads on and runs are short, the bytes that leave the state as
    /// it is become steps like others.
    pub fn explore(&mut self, nfa: &Nfa, text: &[u8], state: u32, at: usize) {
        let (mut now, mut rest) = (state, &text[at..]);
        loop {
            let known = self.loops[(now >> self.shift) as usize];
            let skip = match known.known {
                Known::Run(skip) if known.entry == LOOP => Some(skip.over(known.length / known.runs.max(1))),
                _ => None,
            };
            let (Some(run), legs::NONE) = (skip.map_or(Some(0), |skip| skip.length(rest, 0)), known.leg) else {
                break;
            };
            rest = &rest[run..];
            let Some(leg) = self.leg(nfa, now, skip, rest) else {
                break;
            };
            rest = &rest[leg.size as usize..];
            self.used += LEG;
            self.loops[(now >> self.shift) as usize].leg = self.legs.len() as u32;
            self.legs.push(leg);
            if skip.is_some() || self.loops(now) {
                self.lead_to(now);
            }
            now = leg.next;
        }
        self.link();
        let Some(known) = self.loops.get((state >> self.shift) as usize) else {
            return;
        };
        if known.leg == legs::NONE && known.length < known.runs.saturating_mul(WORTH) {
            let row = state as usize..state as usize + self.samples.len();
            for step in self.table[row].iter_mut().filter(|step| **step == LOOP) {
                *step = state;
            }
        }
    }

    /// The leg from a state over the first bytes of a text, up to a state that loops or as far as a leg can go.
    fn leg(&mut self, nfa: &Nfa, state: u32, skip: Option<Skip>, text: &[u8]) -> Option<Leg> {
        let (mut now, mut ranges, mut sets) = (state, Vec::new(), Vec::new());
        let mut last = ByteSet::default();
        for (place, &byte) in text.iter().enumerate().take(BLOCK) {
            // Memory is not cleared for this.
            if self.used > self.budget / 2 || self.is_full(LEG) || self.complete(nfa, now).is_some() {
                return None;
            }
            if place > 0 && self.loops(now) {
                break;
            }
            let does = |byte: u8| self.plain(self.table[now as usize + usize::from(self.classes[usize::from(byte)])]);
            let Some((next, registers)) = does(byte) else { break };
            if next == now || sets.len() + registers.len() > SETS {
                break;
            }
            let same = |other: &u8| does(*other).is_some_and(|found| (found.0, &found.1) == (next, &registers));
            let low = (0..byte).rev().take_while(same).last().unwrap_or(byte);
            let high = (byte..=255).take_while(same).last().unwrap_or(byte);
            ranges.push((low, high));
            last = ByteSet::default();
            (0..=255).filter(same).for_each(|byte| last.add(byte, byte));
            sets.extend(registers.iter().map(|&register| (register, place as u32)));
            now = next;
        }
        sets.resize(SETS, (0, 0));
        if let Some(range) = ranges.last_mut() {
            *range = (0, 255);
        }
        let end = self.table[now as usize + self.samples.len()];
        let special = end
            .checked_sub(SPECIAL)
            .and_then(|number| self.specials.get(number as usize));
        let values = special
            .filter(|special| special.next == DEAD)
            .map(|special| special.values);
        (!ranges.is_empty()).then(|| Leg {
            state,
            next: now,
            onwards: legs::NONE,
            skip,
            shape: Shape::new(&ranges),
            last,
            size: ranges.len() as u32,
            sets: [sets[0], sets[1], sets[2], sets[3]],
            values: values.unwrap_or(NO_VALUES),
            hits: 0,
            misses: 0,
            good: false,
        })
    }

    /// Whether some first byte of a code point is known to leave the state as it is.
    fn loops(&self, state: u32) -> bool {
        let row = &self.table[state as usize..state as usize + self.samples.len()];
        let mut steps = row.iter().zip(&self.samples);
        steps.any(|(&entry, byte)| (entry == LOOP || entry == state) && byte & 0xC0 != 0x80)
    }

    /// The next state of a step that does no more than to put the current place into registers, and these.
    fn plain(&self, entry: u32) -> Option<(u32, Vec<u32>)> {
        if entry < LOOP {
            let register = entry >> STATE_BITS;
            return Some((
                entry & STATE_MASK,
                if register == 0 { Vec::new() } else { vec![register] },
            ));
        }
        let special = self.specials.get(entry.checked_sub(SPECIAL)? as usize)?;
        let moves = &self.moves[special.moves as usize..][..special.move_count as usize];
        let plain = special.values == NO_VALUES && special.next != DEAD && moves.iter().all(|&(_, from)| from == PLACE);
        plain.then(|| (special.next, moves.iter().map(|&(to, _)| to).collect()))
    }

    /// Let the steps to a state that has a leg be such after which it is taken.
    fn lead_to(&mut self, state: u32) {
        let steps: Vec<usize> = (0..self.table.len())
            .filter(|&at| self.table[at] < LOOP && self.table[at] & STATE_MASK == state)
            .filter(|&at| at as u32 >> self.shift != state >> self.shift)
            .take(STEPS)
            .collect();
        for at in steps {
            let cost = 2 * (size_of::<Special>() + 8);
            if self.is_full(cost) {
                return;
            }
            self.used += cost;
            let register = self.table[at] >> STATE_BITS;
            self.table[at] = SPECIAL + self.specials.len() as u32;
            self.specials.push(Special {
                next: state,
                moves: self.moves.len() as u32,
                move_count: u32::from(register != 0),
                values: NO_VALUES,
            });
            self.moves.extend((register != 0).then_some((register, PLACE)));
        }
    }

    /// Let every leg know the one that leads on.
    fn link(&mut self) {
        for leg in &mut self.legs {
            leg.onwards = self.loops[(leg.next >> self.shift) as usize].leg;
        }
    }

    /// Note that a text did not fit a leg at `at`. When many did not, the leg goes: for one that is made of this text if it
    /// was a good one until lately, else for longer and longer times for none.
    pub fn missed(&mut self, leg: u32, at: usize) {
        let Some(known) = self.legs.get_mut(leg as usize) else {
            return;
        };
        known.misses += 1;
        if known.misses < MISSES {
            return;
        }
        if known.hits / 4 >= known.misses {
            (known.hits, known.misses, known.good) = (0, 0, true);
            return;
        }
        let known = self.legs.swap_remove(leg as usize);
        let from = &mut self.loops[(known.state >> self.shift) as usize];
        (from.leg, from.runs, from.length) = (legs::NONE, 0, 0);
        if known.good {
            self.due = Some((known.state, at));
        } else {
            from.patience = from.patience.saturating_mul(4);
        }
        if let Some(moved) = self.legs.get(leg as usize) {
            self.loops[(moved.state >> self.shift) as usize].leg = leg;
        }
        self.used -= LEG;
        self.link();
    }
}
