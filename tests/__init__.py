"""The tests. A package, so that `from tests import real` and `python -m tests.differential` work."""
