import json
import re

KEYS = [
    "time_local",
    "remote_addr",
    "remote_user",
    "http_method",
    "request",
    "http_version",
    "status",
    "body_bytes_sent",
    "http_referer",
    "http_user_agent",
]
COMBINED = re.compile(r'(\S+) - (\S+) \[(.*?)\] "(.*?)" (\d+) (\d+) "(.*?)" "(.*)"')


def parsed(line):
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def test_lines_are_objects_with_the_keys_in_order(as_json):
    """All but the garbage parse; the keys are the documented ones in their order, with their types."""
    rows = [parsed(line) for line in as_json.lines(0, 50_000).decode().splitlines()]
    assert 2 <= rows.count(None) <= 25
    for row in filter(None, rows):
        assert list(row) == KEYS
        assert [type(value) for value in row.values()] == [str] * 6 + [int] * 2 + [str] * 2
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", row["time_local"])


def test_both_formats_tell_the_same_story(combined, as_json):
    """Line n is the same request by the same client in both formats, in the escapes of each."""
    texts = combined.lines(0, 20_000).decode().splitlines()
    objects = [parsed(line) for line in as_json.lines(0, 20_000).decode().splitlines()]
    compared = 0
    for text, row in zip(texts, objects, strict=True):
        match = COMBINED.fullmatch(text)
        assert (match is None) == (row is None)
        if match is None:
            continue
        line = (
            " ".join((row["http_method"], row["request"], row["http_version"]))
            if row["http_method"]
            else row["request"]
        )
        assert match[1] == row["remote_addr"]
        assert match[2] == row["remote_user"]
        assert unescaped(match[4]) == line
        assert (int(match[5]), int(match[6])) == (row["status"], row["body_bytes_sent"])
        assert unescaped(match[7]) == row["http_referer"]
        assert unescaped(match[8]) == row["http_user_agent"]
        compared += 1
    assert compared > 19_900


def unescaped(text):
    return re.sub(r"\\x([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), text)
