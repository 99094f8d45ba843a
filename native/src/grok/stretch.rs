//! Rows of a buffer as text, checked many at a time.

/// Bytes that are checked ahead, at most.
const AHEAD: usize = 1 << 16;

/// Part of a buffer that is known to be UTF-8.
#[derive(Default)]
pub struct Stretch<'a> {
    buffer: u32,
    start: usize,
    text: &'a str,
    /// How many bytes were to be looked at.
    size: usize,
}

impl<'a> Stretch<'a> {
    /// The bytes of the buffer with this number from `start` to `end`, as text; None when they are not UTF-8.
    #[inline]
    pub fn text(&mut self, number: u32, buffer: &'a [u8], start: usize, end: usize) -> Option<&'a str> {
        if number == self.buffer
            && let Some(first) = start.checked_sub(self.start)
            && let Some(text) = self.text.get(first..end - self.start)
        {
            return Some(text);
        }
        self.check(number, buffer, start, end);
        self.text.get(..end - start)
    }

    /// Check what is at `start`. As long as rows follow each other, twice as much as last time: so no more is checked than twice
    /// what the rows have, wherever they are.
    #[inline(never)]
    fn check(&mut self, number: u32, buffer: &'a [u8], start: usize, end: usize) {
        let last = self.start + self.text.len();
        let follows = number == self.buffer && start >= self.start && start <= last + 1 && end > last;
        self.size = if follows { (2 * self.size).min(AHEAD) } else { 0 };
        let mut reach = (start + self.size).clamp(end, buffer.len());
        while reach > end && buffer.get(reach).is_some_and(|byte| byte & 0xC0 == 0x80) {
            reach -= 1;
        }
        self.size = reach - start;
        let bytes = &buffer[start..reach];
        (self.buffer, self.start) = (number, start);
        self.text = simdutf8::compat::from_utf8(bytes).unwrap_or_else(|error| {
            let valid = &bytes[..error.valid_up_to()];
            simdutf8::basic::from_utf8(valid).unwrap_or_default()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a buffer, valid or not, side by side or apart, are text exactly when they are UTF-8 by themselves.
    #[test]
    fn a_row_is_text_when_it_is_utf8_by_itself() {
        let mut seed = 11_u64;
        let mut random = |below: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        let pieces: [&[u8]; 7] = [
            b"abc",
            "é".as_bytes(),
            "€".as_bytes(),
            "😀".as_bytes(),
            b"\n",
            b"\xff",
            b"\xe2",
        ];
        for _ in 0..2000 {
            let odd = 5 + 2 * (random(4) / 3);
            let buffer: Vec<u8> = (0..random(80)).flat_map(|_| pieces[random(odd)]).copied().collect();
            let mut stretch = Stretch::default();
            let mut at = 0;
            while at < buffer.len() {
                let end = (at + random(12)).min(buffer.len());
                let wanted = std::str::from_utf8(&buffer[at..end]).ok();
                assert_eq!(stretch.text(0, &buffer, at, end), wanted, "{buffer:?} {at} {end}");
                at = if random(9) == 0 {
                    random(buffer.len()) + 1
                } else {
                    end + random(2)
                };
            }
        }
    }
}
