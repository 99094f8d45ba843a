//! Programs and texts out of any bytes.

const CHARACTERS: [char; 12] = ['a', 'a', 'a', 'b', 'b', '1', ' ', '-', '\n', 'é', '€', '𝄞'];

const SETS: [&[u32]; 12] = [
    &[1, 97, 97],
    &[1, 97, 98],
    &[2, 0, 96, 98, 0x10_FFFF],
    &[2, 0, 9, 11, 0x10_FFFF],
    &[1, 48, 57],
    &[0],
    &[1, 0, 0x10_FFFF],
    &[1, 0xE0, 0x20AC],
    &[2, 0x61, 0x61, 0x80, 0x10_FFFF],
    &[1, 0x1_D11E, 0x1_D11E],
    &[2, 0, 0xE8, 0xEA, 0x10_FFFF],
    &[1, 32, 45],
];

/// The numbers as they are, one a byte.
pub fn raw(code: &[u8]) -> Vec<u32> {
    code.iter().map(|byte| u32::from(*byte)).collect()
}

/// A program in which every node has its parts: each byte is the next node.
pub fn made(code: &[u8]) -> Vec<u32> {
    let (mut numbers, mut depth, mut places) = (Vec::new(), 0_u32, 0);
    for &byte in code {
        let (kind, detail) = (byte & 15, u32::from(byte >> 4));
        let set = SETS[detail as usize % SETS.len()];
        match kind {
            0..=5 => {
                numbers.push(0);
                numbers.extend(set);
                depth += 1;
            }
            6 | 7 if depth > 1 => {
                numbers.extend([1, 2]);
                depth -= 1;
            }
            8 | 9 if depth > 1 => {
                numbers.extend([2, 2]);
                depth -= 1;
            }
            10 | 11 if depth > 0 => {
                let (least, more) = (detail & 1, [u32::MAX, 0, 1, 2][(detail >> 1 & 3) as usize]);
                numbers.extend([3, least, least.saturating_add(more), detail >> 3]);
            }
            12 | 13 if depth > 0 => {
                numbers.extend([4, places]);
                places += 1;
            }
            14 => {
                numbers.extend([5 + (detail & 1), detail >> 1 & 1]);
                numbers.extend(set);
                depth += 1;
            }
            15 => {
                numbers.extend([7, detail & 1]);
                depth += 1;
            }
            _ => {}
        }
    }
    numbers.extend([1, depth]);
    numbers
}

pub fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| CHARACTERS[usize::from(*byte) % CHARACTERS.len()]).collect()
}
