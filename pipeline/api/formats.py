"""Encoders of rows, for outputs."""

from pipeline.columns.encode import compress
from pipeline.columns.encode.csv import csv, header
from pipeline.columns.encode.ndjson import ndjson
from pipeline.columns.encode.parquet import finish, spool
from pipeline.columns.encode.printable import printable
from pipeline.columns.encode.raw import raw

__all__ = ["compress", "csv", "finish", "header", "ndjson", "printable", "raw", "spool"]
