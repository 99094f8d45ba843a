"""Group texts that are alike, and say what they have in common."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import polars as pl

from pipeline import api
from pipeline.api.kinds import OTHER, Templates, masked

FIELDS = api.record({"id": api.STRING, "template": api.STRING})


class Options(api.Options):
    field: api.Field = api.option("The text, a string.")
    into: api.NewName = api.option(
        "The field for the answer, a record.", default="cluster", min_length=1, pattern="^[^@]"
    )
    count: int = api.option("How many clusters there are at most, of each partition.", default=500, ge=2, le=10_000)


@dataclass(frozen=True)
class Known:
    """The templates that were found, never changed, and the id of each."""

    templates: Templates
    ids: tuple[str, ...] = ()


class Cluster(api.Fold[Options, Known]):
    """Groups texts that are alike into clusters, and adds a record with the cluster's `id` and its `template`: what the texts
    have in common, as `user <*> logged in from <ip>`.

    Numbers, addresses, times and the like become masks first. Texts of as many words that have at least half of them in common
    are one cluster, and the words in which they differ become `<*>` (the algorithm is Drain). So a template may become wider later;
    the `id` stays. It is a hash of the template as it was when the cluster was founded: the same in every run over the same file,
    and in other files whose first text of this kind has the same template.

    What was found is remembered for each partition by itself, of a file for example, and nothing is forgotten. When half of the
    clusters of `count` are there, texts that belong to none are put together by their number of words; when all are, the record
    is null for them. It is null for a text that is missing, too. The first 512 characters are looked at, and 48 words."""

    name = "cluster"
    options_model = Options
    example = """
source access = generate(count: 100)
transform kinds = access | grok('%{NGINX_COMBINED}') | cluster(user_agent, into: agent)
transform counts = kinds | window(10s) { requests = count() by [agent.id] }
sink out = counts -> console()
"""

    def schema(self, columns: api.Columns) -> api.Columns:
        if self.options.field.type != api.STRING:
            raise api.OptionError(f"cluster looks at texts, and this is of type {self.options.field.type}", "field")
        return columns.with_field((self.options.into,), FIELDS)

    def empty(self) -> Known:
        return Known(Templates(self.options.count))

    def step(self, state: Known, batch: api.Batch, now: int) -> tuple[Known, api.Batch]:
        texts = masked(self.options.field.values(batch.frame)).to_list()
        after, ids, templates = self._placed(state, texts)
        made = pl.DataFrame({"id": ids, "template": templates}, schema={"id": pl.String, "template": pl.String}).select(
            pl.when(pl.col("id").is_not_null()).then(pl.struct(pl.all())).alias(self.options.into)
        )
        return after, batch.with_columns(made.to_series())

    def _placed(self, state: Known, texts: Sequence[str | None]) -> tuple[Known, list[str | None], list[str | None]]:
        """The id and the template of each text. A row loop: which cluster takes a text depends on the texts before it. As long as no
        template changes, equal texts have equal answers."""
        templates, ids = state.templates.copy(), list(state.ids)
        nothing: tuple[str | None, str | None] = (None, None)
        answers: dict[str | None, tuple[str | None, str | None]] = {None: nothing}
        found: list[tuple[str | None, str | None]] = []
        for text in texts:
            answer = answers.get(text)
            if answer is None:
                changes = templates.changes
                number = templates.place(text or "")
                if number == len(ids):
                    ids.append(blake2b(templates.text(number).encode(), digest_size=8).hexdigest())
                if templates.changes != changes:
                    answers = {None: nothing}
                answer = nothing if number == OTHER else (ids[number], templates.text(number))
                answers[text] = answer
            found.append(answer)
        after = state if templates.changes == state.templates.changes else Known(templates, tuple(ids))
        return after, [id for id, _ in found], [template for _, template in found]

    def dump(self, state: Known) -> bytes:
        rows = [[id, *row] for id, row in zip(state.ids, state.templates.rows(), strict=True)]
        return json.dumps(rows, ensure_ascii=False).encode()

    def load(self, data: bytes, version: int) -> Known:
        if version != self.state_version:
            raise ValueError(f"version {version} is not what cluster remembers")
        try:
            rows = [
                (str(id), (str(first), bool(catching), str(text))) for id, first, catching, text in json.loads(data)
            ]
        except (TypeError, ValueError) as error:
            raise ValueError(f"not what cluster remembers: {error}") from error
        return Known(Templates(self.options.count, (row for _, row in rows)), tuple(id for id, _ in rows))
