"""What statements, filters and blocks mean, and where words are keywords."""

from pathlib import Path

from pipeline.lang import Source, parse_program, parse_query
from pipeline.lang.ast import (
    Binary,
    Call,
    IncludeStatement,
    LetStatement,
    PatternStatement,
    SinkStatement,
    SourceStatement,
    Statement,
    TransformStatement,
)

NGINX = (Path(__file__).parent / "nginx.pipe").read_text(encoding="utf-8")


def statements(text: str) -> tuple[Statement, ...]:
    parsed = parse_program(Source("a.pipe", text))
    assert parsed.diagnostics == ()
    assert parsed.tree is not None
    return parsed.tree.statements


def chain(filters: str) -> tuple[Call, ...]:
    (statement,) = statements(f"transform t = s {filters}")
    assert isinstance(statement, TransformStatement)
    return statement.filters


def test_the_example() -> None:
    """The example program has its six statements, with names, upstreams and filters."""
    agg, access, parsed, facts, search, archive = statements(NGINX)
    assert isinstance(agg, LetStatement)
    assert isinstance(access, SourceStatement)
    assert access.call.name.text == "file"
    assert isinstance(parsed, TransformStatement)
    assert [f.name.text for f in parsed.filters] == ["grok", "set"]
    assert isinstance(facts, TransformStatement)
    assert facts.filters[2].block is not None
    assert [entry.target.dotted for entry in facts.filters[2].block.entries][-2:] == ["throttled", "volume"]
    assert isinstance(search, SinkStatement)
    assert search.output.name.text == "opensearch"
    assert isinstance(archive, SinkStatement)
    assert [ref.dotted for ref in archive.upstream] == ["parsed", "parsed.rejected"]
    assert archive.span.text.startswith("sink archive")
    assert archive.span.text.endswith("{age: 1h})")


def test_pattern_and_include() -> None:
    """A pattern is a raw text; an include takes either kind of text."""
    pattern, first, second = statements("pattern P = '%{WORD:verb}' include \"a.pipe\" include 'b/*.pipe'")
    assert isinstance(pattern, PatternStatement)
    assert pattern.pattern.value == "%{WORD:verb}"
    assert isinstance(first, IncludeStatement)
    assert first.path.value == "a.pipe"
    assert isinstance(second, IncludeStatement)
    assert second.path.value == "b/*.pipe"


def test_sink_with_filters() -> None:
    """A sink may have filters of its own before its output."""
    (sink,) = statements("sink o = a.port | where(x) | keep(y) -> null()")
    assert isinstance(sink, SinkStatement)
    assert [f.name.text for f in sink.filters] == ["where", "keep"]
    assert (sink.upstream[0].dotted, sink.output.name.text) == ("a.port", "null")


def test_where_is_a_filter_and_a_clause() -> None:
    """`where` after a `|` is a filter, after an entry a clause."""
    where, window = chain("| where(a) | window(1m) { n = count() where (b or c) }")
    assert where.name.text == "where"
    assert window.block is not None
    condition = window.block.entries[0].where
    assert isinstance(condition, Binary)
    assert condition.operator == "or"


def test_by_takes_one_key_or_a_list() -> None:
    """`by` follows the arguments of a filter or an entry."""
    window, session, top = chain(
        "| window(10s) by k { n = count() by [a, b.c,] } | session(5m, by: u) | top(3, p) by source"
    )
    assert [path.dotted for path in window.by] == ["k"]
    assert window.block is not None
    assert [path.dotted for path in window.block.entries[0].by] == ["a", "b.c"]
    assert session.arguments[1].name is not None
    assert session.arguments[1].name.text == "by"
    assert [path.dotted for path in top.by] == ["source"]


def test_blocks_with_and_without_parentheses() -> None:
    """A block follows a bare name or a call; commas and white space separate its entries."""
    bare, called, empty = chain("| rename { a = b, c = d } | set() { e = 1 f = 2 } | route { }")
    assert bare.block is not None
    assert len(bare.block.entries) == 2
    assert called.block is not None
    assert called.block == chain("| set{e=1,f=2,}")[0].block
    assert empty.block is not None
    assert empty.block.entries == ()


def test_keywords_are_names_where_no_clause_can_start() -> None:
    """Statement words name fields and nodes, clause words name targets, options and parts of paths."""
    (made,) = chain("| set { source = 1 test = 2 by = 3 where = 4 not = 5 then.else = in, if = test }")
    assert made.block is not None
    targets = [entry.target.dotted for entry in made.block.entries]
    assert targets == ["source", "test", "by", "where", "not", "then.else", "if"]
    let, transform, sink = statements(
        "let let = 1 transform source = sink | keep(by, in) sink sink = source.else -> null()"
    )
    assert isinstance(let, LetStatement)
    assert let.name.text == "let"
    assert isinstance(transform, TransformStatement)
    assert transform.upstream[0].dotted == "sink"
    assert isinstance(sink, SinkStatement)
    assert sink.upstream[0].dotted == "source.else"


def test_a_statement_word_ends_the_statement_before() -> None:
    """Newlines mean nothing: a statement ends where the next one starts."""
    first, second = statements("let a = source source b = file('x')")
    assert isinstance(first, LetStatement)
    assert first.value.span.text == "source"
    assert isinstance(second, SourceStatement)
    assert second.name.text == "b"


def test_back_ticks_quote_any_name() -> None:
    """A name in back-ticks is the same name without them."""
    assert statements("let `a` = `b`") == statements("let a = b")


def test_broken_statements_leave_their_names() -> None:
    """What can be read is in the tree, and unreadable statements name what they would have defined."""
    parsed = parse_program(Source("a.pipe", "let a = 1\nlet b = +\ntransform c = a | where(x = 1)\nlet d = 2"))
    assert parsed.tree is not None
    assert [s.name.text for s in parsed.tree.statements if not isinstance(s, IncludeStatement)] == ["a", "c", "d"]
    assert [name.text for name in parsed.broken] == ["b"]
    assert [diagnostic.code for diagnostic in parsed.diagnostics] == ["P031", "P030"]


def test_query() -> None:
    """A query is an input and filters; statement words are plain names in it."""
    parsed = parse_query(Source("q", "file('a.log') | grok('x') | top(10, path) by source"))
    assert parsed.diagnostics == ()
    assert parsed.tree is not None
    assert [stage.name.text for stage in parsed.tree.stages] == ["file", "grok", "top"]
    wrong = parse_query(Source("q", "file('a.log') | "))
    assert [diagnostic.message for diagnostic in wrong.diagnostics] == ["expected a filter after `|`"]
    assert wrong.tree is None
