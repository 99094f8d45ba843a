"""Encoders: rows to bytes, pure.

    rows.py       which columns of a frame are written, in which order
    ndjson.py     one JSON object a line        values.py, times.py   one value as JSON
    raw.py        the records as they came
    csv.py        RFC 4180
    flat.py       rows as flat names with values
    keyed.py      logfmt, CEF, syslog
    shapes.py     GELF, Loki, Splunk
    parquet.py    spooled as Arrow streams, written as one file
    printable.py  text that cannot talk to a terminal
    compress.py   independent gzip members and zstd frames, and the zstd seek table

What they give may be concatenated; of `parquet`, what it spools.
"""
