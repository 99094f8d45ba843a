"""`test` blocks of programs, run: the engine itself on a simulated machine and a virtual clock.

stage.py       a program's graph with its inputs and outputs replaced, and every port that is looked at tapped
feed.py        what sources are given          taps.py    what came out of a port, exactly once
replies.py     what resolvers are told
run.py         one test from start to end      judge.py   whether an expectation holds
difference.py  expected beside found           trace.py   what went through each node
report.py      words for a terminal            junit.py   XML for a machine
update.py      expected lists, rewritten       record.py  a test block made of real lines
"""
