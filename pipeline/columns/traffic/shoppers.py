"""How people use the shop: with a browser, with the mobile application, and the staff behind the counter."""

from pipeline.columns.traffic import site
from pipeline.columns.traffic.mix import Draws
from pipeline.columns.traffic.request import Request
from pipeline.columns.traffic.visit import Visit

_FILES = tuple(site.STATIC.items())


def browse(draws: Draws) -> list[Request]:
    """A person with a browser: landing, wandering from page to page, sometimes logging in, sometimes buying."""
    protocol = "HTTP/2.0" if draws.chance(0.8) else "HTTP/1.1"
    visit = Visit(draws, protocol, referer=draws.pick(site.ENTRIES), cached=draws.chance(0.5))
    _land(visit)
    for path, size in _FILES[: draws.between(1, len(_FILES))]:
        visit.file(path, size)
    logged_in = False
    while draws.chance(0.86):
        step = draws.below(100)
        if step < 36:
            _look_at_product(visit)
        elif step < 58:
            visit.open(site.category(draws), 21_000)
        elif step < 72:
            visit.open(site.search(draws), 17_000)
        elif step < 80:
            visit.open(site.article(draws), 9_000)
        elif step < 84:
            visit.fetch(draws.pick(site.MISSING), status=404)
        elif step < 90 and not logged_in:
            _log_in(visit)
            logged_in = True
        elif step < 96:
            _put_in_cart(visit)
            if draws.chance(0.4):
                _check_out(visit)
                break
        else:
            visit.open("/", 24_000)
    return visit.requests


def _land(visit: Visit) -> None:
    where = visit.draws.below(100)
    if where < 45:
        visit.open("/", 24_000)
    elif where < 75:
        _look_at_product(visit)
    elif where < 90:
        visit.open(site.category(visit.draws), 21_000)
    elif where < 95:
        old, new = visit.draws.pick(tuple(site.MOVED.items()))
        visit.fetch(old, status=301)
        visit.open(new, 15_000)
    else:
        visit.fetch(f"/product/{site.gone_product(visit.draws)}", status=410)
        visit.open("/", 24_000)


def _look_at_product(visit: Visit) -> None:
    number = site.product(visit.draws)
    visit.open(f"/product/{number}", 18_000)
    visit.fetch(f"/api/v1/items/{number}", 900)
    visit.file(*site.image(number))
    if visit.draws.chance(0.3):
        visit.fetch(f"/api/v1/recommendations?item={number}", 2_600)
    if visit.draws.chance(0.02):
        visit.fetch("/media/tour.mp4", 1_048_576, status=206)


def _log_in(visit: Visit) -> None:
    visit.open("/login", 6_000)
    if visit.draws.chance(0.12):
        visit.fetch("/login", status=401, method="POST")
    visit.post("/login", then="/account", median=12_000)


def _put_in_cart(visit: Visit) -> None:
    visit.fetch("/api/v1/cart", status=204, method="POST")
    visit.open("/cart", 11_000)


def _check_out(visit: Visit) -> None:
    visit.post("/cart", then="/checkout", median=14_000)
    visit.post("/checkout", then="/checkout/done", median=8_000)


def use_app(draws: Draws) -> list[Request]:
    """The mobile application: calls of the interface only, some of them impatient (499: the client hung up)."""
    visit = Visit(draws, "HTTP/2.0")
    for _ in range(draws.between(3, 14)):
        number = site.product(draws)
        if draws.chance(0.02):
            visit.fetch(f"/api/v1/items/{number}", status=499)
        elif draws.chance(0.7):
            visit.fetch(f"/api/v1/items/{number}", 900)
        elif draws.chance(0.1):
            visit.fetch("/api/v1/account", status=401)
        else:
            visit.fetch(f"/api/v1{site.search(draws)}", 5_200)
    return visit.requests


def administer(draws: Draws) -> list[Request]:
    """A member of the staff, behind basic authentication."""
    visit = Visit(draws, "HTTP/2.0", referer=f"{site.ORIGIN}/admin/")
    for _ in range(draws.between(3, 9)):
        number = site.product(draws)
        if draws.chance(0.3):
            visit.post(f"/admin/items/{number}", then=f"/admin/items/{number}", median=16_000)
        else:
            visit.open(draws.pick(("/admin/", "/admin/orders", f"/admin/orders?page={draws.between(2, 9)}")), 22_000)
    return visit.requests
