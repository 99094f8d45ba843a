"""The made-up shop that the visitors walk through: its pages, how popular they are, and how big."""

from pipeline.columns.traffic.mix import Draws
from pipeline.columns.traffic.popularity import Popularity

ORIGIN = "https://shop.example.com"

CATEGORIES = (
    "books",
    "kitchen",
    "garden",
    "music",
    "outdoor",
    "toys",
    "home%20%26%20living",
    "caf%C3%A9",
    "lighting",
    "%E6%9B%B8%E9%81%93",
)
PAGES = ("/about", "/contact", "/help/shipping", "/help/returns", "/terms", "/blog/spring-sale", "/jobs")
SEARCHES = (
    "lamp",
    "coffee+mug",
    "tent",
    "board+game",
    "caf%C3%A9+cr%C3%A8me",
    "desk",
    "headphones",
    "usb%2Dc+cable",
    "gift+%26+card",
    "watering+can",
    "t%C3%A9l%C3%A9scope",
    "notebook+a5",
)
ENTRIES = (
    "https://www.google.com/",
    "https://www.google.com/",
    "https://www.bing.com/",
    "https://duckduckgo.com/",
    "https://news.example.org/gift-ideas?utm_source=mail&utm_campaign=spring",
    "https://www.instagram.com/",
    "-",
    "-",
    "-",
)
STATIC = {
    "/static/css/site.3f2a9c.css": 28_411,
    "/static/js/app.9c1be0.js": 184_220,
    "/static/js/vendor.51d07f.js": 312_874,
    "/static/fonts/inter-var.woff2": 98_868,
    "/static/img/logo.svg": 4_126,
    "/favicon.ico": 15_086,
}
MISSING = (
    "/favicon.png",
    "/apple-touch-icon.png",
    "/static/js/app.9c1be0.js.map",
    "/category/undefined",
    "/blog/sping-sale",
    "/images/product/null.webp",
    "/ads.txt",
)
MOVED = {"/shop": "/", "/contact-us": "/contact", "/blog": "/blog/spring-sale", "/category": "/category/books"}

PRODUCT_COUNT = 2_000
_PRODUCTS = Popularity(PRODUCT_COUNT, flat=3)
_CATEGORIES = Popularity(len(CATEGORIES))
_SEARCHES = Popularity(len(SEARCHES), flat=2)
_PAGES = Popularity(len(PAGES))


def product(draws: Draws) -> int:
    """The number of a product that is still sold, popular ones more often."""
    # Odd numbers only, and a stride prime to their count: neighbours in rank are not neighbours in number.
    return _PRODUCTS.rank(draws) * 769 % PRODUCT_COUNT * 2 + 1


def gone_product(draws: Draws) -> int:
    """The number of a product that was taken off the shop (its page answers 410): few of them, and even."""
    return (_PRODUCTS.rank(draws) % 60 + 1) * 26


def category(draws: Draws) -> str:
    """The path of a category, popular ones more often."""
    return f"/category/{CATEGORIES[_CATEGORIES.rank(draws)]}"


def search(draws: Draws) -> str:
    """A search with its query string, popular words more often."""
    return f"/search?q={SEARCHES[_SEARCHES.rank(draws)]}"


def article(draws: Draws) -> str:
    """A page of text."""
    return PAGES[_PAGES.rank(draws)]


def image(number: int) -> tuple[str, int]:
    """The picture of a product: its path, and its size, which is always the same."""
    return f"/images/product/{number}.webp", Draws(number).around(42_000)
