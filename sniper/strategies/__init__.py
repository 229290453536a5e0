"""Strategies, one file each: they look at a view and say what they want. docs/strategies.md tells how to write one."""
