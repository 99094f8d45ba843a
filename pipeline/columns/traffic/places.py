"""Where the made-up visitors live: networks that nobody owns, and the place that each stands for.

All networks are reserved for benchmarks (198.18.0.0/15, RFC 2544) or documentation (RFC 5737, RFC 3849), so no address
in a generated log is anybody's. The shipped sample database for `geoip` is built from this same table.
"""

from typing import NamedTuple


class Place(NamedTuple):
    """A city, its share of the visitors (relative weight), and its networks in CIDR notation."""

    country: str
    country_name: str
    city: str
    latitude: float
    longitude: float
    weight: int
    ipv4: str
    ipv6: str


PLACES = (
    Place("US", "United States", "Ashburn", 39.04, -77.49, 14, "198.18.0.0/20", "2001:db8:100::/40"),
    Place("US", "United States", "Dallas", 32.78, -96.8, 9, "198.18.16.0/20", "2001:db8:200::/40"),
    Place("US", "United States", "Los Angeles", 34.05, -118.24, 10, "198.18.32.0/20", "2001:db8:300::/40"),
    Place("US", "United States", "Chicago", 41.88, -87.63, 8, "198.18.48.0/20", "2001:db8:400::/40"),
    Place("DE", "Germany", "Berlin", 52.52, 13.4, 8, "198.18.64.0/20", "2001:db8:500::/40"),
    Place("DE", "Germany", "Frankfurt am Main", 50.11, 8.68, 7, "198.18.80.0/20", "2001:db8:600::/40"),
    Place("DE", "Germany", "Munich", 48.14, 11.58, 4, "198.18.96.0/20", "2001:db8:700::/40"),
    Place("GB", "United Kingdom", "London", 51.51, -0.13, 8, "198.18.112.0/20", "2001:db8:800::/40"),
    Place("GB", "United Kingdom", "Manchester", 53.48, -2.24, 3, "198.18.128.0/20", "2001:db8:900::/40"),
    Place("FR", "France", "Paris", 48.85, 2.35, 7, "198.18.144.0/20", "2001:db8:a00::/40"),
    Place("FR", "France", "Lyon", 45.76, 4.84, 2, "198.18.160.0/20", "2001:db8:b00::/40"),
    Place("NL", "Netherlands", "Amsterdam", 52.37, 4.9, 4, "198.18.176.0/20", "2001:db8:c00::/40"),
    Place("ES", "Spain", "Madrid", 40.42, -3.7, 4, "198.18.192.0/20", "2001:db8:d00::/40"),
    Place("IT", "Italy", "Milan", 45.46, 9.19, 4, "198.18.208.0/20", "2001:db8:e00::/40"),
    Place("PL", "Poland", "Warsaw", 52.23, 21.01, 3, "198.18.224.0/20", "2001:db8:f00::/40"),
    Place("SE", "Sweden", "Stockholm", 59.33, 18.07, 2, "198.18.240.0/20", "2001:db8:1000::/40"),
    Place("CH", "Switzerland", "Zurich", 47.37, 8.55, 2, "198.19.0.0/20", "2001:db8:1100::/40"),
    Place("AT", "Austria", "Vienna", 48.21, 16.37, 2, "198.19.16.0/20", "2001:db8:1200::/40"),
    Place("CA", "Canada", "Toronto", 43.65, -79.38, 4, "198.19.32.0/20", "2001:db8:1300::/40"),
    Place("CA", "Canada", "Montreal", 45.5, -73.57, 2, "198.19.48.0/20", "2001:db8:1400::/40"),
    Place("BR", "Brazil", "São Paulo", -23.55, -46.63, 6, "198.19.64.0/20", "2001:db8:1500::/40"),
    Place("MX", "Mexico", "Mexico City", 19.43, -99.13, 3, "198.19.80.0/20", "2001:db8:1600::/40"),
    Place("AR", "Argentina", "Buenos Aires", -34.61, -58.38, 2, "198.19.96.0/20", "2001:db8:1700::/40"),
    Place("IN", "India", "Mumbai", 19.08, 72.88, 7, "198.19.112.0/20", "2001:db8:1800::/40"),
    Place("IN", "India", "Bengaluru", 12.97, 77.59, 6, "198.19.128.0/20", "2001:db8:1900::/40"),
    Place("JP", "Japan", "Tokyo", 35.69, 139.69, 5, "198.19.144.0/20", "2001:db8:1a00::/40"),
    Place("KR", "South Korea", "Seoul", 37.57, 126.98, 3, "198.19.160.0/20", "2001:db8:1b00::/40"),
    Place("SG", "Singapore", "Singapore", 1.29, 103.85, 3, "198.19.176.0/20", "2001:db8:1c00::/40"),
    Place("AU", "Australia", "Sydney", -33.87, 151.21, 3, "198.19.192.0/20", "2001:db8:1d00::/40"),
    Place("ZA", "South Africa", "Johannesburg", -26.2, 28.05, 2, "198.19.208.0/20", "2001:db8:1e00::/40"),
    Place("NG", "Nigeria", "Lagos", 6.45, 3.39, 2, "198.19.224.0/20", "2001:db8:1f00::/40"),
    Place("TR", "Türkiye", "Istanbul", 41.01, 28.98, 3, "198.19.240.0/20", "2001:db8:2000::/40"),
    Place("UA", "Ukraine", "Kyiv", 50.45, 30.52, 2, "203.0.113.0/24", "2001:db8:2100::/40"),
    Place("EG", "Egypt", "Cairo", 30.04, 31.24, 2, "198.51.100.0/24", "2001:db8:2200::/40"),
    Place("IS", "Iceland", "Reykjavik", 64.15, -21.94, 1, "192.0.2.0/24", "2001:db8:2300::/40"),
)

# The load balancer's own side of the network (RFC 1918): in no geographic database, so that a miss is seen too.
INTERNAL = "10.0.0.0/24"
