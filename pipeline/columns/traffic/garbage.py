"""Lines that are not of the format: torn writes and what other programs print into the same file."""

_STRANGERS = (
    '2026/03/01 04:05:06 [error] 31#31: *4512 open() "/srv/www/favicon.png" failed (2: No such file or directory)',
    "2026/03/01 04:05:06 [warn] 31#31: 1024 worker_connections are not enough",
    "nginx: [alert] could not open error log file: open() failed (13: Permission denied)",
    "    at com.example.shop.Cart.total(Cart.java:118)",
    "Segmentation fault (core dumped)",
    "<html><head><title>400 Bad Request</title></head></html>",
    "\u2026 log rotated \u2026",
)
# Shorter than any line up to its request: what is cut off here can never be parsed, in either format.
_LONGEST_TORN = 38


def garbage(line: str, bits: int) -> str:
    """What 64 random bits make of a line (with its newline): its beginning, or something foreign; ends with a newline."""
    choice, cut = bits % (2 * len(_STRANGERS)), bits // 2**40 % (_LONGEST_TORN - 7) + 8
    text = _STRANGERS[choice] if choice < len(_STRANGERS) else line[:cut].removesuffix("\n")
    return f"{text}\n"
