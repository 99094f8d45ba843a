"""Encoders of rows, for codecs and outputs."""

from pipeline.columns.encode import compress
from pipeline.columns.encode.csv import csv, header
from pipeline.columns.encode.flat import written as texts
from pipeline.columns.encode.keyed import cef, cef_name, logfmt, logfmt_name, syslog
from pipeline.columns.encode.ndjson import ndjson
from pipeline.columns.encode.parquet import finish, spool
from pipeline.columns.encode.printable import printable
from pipeline.columns.encode.raw import raw
from pipeline.columns.encode.shapes import GELF_OWN, gelf, gelf_name, hec, label_name, loki

__all__ = [
    "GELF_OWN",
    "cef",
    "cef_name",
    "compress",
    "csv",
    "finish",
    "gelf",
    "gelf_name",
    "header",
    "hec",
    "label_name",
    "logfmt",
    "logfmt_name",
    "loki",
    "ndjson",
    "printable",
    "raw",
    "spool",
    "syslog",
    "texts",
]
