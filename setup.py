"""Builds the kernels: one extension `sniper._ext.<name>` for each `_ext/<name>.pyx`.

SNIPER_NATIVE=1  compile for this machine's processor only (default: portable)
SNIPER_DEBUG=1   bounds checks and kernel assertions on (what CI runs once)
SNIPER_KERNELS=0 no kernels at all: the Makefile installs first and then builds them in place, in parallel
"""

import os
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

debug = os.environ.get("SNIPER_DEBUG") == "1"
native = os.environ.get("SNIPER_NATIVE") == "1"
build = Path("build/debug" if debug else "build/c")

flags = ["-O3", "-ffp-contract=off", "-Wno-unused-function", "-fno-tree-slp-vectorize"]
flags += ["-march=native"] if native else []
flags += ["-DSNIPER_DEBUG=1"] if debug else []

extensions = [
    Extension(
        f"sniper._ext.{path.stem}",
        [path.as_posix()],
        include_dirs=[numpy.get_include(), "_ext"],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        extra_compile_args=flags,
    )
    for path in sorted(Path("_ext").glob("*.pyx"))
    if os.environ.get("SNIPER_KERNELS") != "0"
]
for extension in extensions:
    if extension.name == "sniper._ext.compiled":
        extension.define_macros.append(("SNIPER_FLAGS", f'"{" ".join(flags)}"'))

# Object files do not remember the flags they were made with: all are made anew when the flags change.
build.mkdir(parents=True, exist_ok=True)
stamp = build / "flags.txt"
changed = not stamp.exists() or stamp.read_text() != " ".join(flags)

setup(
    ext_modules=cythonize(
        extensions,
        include_path=["_ext"],
        build_dir=str(build),
        force=changed,
        compiler_directives={
            "language_level": "3",
            "boundscheck": debug,
            "initializedcheck": debug,
            "wraparound": False,
            "cdivision": True,
        },
    ),
    options={"build_ext": {"force": changed}},
)
if extensions:
    stamp.write_text(" ".join(flags))
