"""A source with a codec in the real command: what it keeps back, the ledger, a restart, and letters put in again."""

import json

from command import Pipe

PROGRAM = """
source app = file("app.log", codec: CODEC)
sink slow = app | where(took > 1) -> file("slow.ndjson")
sink all = app -> file("all.log", format: raw)
"""


def test_a_codec_is_accounted_for_over_restarts_and_retries(pipe: Pipe) -> None:
    """Every record is in the files once or with the dead letters; the audit says so after each run."""
    log = pipe.folder / "app.log"
    log.write_bytes(b'{"took":2}\nnonsense\n')
    pipe.write("p.pipe", PROGRAM.replace("CODEC", "json"))
    for more in (b'{"took":3}\ntook=4\n', b'{"took":1}\n'):
        assert pipe("run", "p.pipe", "--once").returncode == 0
        assert pipe("audit", "p.pipe").stderr == b""
        log.write_bytes(log.read_bytes() + more)
    pipe.write("p.pipe", PROGRAM.replace("CODEC", "logfmt"))
    assert pipe("dlq", "retry", "p.pipe", "--stage", "app").stdout.startswith(b"2 dead letters are put in again")
    log.write_bytes(log.read_bytes().replace(b'{"took":1}', b"took=1 x=y"))
    assert pipe("run", "p.pipe", "--once").returncode == 0
    audit = pipe("audit", "p.pipe", "--format", "json")
    assert (audit.returncode, audit.stderr) == (0, b"")
    stages = {row["stage"]: row for row in json.loads(audit.stdout)["stages"]}
    assert (stages["app"]["in"], stages["app"]["rejected"], stages["app"]["retried"]) == (7, 3, 2)
    assert sorted(json.loads(line)["took"] for line in (pipe.folder / "slow.ndjson").read_text().splitlines()) == [
        2,
        3,
        4,
    ]
    assert sorted((pipe.folder / "all.log").read_bytes().splitlines()) == [
        b"took=1 x=y",
        b"took=4",
        b'{"took":2}',
        b'{"took":3}',
    ]
