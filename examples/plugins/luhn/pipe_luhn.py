"""Check the last digit of card numbers: a filter that sees one event at a time."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline import api


class Options(api.Options):
    field: api.Field = api.option("The number, a text of the top level; spaces and dashes are left out.")
    into: api.NewName = api.option("Where it says whether the number is valid.", default="valid")


class Luhn(api.EventFilter[Options], api=1):
    """Says whether a card number is valid by its last digit (ISO/IEC 7812). Events whose number has anything but digits are
    rejected with `no_number`; where there is none, the answer is null."""

    name = "luhn"
    options_model = Options
    drops = False
    example = """
source orders = generate(count: 100)
transform checked = orders
  | set { card = if @offset % 2 == 0 then '4539 5787 6362 1486' else '4539 5787 6362 1487' }
  | luhn(card)
sink out = checked | keep(card, valid) -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        if options.field.type != api.STRING or len(options.field.path) > 1:
            raise api.OptionError("luhn reads a text of the top level", "field")

    def adds(self) -> Mapping[str, api.Type]:
        return {self.options.into: api.BOOL}

    def process(self, event: dict[str, object]) -> dict[str, object]:
        number = event[self.options.field.name]
        event[self.options.into] = None if number is None else self._valid(str(number))
        return event

    def _valid(self, number: str) -> bool:
        digits = number.replace(" ", "").replace("-", "")
        if not digits.isascii() or not digits.isdigit():
            raise api.Reject("no_number", field=self.options.field.name, detail=number[:20])
        values = [int(digit) for digit in reversed(digits)]
        doubled = [sum(divmod(2 * value, 10)) for value in values[1::2]]
        return (sum(values[::2]) + sum(doubled)) % 10 == 0
