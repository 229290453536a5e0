"""_ext.compiled: how the kernels were compiled."""

from __future__ import annotations

from sniper._ext import compiled


def test_the_flags_keep_floats_repeatable() -> None:
    flags = compiled.FLAGS.split()
    assert "-ffp-contract=off" in flags
    assert not {"-ffast-math", "-Ofast", "-funsafe-math-optimizations"} & set(flags)


def test_a_debug_build_says_so() -> None:
    assert ("-DSNIPER_DEBUG=1" in compiled.FLAGS.split()) == compiled.DEBUG


def test_it_names_its_compilers() -> None:
    assert compiled.CYTHON.startswith("3.")
    assert compiled.COMPILER
