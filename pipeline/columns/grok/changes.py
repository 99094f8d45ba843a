"""Changes of a pattern that may let it match a line: what somebody who knows grok would try where it stopped."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import regex  # type: ignore[import-untyped]  # it has no stubs

from pipeline.columns.grok.expand import expand
from pipeline.columns.grok.failure import GrokError
from pipeline.columns.grok.ladder import Ladder

_ENDS = ("$", r"\z", r"\Z")
_STARTS = ("^", r"\A")
_SPACES = (" ", r"\s")
_REFERENCE = re.compile(r"%\{(\w+)(?::([^:{}]+))?(?::(\w+))?\}")
_NAMED = re.compile(r"\(\?P?<([A-Za-z_@\[][^<>()'\s:]*)(?::(\w+))?>.*\)", re.DOTALL)
_OR_DASH = re.compile(r"\(\?:(.+)\|-\)")
_ADDRESSES = {"IPORHOST": "an address or a host name"}
_NUMBERS = {"NUMBER": "a number with a fraction", "BASE16NUM": "a hexadecimal number"}
_TIMES = {
    "HTTPDATE": "a time as in access logs",
    "TIMESTAMP_ISO8601": "an ISO 8601 time",
    "SYSLOGTIMESTAMP": "a time as in syslog",
    "DATESTAMP": "a date and a time",
    "TIME": "a time of day",
    "NUMBER": "a time in seconds",
}
_TEXTS = {"WORD": "a word", "QUOTEDSTRING": "a text in quotes", "NOTSPACE": "anything without a blank"}
_FAMILIES = (
    ({"IP", "IPV4", "IPV6", "HOSTNAME"}, _ADDRESSES),
    ({"INT", "POSINT", "NONNEGINT", "BASE10NUM", "NUMBER"}, _NUMBERS),
    ({"DATE", "TIMESTAMP_ISO8601", "HTTPDATE", "SYSLOGTIMESTAMP", "DATESTAMP", "TIME", "HTTPDERROR_DATE"}, _TIMES),
)
"""What can stand where a pattern of the library was expected, the narrower first; any of `_TEXTS` can stand for everything."""


@dataclass(frozen=True, slots=True)
class Change:
    """`texts` are the elements of the changed pattern; `old` became `new`, and `say` tells why."""

    say: str
    old: str
    new: str
    texts: tuple[str, ...]


def changes(ladder: Ladder, line: str, definitions: Mapping[str, str], *, shorten: bool = True) -> Iterator[Change]:
    """Changes where the pattern of `ladder` stops on a line that it does not match, the narrowest first.

    They are guesses: whoever takes one must try it. `shorten`: whether the rest of the pattern may become optional."""
    stop = ladder.climb(line)
    texts, at, saw = ladder.texts, stop.index, line[stop.end :]
    if not texts:
        return
    element = texts[at]

    def swap(say: str, new: str, first: int = at, last: int = at + 1) -> Change:
        return Change(say, "".join(texts[first:last]), new, (*texts[:first], new, *texts[last:]))

    yield from _escaped(texts, at, line[: stop.end], saw)
    if element in _ENDS and saw:
        if saw.isspace():
            yield swap("allow blanks at the end", r"\s*" + element)
        yield swap("take what follows", f"%{{GREEDYDATA:{_free(ladder, 'rest')}}}" + element)
    if not saw and shorten:
        yield from _shorter(texts, at)
    yield from _blanks(texts, at, saw)
    if _is_literal(element):
        yield from _word(texts, at, line[: stop.end], saw)
    elif saw.startswith("-"):
        yield swap("allow a dash", f"(?:{element}|-)")
    following = texts[at + 1 : at + 2]
    for say, new in _relatives(element):
        if _fits([new, *following], saw, definitions):
            yield swap(say, new)
    if not _is_literal(element) and _fits([r"\S+\s+", element, *following], saw, definitions):
        yield swap("skip the word before it", r"\S+\s+" + element)
    for say, new in _texts(element):
        if _fits([new, *following], saw, definitions):
            yield swap(say, new)
    if _is_literal(element):
        yield from _before(texts, at)
    if at + 1 < len(texts) and element not in (*_ENDS, *_STARTS) and saw:
        end = at + 2 if _is_literal(texts[at + 1]) and not _is_literal(element) else at + 1
        yield swap("let it be absent", f"(?:{''.join(texts[at:end])})?", at, end)
    if texts[0] in _STARTS:
        yield Change("let it begin later in the line", texts[0], "", texts[1:])


def _shorter(texts: Sequence[str], at: int) -> Iterator[Change]:
    end = len(texts) - 1 if texts[-1] in _ENDS else len(texts)
    rest = "".join(texts[at:end])
    if rest:
        new = f"(?:{rest})?"
        yield Change("the line ends here: let the rest be absent", rest, new, (*texts[:at], new, *texts[end:]))


def _blanks(texts: Sequence[str], at: int, saw: str) -> Iterator[Change]:
    """Where one space was written, and other blanks or more of them came."""
    place = at if texts[at] in _SPACES else at - 1
    if place < 0 or texts[place] not in _SPACES or not saw[:1].isspace():
        return
    new, say = r"\s+", "allow any blanks"
    yield Change(say, texts[place], new, (*texts[:place], new, *texts[place + 1 :]))
    if texts.count(texts[place]) > 1:
        everywhere = tuple(new if text == texts[place] else text for text in texts)
        yield Change(f"{say}, everywhere", texts[place], new, everywhere)


def _escaped(texts: Sequence[str], at: int, before: str, saw: str) -> Iterator[Change]:
    r"""Where a text in quotes contains `\"`."""
    if not (before.endswith('\\"') or saw.startswith("\\")):
        return
    for close in (at - 1, at):
        if close >= 2 and texts[close] == texts[close - 2] == '"':
            field = _field(texts[close - 1])
            new = r'(?:[^"\\]|\\.)*'
            new = f"(?<{field}>{new})" if field else new
            yield Change("allow escaped quotes", texts[close - 1], new, (*texts[: close - 1], new, *texts[close:]))


def _word(texts: Sequence[str], at: int, before: str, saw: str) -> Iterator[Change]:
    """Where another word stands than the one that is written."""
    first = at
    while first > 0 and _is_letter(texts[first - 1]) and _is_letter(texts[at]):
        first -= 1
    last = at + 1
    while last < len(texts) and _is_letter(texts[last]) and _is_letter(texts[at]):
        last += 1
    run = "".join(texts[first:last])
    word = re.match(r"\w+|\S", before[len(before) - (at - first) :] + saw)
    if word is None or not _is_letter(texts[at]) or len(word[0]) > 30:
        return
    same = word[0].lower() == run.lower()
    new = f"(?i:{run})" if same else f"(?:{run}|{re.escape(word[0])})"
    say = "allow capital and small letters" if same else "allow the other word"
    yield Change(say, run, new, (*texts[:first], new, *texts[last:]))
    if not same:
        yield Change("allow any word", run, r"\w+", (*texts[:first], r"\w+", *texts[last:]))


def _before(texts: Sequence[str], at: int) -> Iterator[Change]:
    """Where a character was expected, and the field before it may have ended too early."""
    for place in range(at - 1, max(at - 4, -1), -1):
        field = _field(texts[place])
        if field:
            for say, new in (*_relatives(texts[place]), *_texts(texts[place]), _blank(field)):
                yield Change(say, texts[place], new, (*texts[:place], new, *texts[place + 1 :]))
            return


def _blank(field: str) -> tuple[str, str]:
    return "it may contain blanks", f"%{{DATA:{field}}}"


def _relatives(element: str) -> Iterator[tuple[str, str]]:
    """Patterns of the library of the same family as a reference, each with what it stands for."""
    found = _REFERENCE.fullmatch(_inner(element))
    if not found:
        return
    name, field, kind = found.groups()
    for names, others in _FAMILIES:
        if name in names:
            for other, what in others.items():
                type_ = ":float" if kind and other == "NUMBER" else ""
                if other != name:
                    yield f"it may be {what}", f"%{{{other}{':' + field if field else ''}{type_}}}"


def _texts(element: str) -> Iterator[tuple[str, str]]:
    """Patterns for any text in place of a reference or a named group."""
    field, found = _field(element), _REFERENCE.fullmatch(_inner(element))
    for name, what in _TEXTS.items() if field or found else ():
        if found is None or found[1] != name:
            yield f"it may be {what}", f"%{{{name}{':' + field if field else ''}}}"


def _fits(texts: Sequence[str], saw: str, definitions: Mapping[str, str]) -> bool:
    """Whether the elements match the very start of what the pattern stopped at."""
    try:
        source = expand("".join(texts), definitions).source
        return regex.compile(source, regex.ASCII).match(saw, timeout=0.1) is not None
    except (GrokError, TimeoutError):
        return False


def _inner(element: str) -> str:
    """The element, without the dash that may stand for it."""
    found = _OR_DASH.fullmatch(element)
    return found[1] if found else element


def _field(element: str) -> str | None:
    found = _REFERENCE.fullmatch(_inner(element)) or _NAMED.fullmatch(_inner(element))
    return (found[2] if found.re is _REFERENCE else found[1]) if found else None


def _is_letter(text: str) -> bool:
    return len(text) == 1 and (text.isalnum() or text == "_")


def _is_literal(text: str) -> bool:
    """A character that stands for itself."""
    return (len(text) == 1 and text not in ".^$") or (len(text) == 2 and text[0] == "\\" and not text[1].isalnum())


def _free(ladder: Ladder, name: str) -> str:
    """A field that the pattern does not have yet."""
    number, free = 1, name
    while re.search(rf"[:<]{free}[:}}>]", ladder.pattern):
        number += 1
        free = f"{name}{number}"
    return free
