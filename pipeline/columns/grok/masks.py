"""Lines with what varies masked: times, addresses, numbers, quoted texts, so that lines of one kind become equal."""

import polars as pl

LOOKED = 512
"""Characters of a line that are looked at; the rest of a longer one is `…`."""

_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f\x{FFFD}]"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_DATE = (
    rf"(?:\d{{4}}[-/.]\d\d[-/.]\d\d[T ]|\d\d?/{_MONTH}/\d{{4}}:|{_MONTH} +\d\d?,? (?:\d{{4}} )?"
    rf"|\d\d?[-/ ]{_MONTH}[-/ ]\d{{4}} |\d\d?[./-]\d\d?[./-]\d{{4}}[ -])"
)
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,:]\d+)?)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)\b)?"
_H = "[0-9a-fA-F]{1,4}"

_KEYS = (r'"([\w.@ -]+)"\s*:', "\x01${1}\x01:")
"""Of a JSON object the keys stay: they are marked before texts in quotes are masked."""

_MASKS = (
    (rf"\S*{_CONTROL}\S*(?:\s+\S*{_CONTROL}\S*)*", "<bytes>"),
    (rf"(?:{_DAY},? )?{_DATE}{_CLOCK}{_ZONE}(?: \d{{4}}\b)?", "<time>"),
    (r'"(?:[^"\\]|\\.)*"', '"<*>"'),
    (r"(^|[\s=(\[:,])'[^']*'", "${1}'<*>'"),
    (r"\b[a-z][a-z0-9+.-]*://[^\s,;\"'()<>\[\]]+", "<url>"),
    (r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "<uuid>"),
    (r"\b(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\b", "<mac>"),
    (
        rf"\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}\b|\b(?:{_H}:){{7}}{_H}\b|(?:\b(?:{_H}:)*{_H})?::(?:{_H}:)*(?:\d+(?:\.\d+){{3}}|{_H})\b",
        "<ip>",
    ),
    (r"(^|[\s=(\[,:])/[^\s,;\"'()\[\]]+", "${1}<path>"),
    (r"\b\d+(?:\.\d+)*\b", "<num>"),
    (r"\b(?:0x)?[0-9a-f]*\d[0-9a-f]*\b|\b(?:0x)?[0-9A-F]*\d[0-9A-F]*\b", "<hex>"),
    (r"\b\w*\d\w*\b", "<id>"),
)


def masked(text: pl.Series) -> pl.Series:
    """A column of text (String, without nulls), each line by itself: `<time> [error] <num>#<num>: open() "<*>" failed`.

    Masks: `<time>`, `"<*>"` and `'<*>'` (texts in quotes; the keys of a JSON object stay), `<url>`, `<uuid>`, `<mac>`, `<ip>`, `<path>`, `<num>`,
    `<hex>`, `<id>` (a word with digits), `<bytes>` (words with control characters or U+FFFD).
    """
    column = pl.col(text.name)
    looked = pl.when(column.str.len_bytes() > LOOKED).then(column.str.slice(0, LOOKED)).otherwise(column)
    (bytes_, as_bytes), *others = _MASKS
    looked = looked.str.replace_all(bytes_, as_bytes)
    looked = pl.when(column.str.starts_with("{")).then(looked.str.replace_all(*_KEYS)).otherwise(looked)
    for pattern, mask in others:
        looked = looked.str.replace_all(pattern, mask)
    looked = looked.str.replace_all("\x01", '"', literal=True)
    more = pl.when(column.str.len_chars() > LOOKED).then(pl.lit(" …")).otherwise(pl.lit(""))
    return text.to_frame().select(pl.concat_str(looked, more).alias(text.name)).to_series()
