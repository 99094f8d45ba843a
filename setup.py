"""Package layout: `pipeline` is itself, the folder `plugins` is installed as `pipeline_plugins`, `native/` is one module.

A top-level `plugins` in site-packages would collide with others; pyproject.toml cannot say "find packages under another
name". The native module is optional: without a Rust toolchain its twins in Python take over, and `pipe --version` says so.
"""

from setuptools import find_packages, setup
from setuptools_rust import Binding, RustExtension

setup(
    packages=[
        *find_packages(include=["pipeline", "pipeline.*"]),
        "pipeline_plugins",
        *(f"pipeline_plugins.{name}" for name in find_packages("plugins")),
    ],
    package_dir={"pipeline": "pipeline", "pipeline_plugins": "plugins"},
    rust_extensions=[
        RustExtension(
            "pipeline.columns._native",
            path="native/Cargo.toml",
            binding=Binding.PyO3,
            py_limited_api=True,
            debug=False,
            optional=True,
        )
    ],
)
