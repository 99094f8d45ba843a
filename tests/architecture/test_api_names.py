"""The names that API 1 promises to plugins of others (docs/decisions/0021)."""

from __future__ import annotations

import ast
from pathlib import Path

from pipeline import api
from pipeline.api import formats, nested, windows

ROOT = Path(__file__).parents[2]

STABLE = """
    API Aggregate Argument Assign Assignments BOOL BYTES Batch CARRIED Case Cases Codec Columns ConfigurationError
    Context DURATION Decoded Decoder Decoding DecodingOptions Delta Duration Encoder Event EventFilter Example Expr
    FLOAT Field Filter Fold Function Given Guarantee Guard Hole INT Input InternalError JSON Layout Log METADATA
    Members Meter Metric Metrics NULL NewName NoInputError OptionError Options OptionsT Output Parameter Patterns
    PipeError Plugin Position REST RID Refusal Reject Rename Renames Resolver ResolverOptions Result Roll STRING SUPPORTED
    Secret Segment Sessions Size Span StateError TIME Template Type Window Writer demand_codec dtype libraries lines list_of
    option record
"""


def test_the_names_of_the_api_are_those_that_are_promised():
    """One that is gone breaks plugins of others; a new one is for ever, and is written here on purpose."""
    assert sorted(api.__all__) == sorted(STABLE.split())
    assert [name for name in api.__all__ if not hasattr(api, name)] == []


def test_the_names_of_the_stable_submodules_are_there():
    """Those that the docstring of the API names."""
    assert {"csv", "header", "ndjson", "raw", "printable", "compress"} <= set(formats.__all__)
    assert [hasattr(windows, name) for name in ("How", "Reduction", "bucket")] == [True] * 3
    assert {"forgotten", "pick", "put", "without"} <= set(nested.__all__)
    told = api.__doc__ or ""
    assert [name for name in ("formats", "nested", "windows") if f"\n{name} " not in told] == []


def test_packages_to_copy_from_use_what_is_promised():
    """The examples, and what `pipe new` makes, import `pipeline.api`, its stable submodules, and nothing else of ours."""
    files = [*(ROOT / "examples" / "plugins").glob("*/pipe_*.py"), *ROOT.glob("pipeline/cli/templates/*/plugin.py.in")]
    assert len(files) >= 10
    allowed = {"pipeline.api", *(f"pipeline.api.{name}" for name in ("formats", "nested", "windows"))}
    for file in files:
        text = file.read_text(encoding="utf-8").replace("@object@", "Made").replace("@module@", "made")
        lines = [line for line in text.splitlines() if line.startswith(("from pipeline", "import pipeline"))]
        for node in ast.parse("\n".join(lines)).body:
            assert isinstance(node, ast.ImportFrom), file
            assert {f"{node.module}.{alias.name}" for alias in node.names} <= allowed or node.module in allowed, file
