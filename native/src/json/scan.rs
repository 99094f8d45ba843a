//! Where values are in a JSON text (RFC 8259), strictly: what it accepts is JSON, and a mistake comes with its place.
//!
//! Nothing is recursive: open brackets are counted, and their kinds are the bits of one number.

/// How deep objects and arrays may nest.
pub const DEPTH: u32 = 64;

/// What a value is, as far as its text tells without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Null,
    True,
    False,
    Number,
    /// A string without escapes: its text between the quotes is its value.
    Plain,
    /// A string with escapes.
    Escaped,
    Array,
    Object,
}

/// A value and its place: the bytes from `begin` to `end`, quotes included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    pub class: Class,
    pub begin: usize,
    pub end: usize,
}

/// Why a text is not JSON. Places are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    Missing,
    Deep,
    Constant(&'static str),
    At(&'static str, usize),
}

pub const NAME: &str = "a name in double quotes is missing at character {}";
pub const COLON: &str = "a colon is missing at character {}";
pub const BRACE: &str = "a comma or closing brace is missing at character {}";
pub const BRACKET: &str = "a comma or closing bracket is missing at character {}";
pub const OPEN: &str = "the string from character {} has no end";
pub const CONTROL: &str = "a control character in a string is not escaped at character {}";
pub const ESCAPE: &str = "there is no such escape as that at character {}";
pub const HEX: &str = "four hexadecimal digits and the end of the string are missing after character {}";
pub const MORE: &str = "more text after the object, from character {}";

/// Reads one text. `breaks` is set when white space with a line break was passed.
pub struct Scanner<'a> {
    pub text: &'a [u8],
    pub breaks: bool,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Scanner { text, breaks: false }
    }

    pub fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    /// The place after white space.
    #[inline]
    pub fn space(&mut self, mut at: usize) -> usize {
        while let Some(&byte) = self.text.get(at) {
            match byte {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => self.breaks = true,
                _ => break,
            }
            at += 1;
        }
        at
    }

    /// The value at a place that is inside of `outer` objects and arrays.
    #[inline]
    pub fn value(&mut self, at: usize, outer: u32) -> Result<Spot, Mistake> {
        let (class, end) = match self.byte(at) {
            Some(b'"') => {
                let (end, escaped) = self.string(at)?;
                (if escaped { Class::Escaped } else { Class::Plain }, end)
            }
            Some(b'{') => (Class::Object, self.container(at, outer)?),
            Some(b'[') => (Class::Array, self.container(at, outer)?),
            _ => self.atom(at)?,
        };
        Ok(Spot { class, begin: at, end })
    }

    /// The end of the string whose opening quote is at `begin`, and whether it has escapes.
    #[inline]
    pub fn string(&self, begin: usize) -> Result<(usize, bool), Mistake> {
        let (mut at, mut escaped) = (begin + 1, false);
        loop {
            at = special(self.text, at);
            match self.byte(at) {
                Some(b'"') => return Ok((at + 1, escaped)),
                Some(b'\\') => {
                    escaped = true;
                    at = self.escape(at, begin)?;
                }
                Some(_) => return Err(Mistake::At(CONTROL, at)),
                None => return Err(Mistake::At(OPEN, begin)),
            }
        }
    }

    /// The end of the escape whose backslash is at `at`, in the string that begins at `begin`.
    fn escape(&self, at: usize, begin: usize) -> Result<usize, Mistake> {
        match self.byte(at + 1) {
            None => Err(Mistake::At(OPEN, begin)),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u') => {
                let digits = self.text.get(at + 2..at + 6);
                if digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) && at + 6 < self.text.len() {
                    Ok(at + 6)
                } else {
                    Err(Mistake::At(HEX, at + 1))
                }
            }
            Some(_) => Err(Mistake::At(ESCAPE, at)),
        }
    }

    /// A number or a literal.
    fn atom(&self, at: usize) -> Result<(Class, usize), Mistake> {
        let rest = self.text.get(at..).unwrap_or_default();
        match rest.first() {
            Some(b'0'..=b'9' | b'-') => match number(rest) {
                Some(size) => Ok((Class::Number, at + size)),
                None if rest.starts_with(b"-Infinity") => Err(Mistake::Constant("-Infinity is not JSON")),
                None => Err(Mistake::Missing),
            },
            Some(b'n') if rest.starts_with(b"null") => Ok((Class::Null, at + 4)),
            Some(b't') if rest.starts_with(b"true") => Ok((Class::True, at + 4)),
            Some(b'f') if rest.starts_with(b"false") => Ok((Class::False, at + 5)),
            Some(b'N') if rest.starts_with(b"NaN") => Err(Mistake::Constant("NaN is not JSON")),
            Some(b'I') if rest.starts_with(b"Infinity") => Err(Mistake::Constant("Infinity is not JSON")),
            _ => Err(Mistake::Missing),
        }
    }

    /// The end of the object or array that begins at `at`.
    fn container(&mut self, mut at: usize, outer: u32) -> Result<usize, Mistake> {
        let (mut objects, mut level) = (0_u64, 0_u32);
        loop {
            // A value is at `at`.
            match self.byte(at) {
                Some(open @ (b'{' | b'[')) => {
                    if outer + level >= DEPTH {
                        return Err(Mistake::Deep);
                    }
                    let object = open == b'{';
                    objects = (objects << 1) | u64::from(object);
                    level += 1;
                    at = self.space(at + 1);
                    match self.byte(at) {
                        Some(b'}') if object => {}
                        Some(b']') if !object => {}
                        _ => {
                            at = if object { self.name(at)? } else { at };
                            continue;
                        }
                    }
                }
                Some(b'"') => at = self.string(at)?.0,
                _ => at = self.atom(at)?.1,
            }
            // A value ends before `at`, or the closing bracket of an empty one is there.
            loop {
                at = self.space(at);
                let object = objects & 1 == 1;
                match self.byte(at) {
                    Some(b',') => {
                        at = self.space(at + 1);
                        at = if object { self.name(at)? } else { at };
                        break;
                    }
                    Some(b'}') if object => {}
                    Some(b']') if !object => {}
                    Some(_) => return Err(Mistake::At(BRACKET, at)),
                    None => return Err(Mistake::Missing),
                }
                at += 1;
                level -= 1;
                objects >>= 1;
                if level == 0 {
                    return Ok(at);
                }
            }
        }
    }

    /// The place of the value whose name is at `at`.
    fn name(&mut self, at: usize) -> Result<usize, Mistake> {
        match self.byte(at) {
            Some(b'"') => {}
            Some(_) => return Err(Mistake::At(NAME, at)),
            None => return Err(Mistake::Missing),
        }
        let (end, _) = self.string(at)?;
        self.colon(end)
    }

    /// The place of the value whose name ends at `at`.
    #[inline]
    pub fn colon(&mut self, at: usize) -> Result<usize, Mistake> {
        let at = self.space(at);
        match self.byte(at) {
            Some(b':') => Ok(self.space(at + 1)),
            Some(_) => Err(Mistake::At(COLON, at)),
            None => Err(Mistake::Missing),
        }
    }
}

/// The place of the first quote, backslash or control character from `at`, or the end.
#[inline]
pub fn special(text: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let (quote, slash) = (word ^ (ONES * 0x22), word ^ (ONES * 0x5c));
        // The lowest bit that is set is right; those above it may come from borrowing.
        let hits = (quote.wrapping_sub(ONES) & !quote)
            | (slash.wrapping_sub(ONES) & !slash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if hits & HIGH != 0 {
            return at + (hits & HIGH).trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(&byte) = text.get(at) {
        if byte < 0x20 || byte == b'"' || byte == b'\\' {
            break;
        }
        at += 1;
    }
    at
}

/// The size of the number that a text begins with.
fn number(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| text.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let sign = usize::from(text.first() == Some(&b'-'));
    let mut end = match text.get(sign) {
        Some(b'0') => sign + 1,
        Some(b'1'..=b'9') => sign + digits(sign),
        _ => return None,
    };
    if text.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        end += if fraction > 0 { 1 + fraction } else { 0 };
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let signed = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + signed);
        end += if exponent > 0 { 1 + signed + exponent } else { 0 };
    }
    Some(end)
}

/// How deep brackets nest outside of strings (of which the last may have no end), whatever else is wrong with the text.
pub fn depth(text: &[u8]) -> i64 {
    let (mut level, mut deepest, mut at) = (0_i64, 0_i64, 0);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'{' | b'[' => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' => level -= 1,
            b'"' => match closing(text, at) {
                Some(end) => at = end,
                None => break,
            },
            _ => {}
        }
        at += 1;
    }
    deepest
}

fn closing(text: &[u8], begin: usize) -> Option<usize> {
    let mut at = begin + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<(Class, usize), Mistake> {
        Scanner::new(text.as_bytes())
            .value(0, 0)
            .map(|spot| (spot.class, spot.end))
    }

    #[test]
    fn values_end_where_their_grammar_ends() {
        assert_eq!(value("1.5e+3,"), Ok((Class::Number, 6)));
        assert_eq!(value("01"), Ok((Class::Number, 1)));
        assert_eq!(value("1.e"), Ok((Class::Number, 1)));
        assert_eq!(value("1e+"), Ok((Class::Number, 1)));
        assert_eq!(value("\"a\\u00e9\"x"), Ok((Class::Escaped, 9)));
        assert_eq!(value("[{\"a\" : [] , \"b\":{}}, 1]]"), Ok((Class::Array, 24)));
        assert_eq!(value("-"), Err(Mistake::Missing));
        assert_eq!(value("[1}"), Err(Mistake::At(BRACKET, 2)));
        assert_eq!(value("\"\\u12\""), Err(Mistake::At(HEX, 2)));
    }

    #[test]
    fn nesting_is_bounded() {
        assert_eq!(value(&("[".repeat(64) + &"]".repeat(64))), Ok((Class::Array, 128)));
        assert_eq!(value(&"[".repeat(65)), Err(Mistake::Deep));
        assert_eq!(depth(b"{\"[[\\\"[\":[[]]}"), 3);
        assert_eq!(depth(b"[\"[["), 1);
    }

    #[test]
    fn special_bytes_are_found_at_every_place() {
        for size in 0..20 {
            for byte in [b'"', b'\\', 0, 0x1f] {
                let mut text = vec![0xff; size];
                text.push(byte);
                text.extend([b'!'; 9]);
                assert_eq!(special(&text, 0), size);
            }
            assert_eq!(special(&vec![0x80; size], 0), size);
        }
    }
}
