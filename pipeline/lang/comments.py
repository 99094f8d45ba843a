"""Which comment belongs to which token, and where people left a line empty."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.lang.tokens import Lexed, Token


@dataclass(slots=True)
class Remarks:
    """Comments of one token: `above` on lines of their own, `beside` at the end of its line.

    Items of `above` are comments, or empty for an empty line. `apart` says that an empty line comes first of all."""

    above: list[str] = field(default_factory=list)
    beside: str = ""
    apart: bool = False


@dataclass(slots=True)
class Comments:
    """Remarks by token, and the comments after the last token."""

    _remarks: dict[int, Remarks]
    after: Remarks

    def of(self, token: Token) -> Remarks:
        return self._remarks[id(token)]


def attach(lexed: Lexed, text: str) -> Comments:
    """Every comment of the text to the token before it on its line, else to the next token."""
    remarks: dict[int, Remarks] = {}
    waiting = Remarks()
    comments = iter([*lexed.comments, (len(text) + 1, 0)])
    start, end = next(comments)
    before: Token | None = None
    position = 0
    for token in [*lexed.tokens, None]:
        limit = len(text) if token is None else token.start
        while start < limit:
            gap = text[position:start]
            said = text[start:end].rstrip()
            if before is not None and "\n" not in gap and not waiting.above and not remarks[id(before)].beside:
                remarks[id(before)].beside = said
            else:
                _space(waiting, gap)
                waiting.above.append(said)
            position = end
            start, end = next(comments)
        _space(waiting, text[position:limit])
        if token is not None:
            remarks[id(token)] = waiting
            waiting = Remarks()
            before, position = token, token.end
    return Comments(remarks, waiting)


def _space(remarks: Remarks, gap: str) -> None:
    if gap.count("\n") < 2:
        return
    if remarks.above:
        remarks.above.append("")
    else:
        remarks.apart = True
