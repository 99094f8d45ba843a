//! Text to the types of fields, as Polars casts it.

/// An integer: a sign or none, digits, within 64 bits.
pub fn int(text: &[u8]) -> Option<i64> {
    if let (1..=18, true) = (text.len(), text.iter().all(u8::is_ascii_digit)) {
        return Some(text.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')));
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A decimal with or without an exponent, or the word for infinity or for no number, in any case.
pub fn float(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `true`, `yes`, `on`, `1` or `false`, `no`, `off`, `0`, in any case.
pub fn bool(text: &[u8]) -> Option<bool> {
    let is = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    if is(["true", "yes", "on", "1"]) {
        Some(true)
    } else {
        is(["false", "no", "off", "0"]).then_some(false)
    }
}
