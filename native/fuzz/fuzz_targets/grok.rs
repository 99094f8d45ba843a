//! Any program compiles or is refused; any that compiles finds what a backtracking matcher finds, within its memory.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/grok/bytes.rs"]
#[allow(dead_code)]
mod bytes;
#[path = "../../src/grok/dfa.rs"]
#[allow(dead_code)]
mod dfa;
#[path = "../../src/grok/explore.rs"]
mod explore;
#[path = "../../src/grok/legs.rs"]
mod legs;
#[path = "../../src/grok/nfa.rs"]
#[allow(dead_code)]
mod nfa;
#[path = "../../src/grok/program.rs"]
mod program;
#[path = "../../src/grok/skip.rs"]
mod skip;
#[path = "../../src/grok/states.rs"]
#[allow(dead_code)]
mod states;
#[path = "../../src/grok/step.rs"]
mod step;

mod backtrack;
mod programs;

type Map<K, V> = hashbrown::HashMap<K, V, foldhash::fast::RandomState>;

const BUDGETS: [usize; 3] = [32 << 10, 256 << 10, 4 << 20];

fuzz_target!(|data: &[u8]| {
    let Some((&[mode, length], rest)) = data.split_first_chunk::<2>() else { return };
    let (code, text) = rest.split_at(usize::from(length).min(rest.len()));
    let numbers = if mode & 128 == 0 { programs::made(code) } else { programs::raw(code) };
    let Ok((tree, places)) = program::decode(&numbers) else { return };
    let Ok(nfa) = nfa::Nfa::new(&tree, places) else { return };
    let budget = BUDGETS[usize::from(mode) % BUDGETS.len()];
    let Some(mut dfa) = dfa::Dfa::new(&nfa, budget) else { return };
    let text = programs::text(text);
    let back: String = text.chars().rev().collect();
    let twice = format!("{text}{text}");
    for (number, text) in [&text, &back, &text, &twice, &back, &text].into_iter().enumerate() {
        // From here on the automaton knows the way of this text.
        for _ in 0..if number == 2 { 2 * states::RUNS } else { 0 } {
            dfa.find(&nfa, text.as_bytes(), false);
        }
        for anywhere in [false, true] {
            let Some(wanted) = backtrack::find(&tree, places, text, anywhere) else { continue };
            let found = dfa.find(&nfa, text.as_bytes(), anywhere).then(|| dfa.slots.clone());
            assert_eq!(found, wanted, "{tree:?} on {text:?}, anywhere: {anywhere}");
        }
    }
    let (cost, taken) = dfa.cost();
    assert!(taken <= budget && cost.peak as usize <= budget, "{taken} bytes of {budget}");
});
