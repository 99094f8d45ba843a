"""pipe: a log pipeline engine. Programs in a small language run as columnar flows with exactly-once effect."""

__version__ = "0.1.0"
