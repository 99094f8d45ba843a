//! The meaning of a tree, in the plainest way: try everything in order of preference.

use crate::program::{Node, Ranges};

const PATIENCE: u32 = 20_000;
const UNSET: u32 = u32::MAX;

struct Search<'a> {
    text: &'a str,
    slots: Vec<u32>,
    steps: u32,
}

type Then<'t, 's> = &'t mut dyn FnMut(&mut Search<'s>, usize) -> bool;

/// The slots of the leftmost match, `Some(None)` when there is none; None when it takes too long to say.
pub fn find(tree: &Node, places: u32, text: &str, anywhere: bool) -> Option<Option<Vec<u32>>> {
    let mut search = Search { text, slots: Vec::new(), steps: 0 };
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    for at in starts.take(if anywhere { usize::MAX } else { 1 }) {
        search.slots = vec![UNSET; places as usize * 2];
        let found = search.matches(tree, at, &mut |_, _| true);
        if search.steps > PATIENCE {
            return None;
        }
        if found {
            return Some(Some(search.slots));
        }
    }
    Some(None)
}

fn has(ranges: &Ranges, character: char) -> bool {
    ranges.iter().any(|(low, high)| (*low..=*high).contains(&u32::from(character)))
}

fn word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

impl<'s> Search<'s> {
    fn matches(&mut self, node: &Node, at: usize, then: Then<'_, 's>) -> bool {
        self.steps += 1;
        if self.steps > PATIENCE {
            return false;
        }
        let next = self.text[at..].chars().next();
        let last = self.text[..at].chars().next_back();
        match node {
            Node::Chars(ranges) => match next {
                Some(character) if has(ranges, character) => then(self, at + character.len_utf8()),
                _ => false,
            },
            Node::Seq(items) => self.sequence(items, at, then),
            Node::Alt(branches) => branches.iter().any(|branch| self.matches(branch, at, then)),
            Node::Repeat { body, least, most, lazy } => self.rounds(body, (*least, *most, *lazy), 0, at, then),
            Node::Capture(place, body) => {
                let (start, end) = (*place as usize * 2, *place as usize * 2 + 1);
                let before = self.slots[start];
                self.slots[start] = at as u32;
                let found = self.matches(body, at, &mut |search, to| {
                    let before = std::mem::replace(&mut search.slots[end], to as u32);
                    then(search, to) || {
                        search.slots[end] = before;
                        false
                    }
                });
                if !found {
                    self.slots[start] = before;
                }
                found
            }
            Node::Look { ahead, edge, chars } => {
                let neighbour = if *ahead { next } else { last };
                neighbour.map_or(*edge, |character| has(chars, character)) && then(self, at)
            }
            Node::WordEdge { negated } => {
                (next.is_some_and(word) != last.is_some_and(word)) != *negated && then(self, at)
            }
        }
    }

    fn sequence(&mut self, items: &[Node], at: usize, then: Then<'_, 's>) -> bool {
        match items.split_first() {
            None => then(self, at),
            Some((first, rest)) => self.matches(first, at, &mut |search, to| search.sequence(rest, to, then)),
        }
    }

    /// After `done` rounds. An empty round that did not have to be is the last.
    fn rounds(
        &mut self,
        body: &Node,
        bounds: (u32, Option<u32>, bool),
        done: u32,
        at: usize,
        then: Then<'_, 's>,
    ) -> bool {
        let (least, most, lazy) = bounds;
        if lazy && done >= least && then(self, at) {
            return true;
        }
        let more = most.is_none_or(|most| done < most)
            && self.matches(body, at, &mut |search, to| {
                if to == at && done >= least {
                    then(search, to)
                } else {
                    search.rounds(body, bounds, done + 1, to, then)
                }
            });
        more || (!lazy && done >= least && then(self, at))
    }
}
