"""Correct programs by chance, for property tests: tokens first, then any white space and comments between them."""

from __future__ import annotations

import re

from hypothesis import strategies as st

Words = list[str]

NAMES = st.sampled_from(["a", "status", "b2", "`odd-name`", "source", "sink", "test", "let", "x_y", "transform"])
LITERALS = st.sampled_from(
    [
        "1",
        "1_000",
        "1.5",
        "10s",
        "64MiB",
        "true",
        "null",
        "'raw ''text'",
        '"t {a.b:%Y} {{x}}\\n"',
        "/re\\/x#/i",
        "'# no'",
    ]
)
LOOSE = re.compile(r"^\w|^[`@'\"/-]")


def joined(*parts: st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
    return st.tuples(*parts).map(lambda words: [word for part in words for word in part])


def word(text: str) -> st.SearchStrategy[Words]:
    return st.just([text])


def one(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[Words]:
    return strategy.map(lambda text: [text])


def separated(
    element: st.SearchStrategy[Words], comma: str = ",", least: int = 0, most: int = 4
) -> st.SearchStrategy[Words]:
    def join(elements_and_tail: tuple[list[Words], bool]) -> Words:
        elements, tail = elements_and_tail
        words = [w for element in elements for w in (*element, comma)]
        return words if tail or not words else words[:-1]

    return st.tuples(st.lists(element, min_size=least, max_size=most), st.booleans()).map(join)


def paths() -> st.SearchStrategy[Words]:
    plain = one(NAMES)
    deep = joined(plain, word("."), one(st.sampled_from(["b", "where", "else", "`q r`", "in"])))
    return plain | deep | one(st.sampled_from(["@timestamp", "@raw"]))


def larger(inner: st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
    binary = st.sampled_from(
        ["or", "and", "==", "!=", "<", ">=", "in", "not in", "matches", "contains", "??", "+", "-", "*", "/", "%", ".."]
    )
    closed = joined(word("("), inner, word(")"))
    argument = inner | joined(one(st.sampled_from(["on", "by", "from", "where"])), word(":"), inner)
    return st.one_of(
        closed,
        joined(closed, one(binary), closed),
        joined(paths(), one(binary), one(LITERALS)),
        joined(word("if"), inner, word("then"), inner, word("else"), inner).map(lambda words: ["(", *words, ")"]),
        joined(word("not"), closed).map(lambda words: ["(", *words, ")"]),
        joined(word("-"), closed),
        joined(closed, word("["), inner, word("]")),
        joined(one(NAMES | NAMES.map(lambda name: f"{name}!")), word("("), separated(argument), word(")")),
        joined(word("["), separated(inner), word("]")),
        joined(word("{"), separated(joined(one(NAMES | st.just("'k'")), word(":"), inner)), word("}")),
    )


EXPRESSIONS = st.recursive(paths() | one(LITERALS), larger, max_leaves=6)


def filters() -> st.SearchStrategy[Words]:
    nothing: st.SearchStrategy[Words] = st.just([])
    by = nothing | joined(word("by"), paths()) | joined(word("by"), word("["), separated(paths(), least=1), word("]"))
    where = nothing | joined(word("where"), EXPRESSIONS)
    comma = st.sampled_from([[], [","]])
    entry = joined(paths(), word("="), EXPRESSIONS, by, where, comma)
    block = joined(word("{"), st.lists(entry, max_size=4).map(lambda es: [w for e in es for w in e]), word("}"))
    arguments = joined(word("("), separated(EXPRESSIONS), word(")"))
    bare = joined(one(st.sampled_from(["set", "rename"])), block)
    return joined(one(st.sampled_from(["where", "window", "json"])), arguments, by, st.just([]) | block) | bare


def statements() -> st.SearchStrategy[Words]:
    ref = one(NAMES) | joined(one(NAMES), word("."), one(st.sampled_from(["else", "rejected"])))
    upstream = ref | joined(word("["), separated(ref, least=1), word("]"))
    chain = st.lists(joined(word("|"), filters()), min_size=1, max_size=3).map(lambda fs: [w for f in fs for w in f])
    call = joined(one(st.sampled_from(["file", "null", "s3"])), word("("), separated(EXPRESSIONS, most=3), word(")"))

    def defining(kind: str, *body: st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
        return joined(word(kind), one(NAMES), word("="), *body)

    return st.one_of(
        defining("source", call),
        defining("transform", upstream, chain),
        defining("sink", upstream, st.just([]) | chain, word("->"), call),
        defining("let", EXPRESSIONS),
        defining("pattern", word("'%{X} # ''q'''")),
        joined(word("include"), one(st.sampled_from(["'a.pipe'", '"b/*.pipe"']))),
        tests(),
    )


def tests() -> st.SearchStrategy[Words]:
    name = one(NAMES | st.sampled_from(["given", "expect", "at", "all", "has", "is"]))
    ref = name | joined(name, word("."), one(st.sampled_from(["rejected", "is"])))
    time = one(st.sampled_from(["10:00", "9:59:59.5", "'2026-01-01'"]))
    at = st.just([]) | joined(word("at"), time)
    such = joined(word("{"), EXPRESSIONS, word("}"))
    step = st.one_of(
        joined(word("given"), name, word(":"), EXPRESSIONS, at),
        joined(word("given"), name, word("from"), word("'# no'"), at),
        joined(word("advance"), EXPRESSIONS),
        joined(word("advance"), word("to"), time),
        st.sampled_from([["restart"], ["crash"]]),
        joined(word("fail"), name, word("for"), EXPRESSIONS),
        joined(word("expect"), ref, such),
        joined(word("expect"), ref, word("all"), such),
        joined(word("expect"), ref, word("has"), EXPRESSIONS, st.just([]) | such),
        joined(word("expect"), ref, word("is"), word("empty")),
        joined(word("expect"), ref, word("=="), EXPRESSIONS),
    )
    steps = st.lists(step, max_size=4).map(lambda found: [w for words in found for w in words])
    return joined(word("test"), one(st.sampled_from(["'x'", '"y"'])), word("{"), steps, word("}"))


GAPS = st.sampled_from([" ", " ", " ", " ", "\n", "\n\n", "\t", "  # comment\n", "\n# own line\n", "\n\n# apart\n\n\n"])


@st.composite
def programs(draw: st.DrawFn) -> str:
    words = [w for statement in draw(st.lists(statements(), max_size=5)) for w in statement]
    return "".join(text for w in words for text in (draw(GAPS), w)) + draw(GAPS)
