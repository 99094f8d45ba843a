"""Encoders of rows, for codecs and outputs."""

from pipeline.columns.encode import compress
from pipeline.columns.encode.csv import csv, header
from pipeline.columns.encode.flat import written as texts
from pipeline.columns.encode.keyed import cef, logfmt, syslog
from pipeline.columns.encode.ndjson import ndjson
from pipeline.columns.encode.parquet import finish, spool
from pipeline.columns.encode.printable import printable
from pipeline.columns.encode.raw import raw
from pipeline.columns.encode.shapes import gelf, hec, loki

__all__ = [
    "cef",
    "compress",
    "csv",
    "finish",
    "gelf",
    "header",
    "hec",
    "logfmt",
    "loki",
    "ndjson",
    "printable",
    "raw",
    "spool",
    "syslog",
    "texts",
]
