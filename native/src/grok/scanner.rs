//! Patterns on columns.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::dfa::Dfa;
use super::fields::{Column, Type};
use super::nfa::Nfa;
use super::program::decode;
use super::rows::{Bits, Part, Row, Rows};
use super::states::Counters;

/// One pattern, and where its fields are.
pub struct Pattern {
    nfa: Nfa,
    /// By field of the scanner.
    fields: Vec<Places>,
    at_start: bool,
}

/// The places that capture a field, in order, and whether a dash alone stands for nothing.
#[derive(Clone, Default)]
pub struct Places {
    pub numbers: Vec<u32>,
    pub dash_is_null: bool,
}

impl Pattern {
    /// `fields` has the field, out of `count`, for each place of the program; a dash alone is null in `dash_is_null`.
    /// `at_start`: it matches nowhere else. The error is a reason for not running it here.
    pub fn new(
        program: &[u32],
        fields: &[u32],
        dash_is_null: &[u32],
        at_start: bool,
        count: usize,
    ) -> Result<Self, &'static str> {
        let (tree, places) = decode(program)?;
        if places as usize > fields.len() {
            return Err("a capture without a field");
        }
        let mut by_field = vec![Places::default(); count];
        for (place, &field) in (0..places).zip(fields) {
            by_field
                .get_mut(field as usize)
                .ok_or("a field without a name")?
                .numbers
                .push(place);
        }
        for &field in dash_is_null {
            by_field
                .get_mut(field as usize)
                .ok_or("a field without a name")?
                .dash_is_null = true;
        }
        let nfa = Nfa::new(&tree, places)?;
        Ok(Pattern {
            nfa,
            fields: by_field,
            at_start,
        })
    }
}

/// Patterns that are tried in order on every row. Threads share it: each scan takes automata of its own out of a pool.
pub struct Scanner {
    patterns: Vec<Pattern>,
    types: Vec<Type>,
    schema: SchemaRef,
    budget: usize,
    pool: Mutex<Vec<Vec<Dfa>>>,
}

impl Scanner {
    /// `budget` bounds the memory of each automaton, in bytes. The error is a reason for not running these patterns
    /// here.
    pub fn new(patterns: Vec<Pattern>, fields: &[(String, Type)], budget: usize) -> Result<Self, &'static str> {
        let mut columns: Vec<Field> = fields
            .iter()
            .map(|(name, kind)| Field::new(name, kind.arrow(), true))
            .collect();
        columns.push(Field::new("@matched", DataType::Boolean, false));
        columns.push(Field::new("@reason", DataType::Utf8View, true));
        let types = fields.iter().map(|field| field.1).collect();
        let scanner = Scanner {
            patterns,
            types,
            schema: Arc::new(Schema::new(columns)),
            budget,
            pool: Mutex::new(Vec::new()),
        };
        let first = scanner.automata()?;
        scanner.give_back(first);
        Ok(scanner)
    }

    fn automata(&self) -> Result<Vec<Dfa>, &'static str> {
        if let Some(ready) = self.pool.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(ready);
        }
        let budget = self.budget / self.patterns.len().max(1);
        let made = self
            .patterns
            .iter()
            .map(|pattern| Dfa::new(&pattern.nfa, budget).ok_or("it is too large"));
        made.collect()
    }

    fn give_back(&self, automata: Vec<Dfa>) {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).push(automata);
    }

    /// What the scans so far have cost, and the bytes that an automaton takes now; of memory, the most that one of them
    /// took.
    pub fn counters(&self) -> (Counters, u64) {
        let pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut sum, mut bytes) = (Counters::default(), 0);
        for dfa in pool.iter().flatten() {
            let (cost, taken) = dfa.cost();
            sum.walked += cost.walked;
            sum.followed += cost.followed;
            sum.states += cost.states;
            sum.cleared += cost.cleared;
            sum.peak = sum.peak.max(cost.peak);
            bytes = bytes.max(taken as u64);
        }
        (sum, bytes)
    }

    /// The fields, `@matched` and `@reason` of every row of the first column of `batches`.
    pub fn scan(&self, batches: &[RecordBatch], strip_return: bool) -> Result<RecordBatch, ArrowError> {
        let mut automata = self
            .automata()
            .map_err(|why| ArrowError::InvalidArgumentError(why.to_owned()))?;
        let mut rows = Rows::new(batches)?;
        let mut columns: Vec<Column> = self.types.iter().map(|&kind| Column::new(kind, rows.len)).collect();
        let mut matched = Bits::default();
        // Those of the rows up to the last one that did not match.
        let mut reasons: Vec<Part> = Vec::new();
        let words = ["missing", "no match"].map(|word| Row::constant(word).unwrap_or_default());
        let mut number = 0;
        rows.each(|row| {
            let row = row.map(|row| if strip_return { row.without_return() } else { row });
            let found = row.and_then(|row| self.find(&mut automata, &row).map(|index| (row, index)));
            matched.push(found.is_some());
            if let Some((row, index)) = found {
                let slots = &automata[index].slots;
                for (column, places) in columns.iter_mut().zip(&self.patterns[index].fields) {
                    column.push(&row, slots, places);
                }
            } else {
                columns.iter_mut().for_each(Column::push_null);
                reasons.resize(number, Part::default());
                reasons.push(words[usize::from(row.is_some())]);
            }
            number += 1;
        })?;
        self.give_back(automata);
        reasons.resize(rows.len, Part::default());
        let matched = matched.buffer();
        let mut arrays: Vec<ArrayRef> = columns.into_iter().map(|column| column.finish(&rows)).collect();
        arrays.push(Arc::new(BooleanArray::new(matched.clone(), None)));
        arrays.push(rows.column(reasons, Some(NullBuffer::new(!&matched))));
        RecordBatch::try_new(Arc::clone(&self.schema), arrays)
    }

    /// The first pattern that matches. A match at the start of the row is the leftmost one, so that is looked for
    /// first: it needs far fewer states.
    fn find(&self, automata: &mut [Dfa], row: &Row) -> Option<usize> {
        let text = row.bytes();
        automata.iter_mut().zip(&self.patterns).position(|(dfa, pattern)| {
            dfa.find(&pattern.nfa, text, false) || (!pattern.at_start && dfa.find(&pattern.nfa, text, true))
        })
    }
}
