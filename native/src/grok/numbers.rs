//! Text to the types of fields, as Polars casts it.

/// An integer: a sign or none, digits, within 64 bits.
pub fn int(text: &[u8]) -> Option<i64> {
    if let (1..=18, true) = (text.len(), text.iter().all(u8::is_ascii_digit)) {
        return Some(text.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')));
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The first one to eight bytes, when they are digits: all at once.
#[inline]
pub fn short_int(block: [u8; 8], length: usize) -> Option<i64> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The bytes of the text at the high end, after zeros.
    let unused = 8_u32.checked_sub(length as u32)? * 8;
    let digits = (u64::from_le_bytes(block) ^ 0x3030_3030_3030_3030).checked_shl(unused)?;
    if (digits | digits.wrapping_add(0x7676_7676_7676_7676)) & HIGH != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let high = (pairs >> 16 & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    Some((low.wrapping_add(high) >> 32) as i64)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_at_once_are_the_same_integer() {
        for text in [
            "7", "42", "007", "1234", "99999", "123456", "7654321", "99999999", "12345678",
        ] {
            let mut block = *b"/:x/:9!/";
            block[..text.len()].copy_from_slice(text.as_bytes());
            assert_eq!(short_int(block, text.len()), text.parse().ok());
        }
    }

    #[test]
    fn bytes_that_are_no_digits_are_no_integer() {
        for byte in (0..=255).filter(|byte: &u8| !byte.is_ascii_digit()) {
            for place in 0..8 {
                let mut block = *b"99999999";
                block[place] = byte;
                assert_eq!(short_int(block, 8), None);
            }
        }
        assert_eq!(short_int(*b"00000000", 0), None);
    }
}
