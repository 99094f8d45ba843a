"""User agents by what they are. A text that stands twice in a tuple is twice as common."""

_WIN = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
_TUX = "Mozilla/5.0 (X11; Linux x86_64) "
_DROID = "Mozilla/5.0 (Linux; Android 10; K) "
_KIT = "AppleWebKit/537.36 (KHTML, like Gecko) "
_IOS_KIT = "AppleWebKit/605.1.15 (KHTML, like Gecko) "

_CHROME = (
    f"{_WIN}{_KIT}Chrome/126.0.0.0 Safari/537.36",
    f"{_MAC}{_KIT}Chrome/126.0.0.0 Safari/537.36",
    f"{_WIN}{_KIT}Chrome/125.0.0.0 Safari/537.36",
    f"{_DROID}{_KIT}Chrome/126.0.0.0 Mobile Safari/537.36",
    f"{_DROID}{_KIT}Chrome/124.0.0.0 Mobile Safari/537.36",
)
_SAFARI = (
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) {_IOS_KIT}Version/17.5 Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (iPad; CPU OS 16_7_8 like Mac OS X) {_IOS_KIT}Version/16.6 Mobile/15E148 Safari/604.1",
    f"{_MAC}{_IOS_KIT}Version/17.4.1 Safari/605.1.15",
)
_FIREFOX = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
    "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0",
)
_EDGE = (f"{_WIN}{_KIT}Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",)
_RARE = (
    f"{_TUX}{_KIT}Chrome/122.0.0.0 Safari/537.36",
    f"{_WIN}{_KIT}Chrome/125.0.0.0 Safari/537.36 OPR/111.0.0.0",
    f"{_DROID}{_KIT}SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_IOS_KIT}CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) {_IOS_KIT}FxiOS/127.0 Mobile/15E148 Safari/605.1.15",
    f"{_WIN}{_KIT}Chrome/124.0.0.0 YaBrowser/24.6.0.0 Safari/537.36",
    f"{_WIN}{_KIT}Chrome/124.0.0.0 Safari/537.36 Vivaldi/6.7.3329.35",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) {_IOS_KIT}Mobile/15E148 [FBAN/FBIOS;FBAV/469.0.0.36.103]",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    f'Mozilla/5.0 (Linux; Android 12; "Tab" A8) {_KIT}Chrome/119.0.0.0 Safari/537.36',
    f"Mozilla/5.0 (Linux; U; Android 13; en-US; M2101K6G) {_KIT}Version/4.0 UCBrowser/13.4.0.1306 Mobile Safari/537.36",
)

BROWSERS = _CHROME * 12 + _SAFARI * 10 + _FIREFOX * 5 + _EDGE * 9 + _RARE
APPS = (
    "okhttp/4.12.0",
    "Shop/4.2 CFNetwork/1494.0.7 Darwin/23.4.0",
    "Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A.230901.001)",
    "Dart/3.3 (dart:io)",
)
CRAWLERS = (
    *("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",) * 4,
    f"{_DROID}{_KIT}Chrome/126.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    *("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",) * 3,
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
    "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
)
TOOLS = (
    "curl/8.5.0",
    "curl/7.88.1",
    "Wget/1.21.4",
    "python-requests/2.31.0",
    "PostmanRuntime/7.39.0",
)
SCRAPERS = (
    "python-requests/2.31.0",
    "Scrapy/2.11.2 (+https://scrapy.org)",
    "Go-http-client/1.1",
    "Java/17.0.10",
)
SCANNERS = (
    "Mozilla/5.0 zgrab/0.x",
    "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)",
    "sqlmap/1.8.4#stable (https://sqlmap.org)",
    'Mozilla/5.0 "><script>alert(1)</script>',
    "Go-http-client/1.1",
)
MONITORS = ("Prometheus/2.51.0", "ELB-HealthChecker/2.0", "kube-probe/1.29")
NONE = ("-",)
