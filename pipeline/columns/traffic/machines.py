"""How machines use the shop: crawlers, monitors and scripts, and those that look for a hole in the fence."""

from pipeline.columns.traffic import site
from pipeline.columns.traffic.mix import Draws
from pipeline.columns.traffic.request import Request
from pipeline.columns.traffic.visit import Visit

_HOLES = (
    "/wp-login.php",
    "/.env",
    "/.git/config",
    "/phpmyadmin/index.php",
    "/xmlrpc.php",
    "/cgi-bin/luci/;stok=/locale?form=country",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/index.php?s=/Index/%5Cthink%5Capp/invokefunction&vars[0]=md5",
    "/product/1%27%20OR%201=1--",
    "/..%2f..%2f..%2fetc/passwd",
    "/?q=%3Cscript%3Ealert(1)%3C/script%3E",
    '/search?q="quoted"',
)
_NOT_HTTP = (
    "\x16\x03\x01\x00\xee\x01\x00\x00\xea\x03\x03\x9f\x4e",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "\x03\x00\x00/*\xe0\x00\x00\x00\x00\x00Cookie: mstshash=Administr",
    "\x00\x0e8\xa1\x15\xf4\\\x8e\x0b",
    'SSH-2.0-Go "probe"',
    "-",
    "-",
    "",
)


def crawl(draws: Draws) -> list[Request]:
    """A search engine: no referer, old addresses too (301, 404, 410), and pages that did not change (304)."""
    visit = Visit(draws, "HTTP/1.1")
    visit.fetch("/robots.txt", 300)
    visit.file("/sitemap.xml", 61_240)
    for _ in range(draws.between(4, 20)):
        number, what = site.product(draws), draws.below(100)
        if what < 60:
            visit.fetch(f"/product/{number}", 18_000)
        elif what < 70:
            visit.fetch(f"{site.category(draws)}?page={draws.between(1, 30)}", 21_000)
        elif what < 78:
            visit.fetch(f"/product/{site.gone_product(draws)}", status=410)
        elif what < 84:
            visit.fetch(f"/product/{site.PRODUCT_COUNT * 2 + number}", status=404)
        elif what < 90:
            visit.fetch(draws.pick(tuple(site.MOVED)), status=301)
        else:
            visit.fetch(site.article(draws), status=304)
    return visit.requests


def monitor(draws: Draws) -> list[Request]:
    """A health check from inside."""
    visit = Visit(draws, "HTTP/1.1")
    visit.fetch("/healthz", 15, method="HEAD" if draws.chance(0.3) else "GET")
    return visit.requests


def run_script(draws: Draws) -> list[Request]:
    """Somebody's script: a few calls of the interface, not always to something that is there."""
    visit = Visit(draws, "HTTP/1.1")
    for _ in range(draws.between(1, 5)):
        if draws.chance(0.1):
            visit.fetch(f"/api/v2/items/{site.product(draws)}", status=404)
        else:
            visit.fetch(f"/api/v1/items/{site.product(draws)}", 900)
    return visit.requests


def scrape(draws: Draws) -> list[Request]:
    """A scraper: item after item, until the limit of requests answers for a while."""
    visit = Visit(draws, "HTTP/1.1")
    number = draws.between(1, site.PRODUCT_COUNT)
    for _ in range(draws.between(2, 4)):
        for status in (200,) * draws.between(6, 14) + (429,) * draws.between(4, 16):
            visit.fetch(f"/api/v1/items/{number}", 900, status)
            number += 1
    return visit.requests


def scan(draws: Draws) -> list[Request]:
    """A vulnerability scanner: files that other people's servers should not have."""
    visit = Visit(draws, "HTTP/1.1")
    for _ in range(draws.between(3, 12)):
        target = draws.pick(_HOLES)
        visit.fetch(target, status=403 if target.startswith("/.") else 404)
    return visit.requests


def probe(draws: Draws) -> list[Request]:
    """A port scanner that speaks another protocol, or says nothing at all."""
    visit = Visit(draws, "HTTP/1.0")
    visit.broken(draws.pick(_NOT_HTTP))
    return visit.requests


def force_door(draws: Draws) -> list[Request]:
    """Guessing passwords: 401 until the address is locked out, then 403."""
    visit = Visit(draws, "HTTP/1.1")
    target, method = draws.pick((("/login", "POST"), ("/login", "POST"), ("/admin/", "GET")))
    for _ in range(draws.between(8, 25)):
        visit.fetch(target, status=401, method=method)
    for _ in range(draws.between(2, 12)):
        visit.fetch(target, status=403, method=method)
    return visit.requests
