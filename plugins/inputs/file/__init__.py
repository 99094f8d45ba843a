"""Input `file`: lines of files, from their beginning, as they grow, and through every kind of rotation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from typing import ClassVar, Literal

import polars as pl

from pipeline import api
from pipeline.api import option
from pipeline.api.world import Files

from .follower import Follower
from .identity import Place
from .recall import find, recall
from .rules import Rules


class Options(api.Options):
    globs: str | list[str] = option("A path or a glob, or a list of them. `**` crosses folders.")
    start: Literal["start", "end"] = option(
        "Where to begin in files that are there at the very first start: at their start, or at their end.",
        default="start",
        alias="from",
    )
    exclude: str | list[str] = option(
        "Globs of files to leave out; one without a slash is compared with the name.", default=[]
    )
    max_line: api.Size = option(
        "Records longer than this are passed on whole, and counted as `long_records`.", default=1 << 20, ge=1
    )
    poll: api.Duration = option("How often files are looked at.", default=200_000, ge=200_000)
    close_after: api.Duration = option(
        "How long a rotated file must be quiet to be finished; its last line without a newline is then a record.",
        default=5_000_000,
        ge=0,
    )
    codec: api.Decoder | None = option(
        "How records are written: `json`, `syslog`, `csv(['a', 'b'])`, …. Their fields are then those of the events, and records that "
        "cannot be decoded are in the source's `rejected`.",
        default=None,
    )
    charset: str | None = option("The encoding that the codec reads records in; UTF-8 by default.", default=None)


class File(api.Input[Options]):
    """Reads files line by line and follows them as they grow.

    A record ends with a newline and with nothing else; `@raw` has every byte of it. `@path` is the name of the file at
    the time of reading, with bytes that are not UTF-8 as `\\xff`, `@offset` the place of the record in it.

    A file is known by what it is, not by its name: its device, inode and birth time, the hash of its first kilobyte and
    of the kilobyte before the place that was reached. Therefore

    - a file that is renamed is read on under its new name, and not again when the glob matches that too;
    - a file that is truncated, or replaced by another with the same name or inode, is read from its beginning, even when
      it has already grown past the old place;
    - what was not read when a file was truncated, deleted or compressed is read from its copy (`copytruncate`), through
      the still open file, or from its `.gz` or `.zst`, from exactly the byte that was reached.

    Rotated files of one log (`access.log.2.gz`, `access.log.1`, `access.log`) are read one after the other, oldest first;
    different logs in turn. Compressed files are read as if they were not. Names that begin with `_` or `.` are skipped
    unless the glob spells that character out.

    A last line without a newline waits for the rest. It becomes a record when its file is rotated and quiet, or at the end
    of `--once`. Zeros that nobody wrote, which a writer leaves before its lines when its log is truncated under it, are no
    part of a line.

    A symbolic link is followed when it belongs to root, to the user that pipe runs as, or to the owner of the file that it
    leads to; so is one on the way to a file. Files that cannot be read are reported once and hold up nothing; metrics:
    `files_unreadable`, `files_truncated`, `possible_loss_bytes` (truncated or deleted before they were read, and no copy was
    found; compressed bytes of a compressed file). `pipe checkpoint explain` says what is made of a file, and why.
    """

    name: ClassVar[str] = "file"
    options_model = Options
    example: ClassVar[str] = """
        source access = file("/var/log/nginx/access.log*", exclude: "*.bak")
        sink shown = access -> console()
    """

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        globs = [options.globs] if isinstance(options.globs, str) else options.globs
        if not globs or not all(globs):
            raise api.OptionError("no file is named", "globs", 'give a path or a glob: file("/var/log/app.log*")')
        api.demand_codec(options.codec, options.charset)
        self._rules = Rules(
            globs=globs,
            exclude=[options.exclude] if isinstance(options.exclude, str) else options.exclude,
            at_end=options.start == "end",
            max_line=options.max_line,
            poll=options.poll / 1_000_000,
            close_after=options.close_after / 1_000_000,
        )
        self._follower: Follower | None = None
        self._backlog: Mapping[str, int] = {}

    def schema(self) -> api.Columns:
        return api.Columns({})

    async def open(self, ctx: api.Context) -> None:
        self._ctx = ctx

    async def close(self) -> None:
        if self._follower is not None:
            await self._ctx.run(self._follower.close)
            self._follower = None

    async def read(self, progress: Mapping[str, api.Position]) -> AsyncIterator[api.Batch]:
        """Raises NoInputError with `--once` when no file can be read."""
        self._follower = follower = Follower(self._rules, self._ctx, progress)
        while not follower.finished:
            batch = await self._ctx.run(follower.step)
            # Known to others when they have the batch: what is on its way to them is not read yet.
            self._backlog = follower.backlog
            if batch is not None:
                yield batch
            elif not follower.busy and not follower.finished:
                await self._ctx.clock.sleep(follower.pause)

    def backlog(self) -> Mapping[str, int]:
        return self._backlog

    def reads(self) -> Sequence[str]:
        return [] if self._rules.exclude else self._rules.globs

    def explain(self, ctx: api.Context, progress: Mapping[str, api.Position], name: str) -> Mapping[str, object] | None:
        from .belief import explain

        return explain(self._rules, ctx, progress, name)

    def recall(
        self, files: Files, position: api.Position, spans: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[pl.Series, pl.Series]]:
        try:
            place = Place.parse(position)
        except ValueError as error:
            raise api.NoInputError("where it was read is not known any more", "look for it in an archive") from error
        return recall(find(files, place, self._rules.globs), spans)

    def forgotten(self) -> Collection[str]:
        return self._follower.forgotten if self._follower is not None else ()

    def committed(self, progress: Mapping[str, api.Position]) -> None:
        if self._follower is not None:
            self._follower.dropped(partition for partition, position in progress.items() if position is None)
