"""Every example of every function is true, and every function keeps the promises of its contract."""

import polars as pl
import pytest
from calls import FUNCTIONS, compile_call, run

from pipeline import api
from pipeline.columns import distinct
from pipeline.plan.catalog import Catalog

EXAMPLES = [(example.call, example.result) for function in FUNCTIONS.values() for example in function.examples]

SAMPLES = {
    "string": ["a", "", "é\x00😀", "-", "1.5", None],
    "bytes": [b"a", b"", b"\xff\x00", None],
    "int": [0, -1, 2**63 - 1, -(2**63), None],
    "float": [0.0, -1.5, 1e308, float("nan"), float("inf"), None],
    "bool": [True, False, None],
    "time": [0, -1, 253_402_300_799_999_999, None],
    "duration": [0, -1, 2**62, None],
    "list": [["a", None], [], None],
    "json": ['"a"', "1", "null", "{}", '{"a":[1]}', "[1, 2]", "broken", None],
    "record": [{"a": 1, "b": "é"}, {"a": None, "b": None}, None],
    "numbers": [[2**63 - 1, 2**63 - 1], [1, None], [], None],
    "lists": [[["a"], None, []], [], [None], None],
}
TYPES = {kind: api.Type(kind) for kind in SAMPLES} | {
    "list": api.list_of(api.STRING),
    "record": api.record({"a": api.INT, "b": api.STRING}),
    "numbers": api.list_of(api.INT),
    "lists": api.list_of(api.list_of(api.STRING)),
}


def column(kind):
    return pl.Series("x", SAMPLES[kind], dtype=api.dtype(TYPES[kind]))


def built(function, kind):
    """The function on a column `x`, with all other arguments as its first example that can be parsed gives them."""
    values, types = [pl.col("x")], [TYPES[kind]]
    constants = {
        "networks": "10.0.0.0/8", "pattern": "a", "new": "$", "separator": ",", "part": "a", "prefix": "a", "suffix": "",
        "name": "a", "n": 0, "key": "k", "length": 3, "parts": ["a"], "path": "a[0]", "namespace": "dns", "base": 16,
        "unit": "day", "times": 2,
    }  # fmt: skip
    for parameter in function.parameters[1:]:
        default = parameter.default if not parameter.required else constants.get(parameter.name)
        if parameter.constant or (default is None and not parameter.required):
            values.append(default)
            types.append(None)
        else:
            typical = parameter.types[0] if kind not in parameter.types else kind
            values.append(pl.lit(SAMPLES[typical][0]).cast(api.dtype(TYPES[typical])))
            types.append(TYPES[typical])
    if function.variadic and values[-1] is None:
        values.pop()
        types.pop()
    returns = function.returns if isinstance(function.returns, api.Type) else function.returns(tuple(types))
    return function.build(*values, **({"types": tuple(types)} if function.typed else {})), returns


def kinds(function):
    """The samples that a function takes as its first argument."""
    if function.name == "flatten":
        return ["lists"]
    first = function.parameters[0]
    return ["numbers"] if first.items == ("int", "float") else first.types or SAMPLES


PREDICATES = {"is_blank": True, "bool": None, "null_if": None}
"""What functions that give a bool make of null, unless it is false."""

CASES = [
    pytest.param(function, kind, id=f"{name}-{kind}")
    for name, function in FUNCTIONS.items()
    if name != "env"
    for kind in kinds(function)
]


@pytest.mark.parametrize(("call", "result"), EXAMPLES, ids=[call for call, _ in EXAMPLES])
def test_example(call, result):
    """An example yields what it says, in value and in type."""
    found = run(call)
    assert (type(found), found) == (type(result), result)


@pytest.mark.parametrize(("call", "result"), [("upper('a')", "a"), ("length('a')", 1.0), ("upper('a')", None)])
def test_a_wrong_example_is_noticed(call, result):
    """One with another value, and one with a value of another type."""
    with pytest.raises(AssertionError):
        test_example(call, result)


def test_all_functions_are_tested():
    """The functions of these tests are those that programs can call."""
    assert sorted(FUNCTIONS) == sorted(Catalog.installed().names("functions"))


@pytest.mark.parametrize(("function", "kind"), CASES)
def test_any_data(function, kind):
    """Odd values raise nothing, yield the dtype that was announced, and one value a row."""
    expression, returns = built(function, kind)
    result = column(kind).to_frame().select(expression.alias("y")).to_series()
    assert result.dtype == api.dtype(returns)
    assert result.len() == len(SAMPLES[kind])


@pytest.mark.parametrize(("function", "kind"), CASES)
def test_no_rows(function, kind):
    """A frame without rows gives a column without rows, of the dtype that was announced."""
    expression, returns = built(function, kind)
    result = column(kind).clear().to_frame().select(expression.alias("y")).to_series()
    assert (result.len(), result.dtype) == (0, api.dtype(returns))


@pytest.mark.parametrize(("function", "kind"), CASES)
def test_null(function, kind):
    """A column of nulls gives nulls; predicates give false, `is_blank` true."""
    expression, returns = built(function, kind)
    nulls = pl.Series("x", [None, None], dtype=api.dtype(TYPES[kind]))
    result = nulls.to_frame().select(expression.alias("y")).to_series().to_list()
    expected = PREDICATES.get(function.name, False) if returns == api.BOOL else None
    assert result == [expected, expected]


@pytest.mark.parametrize(("function", "kind"), CASES)
def test_one_by_one(function, kind):
    """A value has the same result alone, as a literal, and among others."""
    expression, _ = built(function, kind)
    frame = column(kind).to_frame()
    together = frame.select(expression.alias("y")).to_series()
    alone = [row.select(expression.alias("y")).to_series() for row in frame.iter_slices(1)]
    assert pl.concat(alone).equals(together, null_equal=True)


def test_documented():
    """Every function has a name in snake case, a doc that ends as a sentence, and an example."""
    for name, function in FUNCTIONS.items():
        assert name == function.name
        assert name.replace("_", "").isalnum()
        assert name.islower()
        assert function.doc.rstrip().endswith((".", ". "))
        assert function.examples
        assert all(parameter.doc.endswith(".") for parameter in function.parameters)


@pytest.mark.native
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "env"])
def test_what_runs_once_a_value_says_so(name, monkeypatch):
    """`by_value` is true of the functions whose first example is computed value by value, and of no others."""
    called = []
    for kernel in (distinct._Each, distinct._Columnar):
        run_kernel = kernel.__call__
        monkeypatch.setattr(
            kernel, "__call__", lambda self, values, run_kernel=run_kernel: called.append(1) or run_kernel(self, values)
        )
    run(FUNCTIONS[name].examples[0].call)
    assert bool(called) == FUNCTIONS[name].by_value


def test_strict_calls():
    """What can fail on a value that is there may be called with `!`: conversions and decoders."""
    assert {name for name, function in FUNCTIONS.items() if function.fallible} == {
        "base64_decode", "bool", "duration", "float", "hex_decode", "int", "parse_json", "size", "time"
    }  # fmt: skip


def test_compile_is_pure():
    """Compiling a call twice gives expressions that agree."""
    one, _ = compile_call("normalize_path(p)", {"p": api.STRING})
    other, _ = compile_call("normalize_path(p)", {"p": api.STRING})
    frame = pl.DataFrame({"p": ["/a/1", None]})
    assert frame.select(one).equals(frame.select(other))
