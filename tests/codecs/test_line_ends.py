"""Ends of lines in texts that are decoded."""

from pipeline import api
from pipeline.testing import batch, events


class Same(api.Codec[api.Options]):
    """The text as it is."""

    name = "same"
    options_model = api.Options
    example = ""

    def schema(self):
        return api.Columns({"found": api.STRING})

    def decode(self, texts, received):
        return api.Decoded(texts.alias("found").to_frame())


def found(field):
    options = api.DecodingOptions(codec=Same(api.Options()), field=field)
    decoded = api.Decoding(options).apply(batch({"@raw": b"raw\r", "text": "a text\r"}))
    return [event["found"] for event in events(decoded)]


def test_a_carriage_return_ends_a_line_in_raw_alone():
    """It is part of the value of every other field."""
    assert found(api.Field(("@raw",), api.BYTES)) == ["raw"]
    assert found(api.Field(("text",), api.STRING)) == ["a text\r"]
