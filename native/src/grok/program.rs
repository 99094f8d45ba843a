//! A pattern as Python hands it over: a tree in postfix order, as numbers.

/// Code points, as inclusive ranges.
pub type Ranges = Vec<(u32, u32)>;

/// A pattern after every construct that this engine lacks has been rewritten.
#[derive(Debug)]
pub enum Node {
    /// One code point out of a set.
    Chars(Ranges),
    Seq(Vec<Node>),
    /// Branches in order of preference.
    Alt(Vec<Node>),
    Repeat {
        body: Box<Node>,
        least: u32,
        most: Option<u32>,
        lazy: bool,
    },
    /// Text kept, as the place with this number.
    Capture(u32, Box<Node>),
    /// The next (or the last) code point is in the set; at the edge of the text, whether `edge`.
    Look {
        ahead: bool,
        edge: bool,
        chars: Ranges,
    },
    /// A word character on one side and none on the other; or, negated, the opposite.
    WordEdge {
        negated: bool,
    },
}

impl Node {
    /// Whether the node can match the empty text.
    pub fn nullable(&self) -> bool {
        match self {
            Node::Chars(_) => false,
            Node::Seq(items) => items.iter().all(Node::nullable),
            Node::Alt(branches) => branches.iter().any(Node::nullable),
            Node::Repeat { body, least, .. } => *least == 0 || body.nullable(),
            Node::Capture(_, body) => body.nullable(),
            Node::Look { .. } | Node::WordEdge { .. } => true,
        }
    }
}

const CHARS: u32 = 0;
const SEQ: u32 = 1;
const ALT: u32 = 2;
const REPEAT: u32 = 3;
const CAPTURE: u32 = 4;
const AHEAD: u32 = 5;
const BEHIND: u32 = 6;
const WORD_EDGE: u32 = 7;

const UNBOUNDED: u32 = u32::MAX;
const MAX_DEPTH: u32 = 500;

/// The tree of a postfix program. Each node comes after its parts:
///
/// | numbers | node |
/// |---|---|
/// | `0 n (low high)…` | one code point out of n ranges |
/// | `1 n`, `2 n` | the last n nodes as a sequence, as an alternation |
/// | `3 least most lazy` | a repetition of the last node; most is `u32::MAX` when there is no bound |
/// | `4 place` | a capture of the last node |
/// | `5 edge n (low high)…`, `6 edge n (low high)…` | what may come next, what may have come before |
/// | `7 negated` | a word edge |
///
/// Gives the tree and the number of places. The error says what is wrong with the program, never with the pattern.
pub fn decode(program: &[u32]) -> Result<(Node, u32), &'static str> {
    let mut numbers = Numbers(program);
    let mut stack: Vec<(Node, u32)> = Vec::new();
    let mut places = 0;
    while !numbers.0.is_empty() {
        let (node, depth) = match numbers.next()? {
            CHARS => (Node::Chars(numbers.ranges()?), 0),
            SEQ => joined(&mut stack, numbers.next()?, Node::Seq)?,
            ALT => joined(&mut stack, numbers.next()?, Node::Alt)?,
            REPEAT => {
                let (body, depth) = stack.pop().ok_or("a repetition of nothing")?;
                let (least, most, lazy) = (numbers.next()?, numbers.next()?, numbers.next()? != 0);
                if least > most || (most == UNBOUNDED && least == UNBOUNDED) {
                    return Err("a repetition ends before it starts");
                }
                let most = (most != UNBOUNDED).then_some(most);
                let body = Box::new(body);
                (
                    Node::Repeat {
                        body,
                        least,
                        most,
                        lazy,
                    },
                    depth,
                )
            }
            CAPTURE => {
                let (body, depth) = stack.pop().ok_or("a capture of nothing")?;
                let place = numbers.next()?;
                if place > 10_000 {
                    return Err("too many captures");
                }
                places = places.max(place + 1);
                (Node::Capture(place, Box::new(body)), depth)
            }
            kind @ (AHEAD | BEHIND) => {
                let edge = numbers.next()? != 0;
                let chars = numbers.ranges()?;
                let ahead = kind == AHEAD;
                (Node::Look { ahead, edge, chars }, 0)
            }
            WORD_EDGE => {
                let negated = numbers.next()? != 0;
                (Node::WordEdge { negated }, 0)
            }
            _ => return Err("an unknown node"),
        };
        if depth > MAX_DEPTH {
            return Err("nested too deeply");
        }
        stack.push((node, depth + 1));
    }
    match (stack.pop(), stack.is_empty()) {
        (Some((root, _)), true) => Ok((root, places)),
        _ => Err("not one tree"),
    }
}

fn joined(stack: &mut Vec<(Node, u32)>, count: u32, make: fn(Vec<Node>) -> Node) -> Result<(Node, u32), &'static str> {
    let start = stack.len().checked_sub(count as usize).ok_or("too few nodes")?;
    let parts = stack.split_off(start);
    let depth = parts.iter().map(|part| part.1).max().unwrap_or(0);
    Ok((make(parts.into_iter().map(|part| part.0).collect()), depth))
}

struct Numbers<'a>(&'a [u32]);

impl Numbers<'_> {
    fn next(&mut self) -> Result<u32, &'static str> {
        let (first, rest) = self.0.split_first().ok_or("it ends too early")?;
        self.0 = rest;
        Ok(*first)
    }

    fn ranges(&mut self) -> Result<Ranges, &'static str> {
        let count = self.next()?;
        let mut ranges = Vec::new();
        for _ in 0..count {
            let (low, high) = (self.next()?, self.next()?);
            if low > high || high > 0x10_FFFF {
                return Err("a wrong range");
            }
            ranges.push((low, high));
        }
        Ok(ranges)
    }
}
