"""The stand-in exchange stands alone."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent / "sniper"
MAY_IMPORT = {"cli/venue.py"}


def test_nothing_of_the_trading_path_imports_it() -> None:
    for path in ROOT.rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith("exchange/") or name in MAY_IMPORT:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("sniper.exchange"), name
            elif isinstance(node, ast.Import):
                assert not any(alias.name.startswith("sniper.exchange") for alias in node.names), name
