"""Kernels of digests, for plugins."""

from pipeline.columns.digests import Algorithm, checksum, digest, fingerprint, keyed, scattered

__all__ = ["Algorithm", "checksum", "digest", "fingerprint", "keyed", "scattered"]
