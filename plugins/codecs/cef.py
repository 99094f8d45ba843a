"""ArcSight's common event format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pipeline import api
from pipeline.api import formats, grok
from pipeline.api.pairs import objects
from pipeline.api.spelled import demand_distinct, written_names

HEADER = ("deviceVendor", "deviceProduct", "deviceVersion", "deviceEventClassId", "name", "severity")
LINE = (
    r"CEF:\s?(?<cefVersion:int>[0-9]+)\|"
    + "".join(rf"(?<{name}>(?:[^|\\]|\\.)*)\|" for name in HEADER)
    + r"(?<extension>.*)$"
)


class Options(api.Options):
    pass


class Cef(api.Codec[Options]):
    r"""ArcSight's common event format: `CEF:0|Vendor|Product|1.0|100|name|5|src=10.0.0.1 msg=several words`.

    Read: what is before `CEF:`, such as a syslog header, is ignored. The fields are `cefVersion`, `deviceVendor`, `deviceProduct`,
    `deviceVersion`, `deviceEventClassId`, `name`, `severity`, and the names of the extension with the type that their use demands.
    Escapes (`\|`, `\=`, `\\`, `\n`) stand for what they do. Other records are rejected with `not_cef`.

    Written: from the fields of these names, every other field is an extension. In names, `_` stands for what is neither a letter
    of ASCII, a digit, `.` nor `-`. Blanks at the end of a value are not read again: they are between two extensions, too."""

    name = "cef"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*", codec: nginx)
transform told = access
  | set { deviceVendor = 'nginx' deviceProduct = 'nginx' name = 'request' src = remote_addr request = path }
  | keep(deviceVendor, deviceProduct, name, src, request)
sink out = told -> file("out/access.cef", format: cef)
"""
    extension = ".cef"
    fixed = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._lines = grok.Lines([LINE], "not_cef")
        self._members = api.Members(texts=True)

    def schema(self) -> api.Columns:
        known = {"cefVersion": api.INT, **dict.fromkeys(HEADER, api.STRING)}
        return api.Columns({**self._members.columns.fields, **known}, open=True)

    def demand(self, fields: Mapping[tuple[str, ...], api.Type]) -> None:
        self._members.demand({path: kind for path, kind in fields.items() if path[0] not in ("cefVersion", *HEADER)})

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        found, reason = self._lines.read(texts)
        extension = found["extension"]
        pairs = objects(extension, "cef")
        taken = self._members.take(pairs)
        header = found.select("cefVersion", *(pl.col(name).str.replace_all(r"\\([|\\])", "${1}") for name in HEADER))
        broken = pairs.is_null() & extension.is_not_null()
        if broken.any():
            told = pl.lit(None, dtype=pl.String) if reason is None else reason
            reason = pl.select(pl.when(broken).then(pl.lit("not_cef")).otherwise(told)).to_series()
        columns = pl.DataFrame([*taken.columns.get_columns(), *header.get_columns()])
        return api.Decoded(columns, rest=taken.rest, reason=reason)

    def accept(self, columns: api.Columns, metadata: Sequence[str]) -> None:
        extensions = {name: kind for name, kind in columns.fields.items() if name not in HEADER}
        demand_distinct(written_names(api.Columns(extensions)), formats.cef_name)

    def encode(self, frame: pl.DataFrame, columns: api.Columns, metadata: Sequence[str]) -> bytes:
        return formats.cef(frame, columns, HEADER)
