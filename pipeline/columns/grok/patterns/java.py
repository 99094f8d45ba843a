"""Java: class names and stack traces."""

from pipeline.columns.grok.patterns.definition import NO_FAST

FAST = NO_FAST

TEXT = r"""
JAVACLASS (?:[a-zA-Z$_][a-zA-Z$_0-9]*\.)*[a-zA-Z$_][a-zA-Z$_0-9]*
JAVAFILE [a-zA-Z$_0-9. -]+
JAVAMETHOD <init>|<clinit>|[a-zA-Z$_][a-zA-Z$_0-9]*
JAVASTACKTRACEPART %{SPACE}at %{JAVACLASS:class}\.%{JAVAMETHOD:method}\(%{JAVAFILE:file}(?::%{INT:line})?\)
JAVATHREAD [A-Z]{2}-Processor[\d]+
JAVALOGMESSAGE .*
"""
