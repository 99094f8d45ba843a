"""`pipe dlq`: dead letters are listed, shown, put in again and removed, whether their agent runs or not."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable

import apsw
import pytest
from command import Pipe

PROGRAM = """
source log = file("in.log")
transform words = log | grok('^%{WORD:w} %{INT:n:int}$') | where(int!(n) > 0)
transform more  = words | json(w)
sink kept = words -> file("out.log", format: raw)
"""
LENIENT = PROGRAM.replace("'^%{WORD:w} %{INT:n:int}$'", "['^%{WORD:w} %{INT:n:int}$', '^(?<w>[?!]+)$']").replace(
    "int!(n) > 0", "true"
)
LINES = b"a 1\n??\nb 2\n!!\n\xff\n"


@pytest.fixture
def stopped(pipe: Pipe) -> Pipe:
    """The state of a program that has read LINES, three of which are dead letters of `words`, two of `more`."""
    pipe.write("p.pipe", PROGRAM)
    (pipe.folder / "in.log").write_bytes(LINES)
    done = pipe("run", "p.pipe", "--once")
    assert done.returncode == 0, done.stderr
    return pipe


def kinds(pipe: Pipe, *options: str) -> list[tuple[object, ...]]:
    done = pipe("dlq", "list", "p.pipe", "--format", "json", *options)
    assert done.returncode == 0, done.stderr
    return [
        (kind["stage"], kind["filter"], kind["reason"], kind["field"], kind["rows"], kind["retrying"])
        for kind in json.loads(done.stdout)["letters"]
    ]


def shown(pipe: Pipe, *words: str) -> list[tuple[str, str]]:
    done = pipe("dlq", "show", "p.pipe", *words)
    assert done.returncode == 0, done.stderr
    return [(letter["id"], letter["@raw"]) for letter in map(json.loads, done.stdout.splitlines())]


def ledger(pipe: Pipe, stage: str) -> dict[str, int]:
    with apsw.Connection(str(pipe.folder / ".pipe/p/state.db")) as database:
        found = list(database.execute("SELECT outcome, rows FROM ledger WHERE stage = ?", (stage,)))
    database.close()
    return dict(found)


WORDS = ("words", "grok", "no_match", "@raw", 3, 0)
MORE = ("more", "json", "not_json", "w", 2, 0)


def test_letters_are_counted_by_kind(stopped: Pipe) -> None:
    """All of them, or those of a stage, a reason, a time; as text and as JSON."""
    assert kinds(stopped) == [WORDS, MORE]
    assert kinds(stopped, "--stage", "words") == [WORDS]
    assert kinds(stopped, "--reason", "not_json") == [MORE]
    assert kinds(stopped, "--since", "1h") == [WORDS, MORE]
    assert kinds(stopped, "--since", "1us") == []
    text = stopped("dlq", "list", "p.pipe").stdout.decode().splitlines()
    assert text[0].split() == ["stage", "filter", "reason", "field", "rows", "retrying", "oldest", "newest"]
    assert text[2].split()[:6] == ["words", "grok", "no_match", "@raw", "3", "0"]
    assert stopped("dlq", "list", "p.pipe", "--stage", "other").stdout == b"there are no dead letters\n"


def test_letters_are_shown_by_id(stopped: Pipe) -> None:
    """An id is that of a burial and a row, and names the same letter for ever; without a row it is the whole burial."""
    letters = shown(stopped, "--stage", "words")
    assert [raw for _, raw in letters] == ["\ufffd", "!!", "??"]
    burial = letters[0][0].split(".")[0]
    assert [id for id, _ in letters] == [f"{burial}.2", f"{burial}.1", f"{burial}.0"]
    assert shown(stopped, f"{burial}.1") == [(f"{burial}.1", "!!")]
    assert shown(stopped, f"{burial}.0", f"{burial}.2") == [letters[0], letters[2]]
    assert shown(stopped, burial) == letters
    assert shown(stopped, f"{burial}.7", "99.0") == []
    text = stopped("dlq", "show", "p.pipe", f"{burial}.1", "--format", "text").stdout.decode().splitlines()
    told = {line.split(None, 1)[0]: line.split(None, 1)[1] for line in text if line}
    assert (told["id"], told["@raw"], told["@offset"], told["filter"], told["reason"]) == (
        f"{burial}.1",
        "!!",
        "11",
        "grok",
        "no_match",
    )


def test_letters_are_removed_and_counted(stopped: Pipe) -> None:
    """Only where somebody said yes; those that are being put in again stay, and so do all others."""
    for words in (["--all"], ["--stage", "more"]):
        done = stopped("dlq", "drop", "p.pipe", *words)
        assert (done.returncode, b"--yes" in done.stderr) == (64, True)
    burial = shown(stopped, "--stage", "words")[0][0].split(".")[0]
    assert stopped("dlq", "drop", "p.pipe", f"{burial}.1", "--yes").stdout == b"1 dead letter is removed\n"
    assert stopped("dlq", "drop", "p.pipe", f"{burial}.1", "--yes").stdout == b"0 dead letters are removed\n"
    assert [id for id, _ in shown(stopped, "--stage", "words")] == [f"{burial}.2", f"{burial}.0"]
    stopped("dlq", "retry", "p.pipe", f"{burial}.0")
    assert kinds(stopped) == [("more", "json", "not_json", "w", 2, 0), ("words", "grok", "no_match", "@raw", 2, 1)]
    assert stopped("dlq", "drop", "p.pipe", "--all", "--yes").stdout == b"3 dead letters are removed\n"
    assert [id for id, _ in shown(stopped)] == [f"{burial}.0"]
    assert (ledger(stopped, "words")["dropped"], ledger(stopped, "more")["dropped"]) == (2, 2)
    assert stopped("audit", "p.pipe").returncode == 0


@pytest.mark.parametrize("what", ["retry", "drop"])
def test_which_letters_must_be_said(stopped: Pipe, what: str) -> None:
    """Nothing is not everything, and everything is not some."""
    yes = ["--yes"] if what == "drop" else []
    for words in ([], ["--all", "--stage", "words"], ["--all", "1.0"]):
        done = stopped("dlq", what, "p.pipe", *words, *yes)
        assert (done.returncode, b"which dead letters are meant?" in done.stderr) == (64, True)
    done = stopped("dlq", what, "p.pipe", "nonsense", *yes)
    assert (done.returncode, b"nonsense is no id" in done.stderr) == (64, True)
    assert kinds(stopped) == [WORDS, MORE]


@pytest.mark.parametrize("words", [("show",), ("retry",), ("drop", "--yes")], ids=lambda words: words[0])
def test_more_ids_than_a_request_takes_are_refused(stopped: Pipe, words: tuple[str, ...]) -> None:
    """Whether an agent runs or not; some thousand are fine."""
    some = [f"{number}.0" for number in range(100, 5_000)]
    assert stopped("dlq", *words, "p.pipe", *some).returncode == 0
    done = stopped("dlq", *words, "p.pipe", *some, *some)
    assert (done.returncode, b"9,800 ids are too many at once" in done.stderr) == (64, True)


def test_the_next_run_puts_letters_in_again(stopped: Pipe) -> None:
    """With a program that has learnt to read them; those that it still cannot are new letters with a try more."""
    stopped.write("p.pipe", LENIENT)
    done = stopped("dlq", "retry", "p.pipe", "--stage", "words")
    assert done.stdout == b"3 dead letters are put in again by the next run\n"
    assert stopped("run", "p.pipe", "--once").returncode == 0
    assert (stopped.folder / "out.log").read_bytes() == b"a 1\nb 2\n??\n!!\n"
    ((stage, *_, rows, _),) = [kind for kind in kinds(stopped) if kind[0] == "words"]
    assert (stage, rows) == ("words", 1)
    (letter,) = map(json.loads, stopped("dlq", "show", "p.pipe", "--stage", "words").stdout.splitlines())
    assert (letter["@raw_base64"], letter["tries"]) == ("/w==", 1)
    assert ledger(stopped, "words") == {"in": 8, "out": 4, "rejected": 4, "retried": 3}
    assert stopped("audit", "p.pipe").returncode == 0


def test_a_running_agent_puts_letters_in_again_at_once(
    stopped: Pipe, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """And removes some, without a restart; the log goes on meanwhile."""
    stopped.write("p.pipe", LENIENT)
    process = started("run", "p.pipe")
    with (stopped.folder / "in.log").open("ab") as log:
        log.write(b"c 3\n")
    out = stopped.folder / "out.log"
    while out.read_bytes() != b"a 1\nb 2\nc 3\n":
        assert process.poll() is None
    assert stopped("dlq", "drop", "p.pipe", "--stage", "more", "--yes").stdout.endswith(b"dead letters are removed\n")
    assert stopped("dlq", "retry", "p.pipe", "--reason", "no_match").stdout == b"3 dead letters are put in again\n"
    while out.read_bytes() != b"a 1\nb 2\nc 3\n??\n!!\n":
        assert process.poll() is None
    assert [raw for _, raw in shown(stopped, "--stage", "words")] == ["\ufffd"]


def test_letters_are_put_in_again_with_the_program_that_runs(
    stopped: Pipe, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """After a reload that is the new one: the old one rejects them again. The ledger balances all the while."""

    def retried() -> int:
        assert process.poll() is None
        done = stopped("audit", "p.pipe", "--format", "json")
        assert done.returncode == 0, done.stderr
        (rows,) = [row["retried"] for row in json.loads(done.stdout)["stages"] if row["stage"] == "words"]
        return int(rows)

    retry = ("dlq", "retry", "p.pipe", "--reason", "no_match")
    stopped(*retry)
    process = started("run", "p.pipe")
    assert process.stderr is not None
    while retried() != 3:
        pass
    stopped.write("p.pipe", LENIENT)
    process.send_signal(signal.SIGHUP)
    while b"the program is reloaded" not in process.stderr.readline():
        assert process.poll() is None
    assert stopped(*retry).stdout == b"3 dead letters are put in again\n"
    while retried() != 6:
        pass
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert ledger(stopped, "words") == {"in": 11, "out": 4, "rejected": 7, "retried": 6}
    assert (stopped.folder / "out.log").read_bytes() == b"a 1\nb 2\n??\n!!\n"


def test_letters_of_a_stage_that_is_gone_stay(stopped: Pipe) -> None:
    """The journal says so; nothing waits for them."""
    stopped.write("p.pipe", 'source log = file("in.log")\nsink kept = log -> file("other.log", format: raw)\n')
    stopped("dlq", "retry", "p.pipe", "--stage", "more")
    done = stopped("run", "p.pipe", "--once")
    assert done.returncode == 0
    assert b"dead letters cannot be put in again and stay where they are" in done.stderr
    assert b"the stage is not in the program any more" in done.stderr
    assert kinds(stopped) == [WORDS, MORE]


def test_a_letter_that_may_be_the_row_that_was_given_on_stays(pipe: Pipe) -> None:
    """Its record comes to the stage on two ways, and was rejected on one of them: the other row is not given on twice."""
    program = """
source log = file("in.log")
transform one = log | set {{ n = '1' }}
transform two = log | set {{ n = {two} }}
transform both = [one, two] | set {{ number = int!(n) }}
sink kept = both | keep(number) -> file("out.ndjson")
"""
    pipe.write("p.pipe", program.format(two="string(@raw)"))
    (pipe.folder / "in.log").write_bytes(b"x\n2\n")
    assert pipe("run", "p.pipe", "--once").returncode == 0
    assert pipe("dlq", "retry", "p.pipe", "--all").returncode == 0
    pipe.write("p.pipe", program.format(two="'3'"))
    done = pipe("run", "p.pipe", "--once")
    assert b"come to the stage on several ways" in done.stderr
    numbers = [json.loads(line)["number"] for line in (pipe.folder / "out.ndjson").read_text().splitlines()]
    assert (sorted(numbers), [raw for _, raw in shown(pipe)]) == ([1, 1, 2], ["x"])
    assert pipe("audit", "p.pipe").returncode == 0
