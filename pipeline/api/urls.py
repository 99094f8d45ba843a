"""Kernels of URLs, for plugins."""

from pipeline.columns.urls import decode, encode, fragment, host, page, parameter, path, port, query, scheme, segment

__all__ = ["decode", "encode", "fragment", "host", "page", "parameter", "path", "port", "query", "scheme", "segment"]
