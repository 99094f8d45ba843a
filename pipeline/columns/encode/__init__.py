"""Encoders: rows to bytes, pure.

    rows.py       which columns of a frame are written, in which order
    ndjson.py     one JSON object a line        values.py, times.py   one value as JSON
    raw.py        the records as they came
    csv.py        RFC 4180
    parquet.py    spooled as Arrow streams, written as one file
    printable.py  text that cannot talk to a terminal
    compress.py   independent gzip members and zstd frames, and the zstd seek table

What `ndjson`, `raw` and `csv` give may be concatenated.
"""
