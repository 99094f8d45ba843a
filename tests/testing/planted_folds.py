"""Folds and codecs that each break the contract in one way, for `planted_breaks.PLANTED`."""

from __future__ import annotations

import io

import polars as pl

from pipeline import api


class NoOptions(api.Options):
    pass


class HoldsOne(api.Fold[NoOptions, bytes], api=1):
    """Lets each row out when the next one comes."""

    name = "holds_one"
    options_model = NoOptions
    example = "source a = generate(count: 100)\ntransform b = a | holds_one()\nsink c = b -> null()"

    def schema(self, columns):
        return columns

    def empty(self):
        return b""

    def step(self, state, batch, now):
        if not batch.frame.height:
            return state, batch
        held = [pl.read_ipc_stream(io.BytesIO(state))] if state else []
        rows = pl.concat([*held, batch.frame])
        last = io.BytesIO()
        rows[-1:].write_ipc_stream(last)
        return last.getvalue(), batch.with_frame(rows[:-1])

    def due(self, state):
        return 1_790_000_001_000_000 if state else None

    def tick(self, state, now):
        return self.finish(state)

    def finish(self, state):
        return b"", api.Batch(pl.read_ipc_stream(io.BytesIO(state)), {}) if state else None

    def held(self, state):
        return 1 if state else 0

    def dump(self, state):
        return b"1" + state if state else b""

    def load(self, data, version):
        if version != self.state_version or data[:1] not in (b"", b"1"):
            raise ValueError("not what holds_one holds")
        return data[1:]


class LetsOutLate(HoldsOne):
    """Puts the held row behind those that came after it."""

    def step(self, state, batch, now):
        after, found = super().step(state, batch, now)
        return after, found.with_frame(found.frame.reverse())


class SaysItHoldsNothing(HoldsOne):
    """Holds a row that it does not count."""

    held = api.Fold.held


class ForgetsInItsBytes(HoldsOne):
    """Does not write what it holds."""

    def dump(self, state):
        return b""


class ReadsAnyVersion(HoldsOne):
    """Does not look at the version of the bytes."""

    def load(self, data, version):
        return super().load(data, self.state_version)


class KeepsTheLast(HoldsOne):
    """Holds a row for ever."""

    finish = api.Fold.finish


class TicksInVain(HoldsOne):
    """Is due, and has nothing to do."""

    tick = api.Fold.tick


class CountsBatches(api.Fold[NoOptions, int], api=1):
    """Has a number of batches for a state."""

    name = "counts_batches"
    options_model = NoOptions
    example = HoldsOne.example.replace("holds_one", "counts_batches")

    def schema(self, columns):
        return columns

    def empty(self):
        return 0

    def step(self, state, batch, now):
        return state + 1, batch

    def dump(self, state):
        return str(state).encode()

    def load(self, data, version):
        if version != self.state_version:
            raise ValueError("another version")
        return int(data.decode())


class CountsInPlace(CountsBatches):
    """Counts rows in the list that it was given."""

    name = "counts_in_place"
    example = HoldsOne.example.replace("holds_one", "counts_in_place")

    def empty(self):
        return [0]

    def step(self, state, batch, now):
        state[0] += batch.frame.height
        return state, batch

    def dump(self, state):
        return str(state[0]).encode()

    def load(self, data, version):
        return [super().load(data, version)]


class KeepsASlice(CountsBatches):
    """Has the last row of the batch in its state, as it came."""

    name = "keeps_a_slice"
    example = HoldsOne.example.replace("holds_one", "keeps_a_slice")

    def empty(self):
        return None

    def step(self, state, batch, now):
        return (batch.frame[-1:] if batch.frame.height else state), batch

    def dump(self, state):
        return b"" if state is None else state.serialize()

    def load(self, data, version):
        if version != self.state_version:
            raise ValueError("another version")
        try:
            return pl.DataFrame.deserialize(io.BytesIO(data)) if data else None
        except pl.exceptions.PolarsError as error:
            raise ValueError(str(error)) from error


class Sized(api.Codec[NoOptions], api=1):
    """The size of a text; written, the time of a row."""

    name = "sized"
    options_model = NoOptions
    example = "source a = generate(count: 100)\ntransform b = a | decode(sized)\nsink c = b -> null()"

    def schema(self):
        return api.Columns({"size": api.INT})

    def decode(self, texts, received):
        size = texts.str.len_bytes().cast(pl.Int64).alias("size")
        reason = pl.select(pl.when(size.is_null()).then(pl.lit("nothing"))).to_series()
        return api.Decoded(size.to_frame(), reason=reason)

    def encode(self, frame, columns, metadata):
        return b"".join(f"{time}\n".encode() for time in frame["@timestamp"].to_physical().to_list())


class Raises(Sized):
    """Raises on a text that it cannot read."""

    def decode(self, texts, received):
        if texts.null_count():
            raise ValueError("nothing")
        return super().decode(texts, received)


class LeavesOut(Sized):
    """Gives no row for a text that it cannot read."""

    def decode(self, texts, received):
        return super().decode(texts.drop_nulls(), received)


class Unsigned(Sized):
    """Promises an int and gives 32 bits without a sign."""

    def decode(self, texts, received):
        return api.Decoded(texts.str.len_bytes().alias("size").to_frame())


class FillsIn(Sized):
    """Gives a text that it cannot read the size of the one before."""

    def decode(self, texts, received):
        return api.Decoded(super().decode(texts, received).columns.fill_null(strategy="forward"))


class HeadsEachBatch(Sized):
    """Writes a head before the rows of each batch."""

    def encode(self, frame, columns, metadata):
        return (b"time\n" if frame.height else b"") + super().encode(frame, columns, metadata)


class WritesNone(Sized):
    """Gives None for no rows."""

    def encode(self, frame, columns, metadata):
        return super().encode(frame, columns, metadata) or None


class Listed(Sized):
    """Rows with a line of the columns' names before them, and their number behind them."""

    name = "listed"
    example = "source a = generate(count: 100)\nsink b = a -> file('out', format: listed)"
    decode = api.Codec.decode
    schema = api.Codec.schema
    whole = True

    def form(self, columns, metadata):
        return " ".join(columns.fields)

    def finish(self, spooled, form):
        rows = b"".join(spooled)
        return [form.encode(), b"\n", rows, b"%d\n" % rows.count(b"\n")]


class RemembersColumns(Listed):
    """Knows the columns of the rows that it has accepted, in this process."""

    form = api.Codec.form
    _columns = ""

    def accept(self, columns, metadata):
        self._columns = " ".join(columns.fields)

    def finish(self, spooled, form):
        return super().finish(spooled, self._columns)


PLANTED: dict[str, tuple[object, str]] = {
    "lets held rows out of order": (LetsOutLate, "rows"),
    "holds rows and does not count them": (SaysItHoldsNothing, "accounting"),
    "forgets what it holds when it is stored": (ForgetsInItsBytes, "state"),
    "loads any version of its state": (ReadsAnyVersion, "state"),
    "holds rows at the end of the input": (KeepsTheLast, "finish"),
    "is due and does nothing then": (TicksInVain, "tick"),
    "counts batches in its state": (CountsBatches, "cuts"),
    "changes the state that it was given": (CountsInPlace, "value"),
    "has a slice of a batch in its state": (KeepsASlice, "memory"),
    "raises on a text that it cannot read": (Raises, "texts"),
    "gives no row for a text that it cannot read": (LeavesOut, "texts"),
    "decodes to another dtype than it promises": (Unsigned, "schema"),
    "fills in from the text before": (FillsIn, "alone"),
    "writes a head before each batch": (HeadsEachBatch, "cuts"),
    "encodes no rows as None": (WritesNone, "encode"),
    "completes files of which only it knows the columns": (RemembersColumns, "whole"),
}

SOUND = (HoldsOne, Sized, Listed)
"""Those that the others are made of."""
