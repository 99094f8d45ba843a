"""Package layout: `pipeline` is itself, the folder `plugins` is installed as `pipeline_plugins`.

A top-level `plugins` in site-packages would collide with others; pyproject.toml cannot say "find packages under another name".
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["pipeline", "pipeline.*"]),
        "pipeline_plugins",
        *(f"pipeline_plugins.{name}" for name in find_packages("plugins")),
    ],
    package_dir={"pipeline": "pipeline", "pipeline_plugins": "plugins"},
)
