"""What importing the language costs."""

import subprocess
import sys

import pytest

import pipeline.lang


def test_diagnostics_come_without_the_parser() -> None:
    """Importing diagnostics, trees and the renderer does not import lark."""
    code = (
        "import sys, pipeline.lang.diagnostics, pipeline.lang.ast; from pipeline.lang import render; "
        "sys.exit('lark' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_is_there() -> None:
    """All exported names can be loaded, and no others."""
    assert all(hasattr(pipeline.lang, name) for name in pipeline.lang.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = pipeline.lang.nonsense


def test_codes_are_consistent() -> None:
    """Every code is registered under itself, with a title on one line and an explanation."""
    for code, entry in pipeline.lang.CODES.items():
        assert code == entry.code
        assert entry.title
        assert "\n" not in entry.title
        assert entry.explanation.endswith(".")
