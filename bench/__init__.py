"""Measurements; nothing here is part of the product.

`python -m bench` prints the table, `pytest bench` runs the same suites under pytest-benchmark,
`python -m bench.limit` compares with plain C, `python -m bench.ticks` times whole ticks, journal and replay.
"""
