"""The state database: its tables, and what each row promises.

Invariants, true in every durable state:

- `progress` of a partition covers exactly the rows that the other tables know of: a batch is in all of them or in none.
- A `fold`'s state is what the rows up to `progress` make of it, and time.
- A window's state is the merge of its `delta` rows, whatever their number.
- For each sink, every row up to `progress` is in exactly one segment, or was filtered by request, or was rejected.
- For each partition, `account` has the rows of `progress` by stage and outcome, and for each sink the ranges of
  `delivered` and of segments cover it, with as many rows as the sink put out.
- A segment's bytes are the first `base + size` bytes of its body, followed by its `tail` rows (not yet compressed).
  The body may be longer on disk: what is beyond was never committed and is cut off at the start.
- `epoch` grows at every start. A process whose epoch is not the stored one can no longer commit.

Positions are JSON texts with sorted keys. Times are microseconds since 1970 (UTC).
"""

import re

VERSION = 4

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

CREATE TABLE progress (
  source TEXT NOT NULL, partition TEXT NOT NULL, position TEXT NOT NULL,
  PRIMARY KEY (source, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE high (
  stage TEXT NOT NULL, partition TEXT NOT NULL, time INTEGER NOT NULL,
  PRIMARY KEY (stage, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE clock (
  stage TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,  -- '' for a stage that is not in the program any more
  watermark INTEGER,
  parts INTEGER NOT NULL,     -- above every part of a window that was forgotten
  horizon INTEGER             -- every window that was forgotten starts before; NULL while none was
) STRICT, WITHOUT ROWID;

CREATE TABLE window (
  stage TEXT NOT NULL, start INTEGER NOT NULL, part INTEGER NOT NULL,
  revision INTEGER NOT NULL,  -- 0 while it has not been sent
  closed INTEGER,             -- the watermark at its last sending; NULL while it has state that was not sent
  kept INTEGER NOT NULL,      -- bytes of its state; 0 after it was let go
  PRIMARY KEY (stage, start, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE delta (
  stage TEXT NOT NULL, start INTEGER NOT NULL, part INTEGER NOT NULL, seq INTEGER NOT NULL, state BLOB NOT NULL,
  PRIMARY KEY (stage, start, part, seq)
) STRICT;

CREATE TABLE fold (           -- the memory of filters, as of `progress`
  stage TEXT NOT NULL, fold TEXT NOT NULL,  -- the step of the stage, by what its state means
  partition TEXT NOT NULL,    -- '' for facts of windows
  source TEXT NOT NULL, version INTEGER NOT NULL,
  due INTEGER,                -- when time alone changes it
  held INTEGER NOT NULL,      -- rows that it has taken and not given yet
  state BLOB NOT NULL,
  PRIMARY KEY (stage, fold, partition)
) STRICT;

CREATE TABLE segment (
  id INTEGER PRIMARY KEY,
  sink TEXT NOT NULL, path TEXT NOT NULL, number INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'sealed')),
  layout TEXT NOT NULL,       -- how it was laid out: a JSON text
  place TEXT NOT NULL,        -- its body; for whole files, where the finished file goes; '.' for remote ones
  device INTEGER NOT NULL, inode INTEGER NOT NULL,  -- of the body in place; 0 before there was one
  base INTEGER NOT NULL,      -- bytes that were in the body before us
  size INTEGER NOT NULL,      -- bytes of ours in the body
  plain INTEGER NOT NULL,     -- bytes before compression, tail included
  rows INTEGER NOT NULL,
  opened INTEGER NOT NULL,
  torn TEXT NOT NULL DEFAULT '',  -- the partition whose record ends it without a newline
  name TEXT, sha256 TEXT,
  held TEXT NOT NULL DEFAULT ''  -- why a sealed one is set aside: its bytes are not those that were committed
) STRICT;
CREATE UNIQUE INDEX segment_open ON segment (sink, path) WHERE state = 'open';
CREATE INDEX segment_place ON segment (place);

CREATE TABLE tail (
  segment INTEGER NOT NULL REFERENCES segment ON DELETE CASCADE, seq INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (segment, seq)
) STRICT;

CREATE TABLE frame (          -- of segments that end in a table of them
  segment INTEGER NOT NULL REFERENCES segment ON DELETE CASCADE, seq INTEGER NOT NULL,
  size INTEGER NOT NULL, plain INTEGER NOT NULL,
  PRIMARY KEY (segment, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE range (
  segment INTEGER NOT NULL REFERENCES segment ON DELETE CASCADE, partition TEXT NOT NULL,
  start TEXT NOT NULL, stop TEXT NOT NULL,
  low INTEGER NOT NULL, high INTEGER NOT NULL,  -- the same as numbers, with what had no row for this sink
  rows INTEGER NOT NULL,
  PRIMARY KEY (segment, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE number (
  sink TEXT NOT NULL, path TEXT NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (sink, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
  stage TEXT NOT NULL, outcome TEXT NOT NULL, rows INTEGER NOT NULL, PRIMARY KEY (stage, outcome)
) STRICT, WITHOUT ROWID;

CREATE TABLE account (        -- the ledger of one partition; '' has those that were forgotten
  source TEXT NOT NULL, partition TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,
  counts TEXT NOT NULL,       -- {stage: {outcome: rows}}
  PRIMARY KEY (source, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivered (      -- what left the outbox for good, contiguous ranges as one row
  sink TEXT NOT NULL, partition TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, rows INTEGER NOT NULL,
  PRIMARY KEY (sink, partition, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE origin (         -- batches with rows in windows, the newest
  id INTEGER PRIMARY KEY, source TEXT NOT NULL, partition TEXT NOT NULL, path TEXT,
  first INTEGER NOT NULL, last INTEGER NOT NULL,  -- @offset of its first and its last record
  rows INTEGER NOT NULL, received INTEGER NOT NULL,
  windows TEXT NOT NULL,      -- {stage: [[start, part], …]}
  kept TEXT NOT NULL,         -- where its records are in exact outputs: [[archive, at, size, rows], …]
  total INTEGER NOT NULL      -- bytes of all texts up to this row
) STRICT;

CREATE TABLE archive (        -- a stretch of a file that exact outputs were written to
  id INTEGER PRIMARY KEY, segment INTEGER NOT NULL, sink TEXT NOT NULL, place TEXT NOT NULL, compression TEXT NOT NULL,
  base INTEGER NOT NULL,      -- where it begins in the file
  plain INTEGER NOT NULL      -- which byte of its segment, before compression, that is
) STRICT;
CREATE INDEX archive_segment ON archive (segment);

CREATE TABLE attempt (        -- rows that were being computed when the process died
  source TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL, tries INTEGER NOT NULL,
  PRIMARY KEY (source, first, last)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead (           -- burials: dead letters of one commit and one kind; an id is never used again
  id INTEGER PRIMARY KEY AUTOINCREMENT, stage TEXT NOT NULL,
  filter TEXT NOT NULL, reason TEXT NOT NULL, field TEXT NOT NULL,
  tries INTEGER NOT NULL,     -- how often they were put in again
  rows INTEGER NOT NULL,
  remaining INTEGER NOT NULL, -- rows that are not gone
  time INTEGER NOT NULL, frame BLOB NOT NULL
) STRICT;

CREATE TABLE letter (         -- rows of burials that do not simply lie there
  dead INTEGER NOT NULL REFERENCES dead ON DELETE CASCADE, row INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('marked', 'alone', 'trying', 'gone')),
  PRIMARY KEY (dead, row)
) STRICT, WITHOUT ROWID;
"""

NAMES = frozenset(re.findall(r"CREATE TABLE (\w+)", TABLES))
"""Names of the tables."""
