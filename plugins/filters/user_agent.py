"""Which program and machine a user agent is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from re import _constants, _parser  # type: ignore[attr-defined,unused-ignore]  # typeshed knows them for some versions only
from typing import Any, TypeVar

import ua_parser
from ua_parser.core import Matcher

from pipeline import api
from pipeline.api import distinct

FIELDS = api.record(
    {
        "family": api.STRING,
        "version": api.STRING,
        "os": api.STRING,
        "os_version": api.STRING,
        "device": api.STRING,
        "bot": api.BOOL,
    }
)

LONGEST = 1024
"""Characters of a user agent that are looked at: hundreds of patterns run over them, and a header may be a bomb."""


SHORTEST, MOST = 2, 16
"""Letters that a word needs to be worth a search, and words that are worth searching for instead of one pattern."""

Found = TypeVar("Found", ua_parser.UserAgent, ua_parser.OS, ua_parser.Device)


class Options(api.Options):
    field: api.Field = api.option("The user agent, a string.")
    into: api.NewName = api.option("The field for the answer, a record.", default="ua", min_length=1, pattern="^[^@]")


class UserAgent(api.Filter[Options]):
    """Recognises browsers, libraries and bots with the patterns of the ua-parser project and adds a record: `family`,
    `version`, `os`, `os_version`, `device` and `bot` (true for what ua-parser calls a spider).

    A user agent that no pattern knows gives null. Each distinct user agent is parsed once and remembered: traffic repeats
    itself, and a parse takes about a millisecond."""

    name = "user_agent"
    options_model = Options
    example = """
source access = generate(count: 100)
transform browsers = access
  | grok('%{NGINX_COMBINED}')
  | user_agent(user_agent)
  | drop(ua.bot)
  | keep(ua)
sink out = browsers -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._recognise = Recogniser()
        self._answers = distinct.mapped(self._recognise, api.dtype(FIELDS))

    def __reduce__(self) -> tuple[object, ...]:
        return UserAgent, (self.options,)

    def schema(self, columns: api.Columns) -> api.Columns:
        if self.options.field.type.kind != "string":
            raise api.OptionError(f"user_agent reads a string, and this is of type {self.options.field.type}", "field")
        return columns.with_field((self.options.into,), FIELDS)

    async def open(self, ctx: api.Context) -> None:
        await ctx.run(self._recognise, "Mozilla/5.0 (X11; Linux x86_64) compiles the patterns that most requests need")

    def apply(self, batch: api.Batch) -> api.Batch:
        answers = self._answers(self.options.field.values(batch.frame))
        return batch.with_columns(answers.alias(self.options.into))


class Recogniser:
    """Answers for single user agents. Patterns are loaded at first use, in each process of its own."""

    def __reduce__(self) -> tuple[object, ...]:
        return Recogniser, ()

    @cached_property
    def _resolver(self) -> Resolver:
        return Resolver()

    def __call__(self, text: str) -> dict[str, object] | None:
        """A record of FIELDS, or None when nothing is recognised."""
        agent, system, device = self._resolver.resolve(text[:LONGEST])
        if agent is None and system is None and device is None:
            return None
        return {
            "family": agent.family if agent else None,
            "version": _version(agent) if agent else None,
            "os": system.family if system else None,
            "os_version": _version(system) if system else None,
            "device": device.family if device else None,
            "bot": device is not None and device.family == "Spider",
        }


class Resolver:
    """ua-parser's patterns in ua-parser's order, without running those that cannot match.

    Of 1,270 patterns a few dozen can match a given text: nearly all demand some word. A search for the word costs a tenth
    of the pattern. The answers are those of ua-parser's own resolver."""

    def __init__(self) -> None:
        agents, systems, devices = ua_parser.load_lazy_builtins()
        self._agents = [(words(matcher.regex), matcher) for matcher in agents]
        self._systems = [(words(matcher.regex), matcher) for matcher in systems]
        self._devices = [(words(matcher.regex), matcher) for matcher in devices]

    def resolve(self, text: str) -> tuple[ua_parser.UserAgent | None, ua_parser.OS | None, ua_parser.Device | None]:
        """What the first matching pattern of each kind says."""
        # Beyond ASCII, ignoring case and lowering it are not the same.
        lowered = text.lower() if text.isascii() else None
        return (
            _first(self._agents, text, lowered),
            _first(self._systems, text, lowered),
            _first(self._devices, text, lowered),
        )


def _first(matchers: Sequence[tuple[tuple[str, ...], Matcher[Found]]], text: str, lowered: str | None) -> Found | None:
    for needed, matcher in matchers:
        if lowered is not None and needed:
            for word in needed:
                if word in lowered:
                    break
            else:
                continue
        found = matcher(text)
        if found is not None:
            return found
    return None


def words(pattern: str) -> tuple[str, ...]:
    """Lower-case words of which at least one is in every text that the pattern matches; none where there is no telling."""
    return _words(_parser.parse(pattern))


def _words(sequence: Iterable[tuple[object, Any]]) -> tuple[str, ...]:
    choices: list[tuple[str, ...]] = []
    run = ""
    for code, argument in sequence:
        if code is _constants.LITERAL:
            run += chr(argument).lower()
            continue
        choices.append((run,))
        run = ""
        if code is _constants.SUBPATTERN:
            choices.append(_words(argument[3]))
        elif code is _constants.BRANCH:
            branches = [_words(branch) for branch in argument[1]]
            if all(branches):
                choices.append(tuple(word for branch in branches for word in branch))
        elif code in (_constants.MAX_REPEAT, _constants.MIN_REPEAT) and argument[0] > 0:
            choices.append(_words(argument[2]))
    choices.append((run,))
    usable = [
        found for found in choices if found and all(len(word) >= SHORTEST for word in found) and len(found) <= MOST
    ]
    return max(usable, key=lambda found: (min(map(len, found)), -len(found)), default=())


def _version(found: ua_parser.UserAgent | ua_parser.OS) -> str | None:
    """`120.0.6099`, as far as it is known."""
    parts: list[str] = []
    for part in (found.major, found.minor, found.patch):
        if not part:
            break
        parts.append(part)
    return ".".join(parts) or None
