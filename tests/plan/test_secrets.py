"""Secrets in programs: where they are kept, that they are read when they are used, and that nobody sees them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pipeline_plugins.outputs.null import Null

from pipeline import api
from pipeline.errors import ConfigurationError
from pipeline.lang.spans import Source
from pipeline.plan.catalog import Catalog
from pipeline.plan.explain import explain
from pipeline.plan.load import Loaded, load


class Options(api.Options):
    token: api.Secret | None = api.option("Who we are.", default=None)
    headers: dict[str, api.Secret] = api.option("More of it.", default={})


class Post(Null):
    """Takes secrets."""

    name = "post"
    options_model = Options  # type: ignore[assignment]
    options: Options


def loaded(options: str, variables: dict[str, str] | None = None) -> Loaded:
    program = f"let where = 'file:/run/t'\nsource log = generate(count: 1)\nsink out = log -> post({options})\n"
    catalog = Catalog.installed().also("outputs", "post", Post)
    return load(Source("p.pipe", program), catalog=catalog, variables=variables or {})


def options(given: Loaded) -> Options:
    assert given.graph is not None, given.diagnostics
    output = given.graph.stages["out"].output
    assert isinstance(output, Post)
    return output.options


def told(given: Loaded) -> list[tuple[str, str, str]]:
    return [(found.code, found.severity, found.message) for found in given.diagnostics]


@pytest.mark.parametrize(
    ("written", "kind", "place"),
    [
        ("secret('file:/run/t')", "file", "/run/t"),
        ("secret(where)", "file", "/run/t"),
        ("secret('env:TOKEN')", "env", "TOKEN"),
        ("secret('credential:token')", "credential", "token"),
        ("env('TOKEN')", "", "t0k"),
    ],
)
def test_a_program_says_where_a_secret_is_kept(written: str, kind: str, place: str) -> None:
    """Or reads it from its environment; nobody needs to have it yet when a program is checked."""
    found = loaded(f"token: {written}, headers: {{key: {written}}}", {"TOKEN": "t0k"})
    assert told(found) == []
    secret = options(found).token
    assert secret is not None
    assert ((secret.kind, secret.place), options(found).headers) == ((kind, place), {"key": secret})


def test_a_secret_in_the_program_is_warned_of() -> None:
    """It works, as in a test; but whoever reads the program reads the secret."""
    found = loaded("token: 't0k'")
    assert told(found) == [("P404", "warning", "`token` of `post` can be read by everybody who can read the program")]
    assert options(found).token == api.Secret.text("t0k")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("secret('t0k')", "`token` of `post` is kept nowhere"),
        ("secret('vault:x')", "`token` of `post` is kept nowhere"),
        ("secret('file:')", "`token` of `post` is kept nowhere"),
        ("secret()", "`secret` in `token` of `post` takes one text"),
        ("secret('file:a', 'file:b')", "`secret` in `token` of `post` takes one text"),
        ("secret(1)", "`secret` in `token` of `post` is a text such as 'file:PATH', not an int"),
        ("1", "`token` of `post` is a secret, not an int"),
    ],
)
def test_what_is_no_secret_is_refused(written: str, message: str) -> None:
    assert told(loaded(f"token: {written}")) == [("P206", "error", message)]


def test_a_secret_is_no_value_of_events() -> None:
    """It would be written to outputs."""
    program = (
        "source log = generate(count: 1)\ntransform t = log | set { x = secret('env:X') }\nsink out = t -> null()\n"
    )
    (found,) = load(Source("p.pipe", program)).diagnostics
    assert (found.code, found.help) == (
        "P303",
        "secrets go into options that take one, such as a token or a password, and nowhere else",
    )


def test_a_secret_is_never_shown() -> None:
    """Not where options are printed, not by `explain`."""
    found = loaded("token: env('TOKEN'), headers: {key: secret('env:TOKEN')}", {"TOKEN": "t0k"})
    assert found.graph is not None
    shown = [repr(options(found)), str(options(found).token), explain(found.graph)]
    assert [text for text in shown if "t0k" in text] == []
    assert repr(options(found).headers["key"]) == "secret('env:TOKEN')"


def test_a_secret_is_read_when_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So one that was replaced is the new one; the line break at the end of a file is not part of it."""
    file = tmp_path / "token"
    secret = api.Secret.at(f"file:{file}")
    for text in ("old", "new\n"):
        file.write_text(text)
        assert secret.read() == text.rstrip()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert api.Secret.at("credential:token").read() == "new"
    monkeypatch.setenv("PIPE_TEST_TOKEN", "t0k")
    assert api.Secret.at("env:PIPE_TEST_TOKEN").read() == "t0k"


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("file:{folder}/none", "cannot read the secret in {folder}/none: No such file or directory"),
        ("file:{folder}/empty", "the secret in {folder}/empty is empty"),
        ("file:{folder}/bytes", "cannot read the secret in {folder}/bytes: it is not UTF-8 text"),
        ("env:PIPE_NO_SUCH_TOKEN", "the environment variable PIPE_NO_SUCH_TOKEN is not set"),
        ("credential:../empty", "there is no credential ../empty"),
    ],
)
def test_a_secret_that_is_not_there_says_where_it_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, message: str
) -> None:
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "bytes").write_bytes(b"\xff")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(ConfigurationError) as caught:
        api.Secret.at(where.format(folder=tmp_path)).read()
    assert (caught.value.message, bool(caught.value.help)) == (message.format(folder=tmp_path), True)
