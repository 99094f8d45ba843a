"""The rule for codecs whose files are written whole: the output `file` completes them, whatever it knows of the codec."""

from __future__ import annotations

from typing import Any, cast

from pipeline.api import Options, Output, Template
from pipeline.testing.contract.cases import Case
from pipeline.testing.contract.codecs import encodable, encoded, of, opened
from pipeline.testing.contract.rules import broken, rule

PATH = Template(("out",), "out")


@rule(
    "whole",
    "What a codec that is `whole` wrote is completed by the output `file`, also in another process: all that `finish` needs is in "
    "`form`.",
    "Give what `finish` needs, such as the columns, as the text of `form(columns, metadata)`; remember nothing in `accept` or `encode`.",
)
def whole(case: Case) -> None:
    def work(codec: Any) -> None:  # noqa: ANN401 — of any options
        file = case.catalog.output("file")
        for rows in encodable(case, codec) if codec.whole else ():
            if not rows.frame.height:
                continue
            data = encoded(codec, rows)
            expected = b"".join(codec.finish([data], codec.form(rows.columns, rows.metadata)))
            begun, later = (_made(file, each, rows.metadata) for each in (codec, of(case)))
            begun.schema(rows.columns)
            if not begun.layout.whole:
                broken("`file` does not write it whole: `whole` is to be set in the class or the constructor")
            if begun.encode(rows.frame) != data:
                broken(f"of {rows.what}: `file` encodes other bytes")
            if b"".join(later.finish([data], begun.layout.form)) != expected:
                broken(f"of {rows.what}: another process makes another file of the same bytes and form")

    opened(case, work)


def _made(file: type[Output[Options]], codec: object, metadata: object) -> Output[Options]:
    options = cast("Any", file.options_model)
    return file(options(path=PATH, format=codec, compression="none", metadata=list(cast("Any", metadata))))
