"""Digests and encodings, against hashlib, hmac, zlib, base64 and binascii."""

import base64
import hashlib
import hmac
import zlib

import pytest
from calls import run
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import api

TEXTS = st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=20)
BLOBS = st.lists(st.binary(max_size=20), max_size=20)


@given(TEXTS, BLOBS)
@settings(max_examples=50, deadline=None)
def test_digests(texts, blobs):
    """Texts are hashed as UTF-8, bytes as they are."""
    references = {
        **{
            name: lambda data, name=name: hashlib.new(name, data).hexdigest()
            for name in ("md5", "sha1", "sha256", "sha512")
        },
        "crc32": zlib.crc32,
        "hash64": lambda data: int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little", signed=True),
        "hex_encode": bytes.hex,
        "base64_encode": lambda data: base64.b64encode(data).decode(),
    }
    for name, reference in references.items():
        assert run(f"{name}(x)", x=(api.STRING, texts)) == [reference(text.encode()) for text in texts]
        assert run(f"{name}(x)", x=(api.BYTES, blobs)) == [reference(blob) for blob in blobs]
    keyed = [hmac.new("ké".encode(), text.encode(), "sha256").hexdigest() for text in texts]
    assert run("hmac_sha256(x, 'ké')", x=(api.STRING, texts)) == keyed


@given(BLOBS)
@settings(max_examples=50, deadline=None)
def test_decoding(blobs):
    """Decoding undoes encoding, in both alphabets and without padding; what is no UTF-8 is replaced."""
    texts = [blob.decode("utf-8", "replace") for blob in blobs]
    for encode in (base64.b64encode, base64.urlsafe_b64encode, lambda blob: base64.b64encode(blob).rstrip(b"=")):
        column = (api.STRING, [encode(blob).decode() for blob in blobs])
        assert run("base64_decode(x)", x=column) == texts
    assert run("hex_decode(x)", x=(api.STRING, [blob.hex() for blob in blobs])) == texts


@pytest.mark.parametrize("text", ["a", "a===", "ab cd", "a=bc", "é"])
def test_no_base64(text):
    """What is no Base64 is null."""
    assert run("base64_decode(x)", x=(api.STRING, [text])) == [None]


@pytest.mark.parametrize("text", ["a", "0g", "0x10", " 00"])
def test_no_hex(text):
    """What is no hex is null."""
    assert run("hex_decode(x)", x=(api.STRING, [text])) == [None]
