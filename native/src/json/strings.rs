//! The values of JSON strings, and names in their shortest JSON form.

use super::scan::special;

/// The value of a string that is known to be well-formed, without its quotes, appended to `out`.
///
/// Halves of surrogate pairs, which are no characters, come out as three bytes each (as WTF-8 has them), so that different ones
/// differ; `clean` replaces them.
pub fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &text[at..]) {
        out.extend_from_slice(&text[at..at + found]);
        at += found;
        let byte = text.get(at + 1).copied().unwrap_or(b'\\');
        at = (at + 2).min(text.len());
        match byte {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => at = unicode(text, at, out),
            other => out.push(other),
        }
    }
    out.extend_from_slice(&text[at..]);
}

/// The character whose four digits are at `at`, with the second half that may follow; the place after it.
fn unicode(text: &[u8], at: usize, out: &mut Vec<u8>) -> usize {
    let first = hexadecimal(text, at).unwrap_or(0xfffd);
    let after = (at + 4).min(text.len());
    if (0xd800..0xdc00).contains(&first) && text[after..].starts_with(b"\\u") {
        if let Some(second @ 0xdc00..0xe000) = hexadecimal(text, after + 2) {
            push(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), out);
            return (after + 6).min(text.len());
        }
    }
    push(first, out);
    after
}

fn hexadecimal(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..at + 4)?;
    digits
        .iter()
        .try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))
}

fn push(point: u32, out: &mut Vec<u8>) {
    match char::from_u32(point) {
        Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.extend([
            0xe0 | (point >> 12) as u8,
            0x80 | (point >> 6 & 0x3f) as u8,
            0x80 | (point & 0x3f) as u8,
        ]),
    }
}

/// U+FFFD for halves of surrogate pairs in bytes that `unescape` gave from `begin` on; as long as they were.
pub fn clean(text: &mut [u8], begin: usize) {
    let mut at = begin;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr(0xed, rest)) {
        at += found;
        if text.get(at + 1).is_some_and(|&byte| byte >= 0xa0) {
            text[at..at + 3].copy_from_slice("\u{fffd}".as_bytes());
        }
        at += 1;
    }
}

/// A text as a JSON string in its shortest form.
pub fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut at = 0;
    loop {
        let found = special(text, at);
        out.extend_from_slice(&text[at..found]);
        let Some(&byte) = text.get(found) else { break };
        match byte {
            b'"' => out.extend(b"\\\""),
            b'\\' => out.extend(b"\\\\"),
            8 => out.extend(b"\\b"),
            9 => out.extend(b"\\t"),
            10 => out.extend(b"\\n"),
            12 => out.extend(b"\\f"),
            13 => out.extend(b"\\r"),
            control => {
                let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
                out.extend([b'\\', b'u', b'0', b'0', digit(control >> 4), digit(control & 15)]);
            }
        }
        at = found + 1;
    }
    out.push(b'"');
}

/// JSON text with spaces for line breaks, which can only be white space in it.
pub fn one_line(text: &[u8], out: &mut Vec<u8>) {
    let begin = out.len();
    out.extend_from_slice(text);
    flatten(out, begin);
}

/// Spaces for the line breaks from `begin` on.
pub fn flatten(out: &mut [u8], begin: usize) {
    let mut at = begin;
    while let Some(found) = memchr::memchr2(b'\n', b'\r', &out[at..]) {
        out[at + found] = b' ';
        at += found + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        let mut out = b"\xed\xa0\x80".to_vec();
        unescape(text.as_bytes(), &mut out);
        clean(&mut out, 3);
        String::from_utf8(out.split_off(3)).unwrap()
    }

    #[test]
    fn escapes_become_characters() {
        assert_eq!(value(r#"a\n\"\/\u00e9 \ud83d\ude00"#), "a\n\"/é 😀");
        assert_eq!(value(r"\ud83d\u0041\ude00\ud83d"), "\u{fffd}A\u{fffd}\u{fffd}");
        assert_eq!(value("\u{d7ff}\\ud800"), "\u{d7ff}\u{fffd}");
    }

    #[test]
    fn names_are_written_in_their_shortest_form() {
        let mut out = Vec::new();
        quote("a\"\\\u{1}\u{1f}\t\u{7f}é".as_bytes(), &mut out);
        assert_eq!(out, "\"a\\\"\\\\\\u0001\\u001f\\t\u{7f}é\"".as_bytes());
    }
}
