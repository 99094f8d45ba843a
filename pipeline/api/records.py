"""Bytes to records: for inputs and codecs that read text lines."""

from pipeline.columns.lines import decode, records

__all__ = ["decode", "records"]
