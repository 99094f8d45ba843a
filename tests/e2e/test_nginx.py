"""A real nginx under load, its log followed through a rotation, counted by awk."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from real import ROOT, Pipe, unpacked, wait_until

CONF = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log crit; {user}
events {{ worker_connections 256; }}
http {{
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  access_log {folder}/access.log combined;
  server {{
    listen 127.0.0.1:{port}; root {folder}/html;
    location = /error {{ return 500 "sorry"; }}
    location = /gone {{ return 410; }}
    location = /moved {{ return 302 /; }}
    location = /denied {{ return 403; }}
    location = /slow {{ return 429; }}
    location /api/ {{ return 200 "ok"; }}
  }}
}}
"""

MIX = """
local paths = {"/", "/index.html", "/api/items/17?id=3", "/error", "/gone", "/moved", "/denied", "/slow", "/missing/x", "/caf%C3%A9?q=a%20b"}
local agents = {"curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36", 'a "quoted" agent'}
local methods = {"GET", "GET", "POST", "DELETE"}
local n = 0
request = function()
  n = n + 1
  return wrk.format(methods[n % 4 + 1], paths[n % 10 + 1], {["User-Agent"] = agents[n % 3 + 1], ["Referer"] = n % 2 == 0 and "http://example.test/" or nil})
end
"""


@pytest.mark.skipif(not (shutil.which("nginx") and shutil.which("wrk")), reason="needs nginx and wrk")
def test_a_rotated_log_of_a_real_nginx_is_counted_exactly(pipe: Pipe) -> None:
    """Every status counted as awk counts it in the rotated files; every line archived once."""
    folder = pipe.folder
    (folder / "html").mkdir()
    (folder / "html" / "index.html").write_text("hello")
    folder.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = "user root;" if Path("/proc/self").stat().st_uid == 0 else ""
    (folder / "nginx.conf").write_text(CONF.format(folder=folder, port=port, user=user))
    (folder / "mix.lua").write_text(MIX)
    server = subprocess.Popen(
        ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    )
    try:
        wait_until(lambda: answers(port), 10, "nginx answers")
        engine = pipe.start("run", str(ROOT / "configs" / "nginx.pipe"), "--state", "state")
        load = subprocess.Popen(
            ["wrk", "-t1", "-c8", "-d6s", "-s", str(folder / "mix.lua"), f"http://127.0.0.1:{port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number in (1, 2):
            time.sleep(2)
            (folder / "access.log").rename(folder / f"access.log.{number}")
            server.send_signal(signal.SIGUSR1)
        assert load.wait(timeout=30) == 0
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(timeout=20)
    assert pipe.end(engine) == 0
    done = pipe.run("run", str(ROOT / "configs" / "nginx.pipe"), "--once", "--state", "state")
    assert done.returncode == 0, done.stderr

    logs = sorted(folder.glob("access.log*"))
    assert len(logs) == 3
    counted: dict[int, int] = {}
    for fact in map(json.loads, latest((folder / "out" / "facts.ndjson").read_text().splitlines())):
        if fact["metric"] == "requests":
            status = fact["by"]["status"]
            counted[status] = counted.get(status, 0) + fact["value"]
    awk = subprocess.run(
        ["awk", '-F"', '{ split($3, rest, " "); n[rest[1]]++ } END { for (s in n) print s, n[s] }', *map(str, logs)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert counted == {int(line.split()[0]): int(line.split()[1]) for line in awk.stdout.splitlines()}
    assert {200, 302, 403, 404, 410, 429, 500} <= set(counted)
    archived = b"".join(unpacked(folder / "out" / "raw"))
    assert sorted(archived.splitlines()) == sorted(b"".join(log.read_bytes() for log in logs).splitlines())


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1) as reply:
            return reply.status == 200
    except OSError:
        return False


def latest(lines: list[str]) -> list[str]:
    """The highest revision of each fact."""
    found: dict[str, str] = {}
    for line in lines:
        fact = json.loads(line)
        if fact["id"] not in found or json.loads(found[fact["id"]])["revision"] < fact["revision"]:
            found[fact["id"]] = line
    return list(found.values())
