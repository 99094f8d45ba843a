"""Random patterns and random texts, of a kind that patterns have opinions about."""

from hypothesis import strategies as st

ATOMS = [
    "a",
    "b",
    "1",
    "-",
    ".",
    "[ab]",
    "[^a]",
    r"\d",
    r"\w",
    r"\b",
    r"\s",
    "^",
    "$",
    "é",
    "[^é]",
    "[é-ü]",
    "b*",
    ".*?",
    "(?:|a)",
]
LOOKS = ["(?![0-9])", "(?<![0-9-])", "(?<!a)", "(?!b)", r"(?=\s|$)", r"(?<=^|\s)", "(?=a)", "(?<=b)", "(?!ab)"]
TEXTS = st.text(alphabet="ab1- é\n", max_size=8)


@st.composite
def pieces(draw: st.DrawFn, depth: int = 3) -> str:
    """A random pattern that uses every construct the translation has an opinion about."""
    kind = draw(st.integers(0, 9 if depth else 3))
    if kind <= 2:
        return draw(st.sampled_from(ATOMS))
    if kind == 3:
        return draw(st.sampled_from(LOOKS))
    inner = draw(pieces(depth - 1))
    if kind == 4:
        return inner + draw(pieces(depth - 1))
    if kind == 5:
        return f"(?:{inner}|{draw(pieces(depth - 1))})"
    if kind == 6:
        return f"(?>{inner})"
    if kind == 7:
        return (
            f"(?:{inner}{draw(st.sampled_from(['x', '']))}){draw(st.sampled_from(['*+', '++', '?+', '+', '*', '?']))}"
        )
    if kind == 8:
        return f"(?:{inner}){draw(st.sampled_from(['*?', '+?', '??', '{2}', '{1,2}', '{0,2}']))}"
    return f"(?<f{draw(st.integers(0, 2))}>{inner})"


@st.composite
def patterns(draw: st.DrawFn) -> str:
    parts = draw(st.lists(pieces(), min_size=1, max_size=4))
    return (
        draw(st.sampled_from(["", "(?<whole>.*?)", "(?<head>.)"]))
        + "".join(parts)
        + draw(st.sampled_from(["", "(?<t>.)"]))
    )


QUOTED = st.text(alphabet=r" -a/\"x2", max_size=6)
ADDRESSES = st.sampled_from(
    ["1.2.3.4", "999.1.1.1", "1.2.3.4.5", "::1", "2001:db8::7", "host-1", "-", "", "unix:", "1.2.3.4 x"]
)
TIMES = st.sampled_from(
    ["10/Oct/2000:13:55:36 -0700", "1/Oct/2000:13:55:36 +0000", "32/Foo/2000:13:55:36 -0700", "", "a b"]
)
REQUESTS = st.sampled_from(
    ["-", "", r"\x16\x03\x01", "GET /", "GET /a b HTTP/1.1", "GET /a HTTP/1.1", 'GET /" HTTP/1.0', r"GET /\"x HTTP/2"]
)
STATUSES = st.sampled_from(["200", "-", "99", "2.5", "1000"])
USERS = st.sampled_from(["-", "joe", "a b", "joe@x.org", "-x", ""])
TAILS = st.sampled_from(["", "\r", ' "extra" 0.5', " 200", "\n", "\nx"])


@st.composite
def log_lines(draw: st.DrawFn) -> str:
    """Access log lines, most of them damaged in one place or more."""
    request = draw(REQUESTS | QUOTED)
    head = f"{draw(ADDRESSES)} {draw(USERS)} {draw(USERS)} [{draw(TIMES)}]"
    tail = f'{draw(STATUSES)} {draw(STATUSES)} "{draw(QUOTED)}" "{draw(QUOTED)}"{draw(TAILS)}'
    line = f'{head} "{request}" {tail}'
    cut = draw(st.integers(0, len(line)))
    return draw(st.sampled_from([line, line, line, line[cut:], line[:cut], "x - " + line]))
