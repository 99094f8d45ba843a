"""Write the sample GeoIP database, which knows the networks of generated traffic and no others.

    python bench/make_sample_mmdb.py [OUTPUT]

The output is `plugins/filters/sample.mmdb` unless given. Needs mmdb-writer. The file has the shape of MaxMind's City
databases: country.iso_code, country.names.en, city.names.en, location.latitude, location.longitude.
"""

import sys
from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet

from pipeline.columns.traffic.places import PLACES, Place

SHIPPED = Path(__file__).parent.parent / "plugins" / "filters" / "sample.mmdb"


def record(place: Place) -> dict[str, dict[str, object]]:
    """What the database answers for an address of this place."""
    return {
        "country": {"iso_code": place.country, "names": {"en": place.country_name}},
        "city": {"names": {"en": place.city}},
        "location": {"latitude": place.latitude, "longitude": place.longitude},
    }


def write(output: Path) -> None:
    """Write the database; an existing file is replaced. Two runs differ in the time stamp of the build only."""
    database = MMDBWriter(
        ip_version=6,
        ipv4_compatible=True,
        database_type="Sample-City",
        languages=["en"],
        description="Places of generated traffic: reserved networks, made-up locations",
    )
    for place in PLACES:
        database.insert_network(IPSet([place.ipv4, place.ipv6]), record(place))
    database.to_db_file(str(output))


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED
    write(target)
    print(f"{target}: {target.stat().st_size} bytes, {len(PLACES)} places")
