"""The catalog: lazy, and clear about what is wrong with a plugin."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, PathDistribution
from pathlib import Path

import pytest
from fakes import Count, Read, Where

from pipeline.api import Resolver
from pipeline.errors import ConfigurationError
from pipeline.lang.spans import Source
from pipeline.plan.catalog import Catalog, _collect
from pipeline.plan.load import load


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules that can be imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_names_load_nothing(modules: Path) -> None:
    """Names are known without an import; a plugin is imported when it is asked for."""
    (modules / "lazy_one.py").write_text("from fakes import Where")
    catalog = Catalog.of({"filters": {"where": "lazy_one:Where"}})
    assert catalog.names("filters") == ("where",)
    assert "lazy_one" not in sys.modules
    assert catalog.filter("where") is Where
    assert "lazy_one" in sys.modules


def test_a_missing_package_says_what_to_install(modules: Path) -> None:
    """A plugin whose library is not there names the extra to install."""
    (modules / "lazy_two.py").write_text("import no_such_library.part")
    with pytest.raises(ConfigurationError) as caught:
        Catalog.of({"outputs": {"s3": "lazy_two:S3"}}).output("s3")
    assert caught.value.message == "`s3` needs the Python package `no_such_library`, which is not installed"
    assert caught.value.help == "pip install 'pipe-engine[s3]'"


@pytest.mark.parametrize(
    ("offered", "help"), [("Provides-Extra: s3\n", "pip install 'theirs[s3]'"), ("", "pip install no_such_library")]
)
def test_an_extra_is_advised_where_the_distribution_has_it(modules: Path, offered: str, help: str) -> None:
    (modules / "lazy_three.py").write_text("import no_such_library")
    about = modules / "theirs-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: theirs\nVersion: 1\n{offered}")
    (about / "entry_points.txt").write_text("[pipeline.outputs]\ns3 = lazy_three:S3\n")
    (point,) = PathDistribution(about).entry_points
    with pytest.raises(ConfigurationError) as caught:
        Catalog({"outputs": {"s3": point}}).output("s3")
    assert caught.value.help == help


def test_a_broken_plugin_is_no_missing_package() -> None:
    """A name that the module lacks is the plugin's own mistake."""
    with pytest.raises(ConfigurationError, match=r"the plugin `x` is broken: .*Nothing"):
        Catalog.of({"filters": {"x": "fakes:Nothing"}}).filter("x")


def test_another_version_of_the_api_is_refused() -> None:
    """A plugin says which contract it was written for."""

    class Later(Where):
        api = 2

    with pytest.raises(ConfigurationError, match="written for version 2 of the plugin API, this is version 1"):
        Catalog({"filters": {"where": Later}}).filter("where")


def test_a_plugin_of_another_kind_is_refused() -> None:
    """What is registered as a filter must be one."""
    with pytest.raises(
        ConfigurationError, match=r"registered in pipeline\.filters but is not a Filter, Fold or Window"
    ):
        Catalog({"filters": {"file": Read}}).filter("file")
    with pytest.raises(ConfigurationError, match=r"registered in pipeline\.functions but is not a Function"):
        Catalog({"functions": {"file": Read}}).function("file")


def test_aggregates_are_made_once() -> None:
    """An aggregate is an instance, the same for every use."""
    catalog = Catalog({"aggregates": {"count": Count}})
    assert catalog.aggregate("count") is catalog.aggregate("count")


def test_two_distributions_of_one_name_are_an_error_where_it_is_used() -> None:
    """A name that two entry points define differently cannot be used; the same entry point twice can."""
    one, two = EntryPoint("x", "fakes:Where", "g"), EntryPoint("x", "reference:interpret", "g")
    same, clashes = _collect("filters", [one, one])
    assert (list(same), clashes) == (["x"], {})
    found, clashes = _collect("filters", [one, two])
    catalog = Catalog({"filters": found}, clashes)
    with pytest.raises(ConfigurationError, match="`x` is defined by two distributions: fakes and reference"):
        catalog.filter("x")
    assert catalog.names("filters") == ("x",)


def test_a_plugin_that_cannot_be_used_is_a_diagnostic() -> None:
    """The checker reports it at the place where the program names it, with its advice."""
    catalog = Catalog({"inputs": {"file": Read}, "outputs": {"x": EntryPoint("x", "no_such_module_here:X", "g")}})
    (found,) = load(Source("p", "source a = file('x')\nsink b = a -> x()"), catalog=catalog).diagnostics
    assert (found.code, found.span.text, found.help) == ("P202", "x", "pip install 'pipe-engine[x]'")


def test_the_installed_catalog_reads_entry_points() -> None:
    """Kinds are the entry point groups; nothing is loaded by listing them."""
    catalog = Catalog.installed()
    for kind in ("inputs", "filters", "outputs", "aggregates", "functions"):
        assert catalog.names(kind) == tuple(sorted(catalog.names(kind)))


def test_resolvers_share_the_names_of_filters() -> None:
    """Their group of entry points says what a package brings; programs see filters."""
    catalog = Catalog.installed()
    assert "dns" in catalog.names("filters")
    assert issubclass(catalog.filter("dns"), Resolver)
