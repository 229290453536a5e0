"""The rules of the house as tests: who imports whom, what the core must not touch, sizes, leftovers."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from sniper import __version__
from sniper.errors import EXIT_MEANINGS

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "sniper").rglob("*.py"))
KERNELS = sorted((ROOT / "_ext").glob("*.pyx"))
HEADERS = sorted((ROOT / "_ext").glob("*.pxd"))

# From left to right: what stands further left never imports what stands further right. A module that is in no
# row must be put into one. `journal` stands for journal_format and the like too.
LAYERS = (
    ("_ext",),
    ("types", "trading", "viewing", "handview", "named", "errors", "decimals", "wording"),
    (
        "engine",
        "links",
        "running_digest",
        "bounds",
        "handover",
        "heights",
        "order_adoption",
        "order_ids",
        "order_intake",
        "order_proof",
        "order_record",
        "order_shelf",
        "order_table",
        "desk",
        "exposure",
        "reconciling",
        "resilience",
        "standing",
        "account",
        "paper_settings",
        "live_settings",
        "profit",
        "trips",
        "quantums",
        "funding",
        "orders",
        "risk",
        "strategies",
    ),
    ("config", "configfile"),
    (
        "client_ids",
        "state",
        "inbox",
        "feed",
        "journal",
        "venues",
        "exchange",
        "heartbeat",
        "instances",
        "kept_kill",
        "kill_file",
        "operating",
        "operating_documents",
        "keys",
        "audit",
        "panels",
        "dashboard",
        "look",
        "painter",
        "picture",
        "layout",
        "terminal",
        "timing",
    ),
    (
        "loop",
        "written",
        "reconcile",
        "recovery",
        "backtesting",
        "backtest_document",
        "backtest_series",
        "report",
        "scorecard",
        "stopping",
        "replaying",
        "inspection",
        "grading",
        "bookdump",
        "debugger",
        "drill",
        "explaining",
        "explaining_orders",
        "demo",
        "expression",
    ),
    ("cli", "__main__"),
)
CORE = (
    "types",
    "trading",
    "viewing",
    "links",
    "running_digest",
    "bounds",
    "handover",
    "heights",
    "desk_words",
    "trips_record",
    "order_adoption",
    "order_ids",
    "order_intake",
    "order_proof",
    "order_record",
    "order_shelf",
    "order_table",
    "engine",
    "desk",
    "reconciling",
    "resilience",
    "standing",
    "account",
    "account_facts",
    "account_family",
    "account_messages",
    "account_orders",
    "account_state",
    "account_wire",
    "profit",
    "trips",
    "quantums",
    "funding",
    "funding_rules",
    "orders",
    "risk",
    "risk_candidate",
    "risk_gates",
    "risk_gates_market",
    "risk_gates_size",
    "risk_ladder",
    "risk_limits",
    "risk_margin",
    "risk_operator",
    "risk_outlook",
    "risk_pace",
    "risk_protect",
    "risk_rungs",
    "risk_saved",
    "risk_settings",
    "risk_sizing",
    "risk_units",
    "strategies",
    "paper_settings",
    *(
        f"venues.{name}"
        for name in (
            "account_frames",
            "admission",
            "arrivals",
            "blocks",
            "chance",
            "collateral",
            "floor",
            "hearing",
            "ledger",
            "liquidating",
            "matching",
            "models",
            "order",
            "outbox",
            "paper",
            "queue",
            "reports",
            "starting",
            "terms",
        )
    ),
)
"""What runs inside a tick, or answers to it: it must give the same result whenever and wherever it runs."""

BANNED_IN_CORE = {
    "time",
    "datetime",
    "random",
    "secrets",
    "threading",
    "multiprocessing",
    "os",
    "uuid",
    "asyncio",
}
SUMS_WHOLE_NUMBERS = {"links", "admission", "arrivals", "blocks", "floor", "ledger", "terms", "desk"}
"""Modules of the core that may call sum(): over integers. Over floats its rounding changed with Python 3.12."""
CLIENT = {"dydx_v4_client", "v4_proto", "grpc", "httpx", "websocket"}
"""The exchange's client and what it drags in: 0.3 s and 57 MB, so only a live feed may import it."""
MAY_IMPORT_CLIENT = (
    "sniper/feed/wire.py",
    "sniper/feed/rest.py",
    "sniper/feed/pages.py",
    "sniper/feed/socket.py",
    "sniper/keys/chain.py",
    "sniper/keys/pair.py",
    "sniper/keys/probes.py",
    "sniper/keys/trading.py",
    "sniper/venues/live_limits.py",
    "sniper/venues/live_messages.py",
    "sniper/venues/live_nodes.py",
    "sniper/venues/live_sender.py",
)
THE_NODE = "sniper/exchange/node/"
"""The stand-in exchange's node answers with the protocol's own messages; only `sniper venue` imports it."""

LINES_MAX = 350
LONGER = {
    "_ext/decode.pyx": "one cdef class over one C state; what it reads is split into headers, which inline here",
    "_ext/liquidation.pyx": "one cdef class of many small questions; what answers them is split into headers",
    "_ext/orderbook.pyx": "one cdef class: rows, queries, save and load work on C arrays that nobody else may see",
    "_ext/signals.pyx": "one cdef class and the table that documents it; what it reckons with is split into headers",
    "_ext/trades.pyx": "one cdef class with its table of ids: rows, queries, save and load share the C arrays",
}
"""Files that may be longer, each with the reason."""

MAY_LACK_A_TEST = {
    "sniper/__init__.py",
    "sniper/cli/__init__.py",
    "sniper/exchange/indexer/__init__.py",
    "sniper/exchange/indexer/settings.py",  # one tuple
    "sniper/exchange/interfaces.py",  # protocols and tuples alone
    "sniper/exchange/node/__init__.py",
    "sniper/exchange/terms.py",
    "sniper/feed/__init__.py",
    "sniper/keys/__init__.py",
    "sniper/panels/__init__.py",
    "sniper/venues/__init__.py",
}


def name_of(path: Path) -> str:
    """sniper/feed/sim/book.py -> sniper.feed.sim.book"""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file, with the names taken from a package.

    What stands under `if __name__ == "__main__":` belongs to the program that the file is then, not to the module.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'")
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(module: str) -> int | None:
    """The row of a module of ours, None for sniper itself and for what is not ours."""
    parts = module.split(".")
    if parts[0] != "sniper" or len(parts) == 1 or parts[1] == "__version__":
        return None
    for number, names in enumerate(LAYERS):
        if parts[1] in names or parts[1].split("_")[0] in names:
            return number
    raise AssertionError(f"{module} is in no row of LAYERS: say where it belongs")


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_left_never_imports_right(path: Path) -> None:
    own = layer(name_of(path))
    for module in imported(path):
        other = layer(module)
        assert own is None or other is None or other <= own, f"{name_of(path)} imports {module}"


def test_a_panel_knows_the_view_and_no_engine() -> None:
    for path in SOURCES:
        if path.parent.name == "panels":
            wrong = [
                m
                for m in imported(path)
                if m.startswith(("sniper.engine", "sniper._ext", "sniper.feed.socket"))
                and not m.startswith(
                    ("sniper._ext.cells", "sniper._ext.plot")
                )  # they make rows and know no engine
            ]
            assert not wrong, f"{path.name} imports {wrong}"


def of_the_core(path: Path) -> bool:
    return any(
        name_of(path) == f"sniper.{name}" or name_of(path).startswith(f"sniper.{name}.") for name in CORE
    )


@pytest.mark.parametrize("path", [path for path in SOURCES if of_the_core(path)], ids=name_of)
def test_the_core_never_asks_for_time_or_chance(path: Path) -> None:
    assert not {module.split(".")[0] for module in imported(path)} & BANNED_IN_CORE
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        where = f"{path.name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            wrong = ("hash", "id") if path.stem in SUMS_WHOLE_NUMBERS else ("hash", "id", "sum")
            assert node.func.id not in wrong, f"{where}: {node.func.id}() differs between runs or versions"
        if isinstance(node, ast.For | ast.comprehension):
            over = node.iter
            is_set = isinstance(over, ast.Set | ast.SetComp) or (
                isinstance(over, ast.Call)
                and isinstance(over.func, ast.Name)
                and over.func.id in ("set", "frozenset")
            )
            assert not is_set, f"{where}: the order of a set differs between runs"
        if isinstance(node, ast.ExceptHandler):
            caught = node.type
            assert caught is not None and not (
                isinstance(caught, ast.Name) and caught.id in ("Exception", "BaseException")
            ), f"{where}: the core does not hide its own faults"


@pytest.mark.parametrize("path", [*KERNELS, *HEADERS], ids=lambda path: path.name)
def test_a_kernel_knows_no_other_kernel_no_clock_and_no_io(path: Path) -> None:
    kernels = {kernel.stem for kernel in KERNELS}
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) < 2 or words[0] not in ("from", "import", "cimport"):
            continue
        if "cimport" in words:
            assert words[1] not in kernels, f"{path.name} cimports the kernel {words[1]}"
        module = words[1].removeprefix("sniper._ext.")
        assert module.split(".")[0] not in BANNED_IN_CORE | {"io", "socket", "pathlib"}, (
            f"{path.name}: {line}"
        )
        assert words[1] == module or module == "tape", f"{path.name} imports the kernel {module}"


def test_only_a_live_feed_imports_the_client() -> None:
    for path in SOURCES:
        name = path.relative_to(ROOT).as_posix()
        if name not in MAY_IMPORT_CLIENT and not name.startswith(THE_NODE):
            wrong = {module.split(".")[0] for module in imported(path)} & CLIENT
            assert not wrong, f"{name_of(path)} imports {wrong}"


def test_no_file_grows_too_long() -> None:
    for path in [*SOURCES, *KERNELS, *HEADERS]:
        name = path.relative_to(ROOT).as_posix()
        lines = path.read_text(encoding="utf-8").count("\n")
        assert lines <= LINES_MAX or name in LONGER, (
            f"{name} has {lines} lines: split it, or give a reason in LONGER"
        )
    for name, reason in LONGER.items():
        assert (ROOT / name).read_text(encoding="utf-8").count("\n") > LINES_MAX, (
            f"{name} is short: drop it from LONGER"
        )
        assert len(reason) > 20


@pytest.mark.parametrize("path", [*SOURCES, *KERNELS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_module_has_a_test_file(path: Path) -> None:
    """tests/test_<module>.py, or with the folder in front: sniper/cli/run.py has test_cli_run.py."""
    if path.relative_to(ROOT).as_posix() in MAY_LACK_A_TEST:
        return
    parts = [part.strip("_") for part in name_of(path).split(".") if part not in ("sniper", "_ext")]
    wanted = [f"test_{'_'.join(parts[start:])}.py" for start in range(len(parts))]
    assert any((ROOT / "tests" / name).is_file() for name in wanted), f"there is none of {', '.join(wanted)}"


def texts() -> Iterator[Path]:
    """Every text file that we wrote."""
    for folder in ("sniper", "_ext", "tests", "bench", "docs", ".ci"):
        yield from (
            path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts
        )
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name != "LICENSE")


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.name)
def test_a_stub_says_what_its_kernel_has(path: Path) -> None:
    """mypy believes the stubs: every public name of a kernel is there, and no other."""
    module = import_module(f"sniper._ext.{path.stem}")
    tree = ast.parse(path.with_suffix(".pyi").read_text(encoding="utf-8"))
    stubs = {name for node in tree.body for name in defined(node)}
    taken = {name.rpartition(".")[2] for name in imported_by_kernel(path)}
    assert stubs == {name for name in vars(module) if not name.startswith("_")} - taken
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            stubs = {name for inner in node.body for name in defined(inner) if not name.startswith("_")}
            kernel = getattr(module, node.name)
            assert stubs == {name for name in dir(kernel) if not name.startswith("_")}, node.name


def defined(node: ast.stmt) -> Iterator[str]:
    """The name that a statement of a stub defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


def imported_by_kernel(path: Path) -> Iterator[str]:
    """What a kernel imports from Python: `import a as b`, `from a import b, c`."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"import .*?(\w+)$|from [\w.]+ import ([\w, ]+)$", line):
            yield from re.findall(r"\w+", match[1] or match[2])


def test_no_leftovers_and_no_place_of_one_machine() -> None:
    marks = re.compile(
        r"\b(TO"
        r"DO|FIX"
        r"ME|XX"
        r"X|HA"
        r"CK)\b|/wo"
        r"rk/|/ro"
        r"ot/|/ho"
        r"me/\w|\b(?<!def )break"
        r"point\(\)"
    )
    for path in texts():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            assert not marks.search(line), f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"


def test_every_public_function_and_class_says_what_it_does() -> None:
    silent = []
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree) or not tree.body, f"{path} has no docstring"
        for node in tree.body:
            if (
                isinstance(node, ast.FunctionDef | ast.ClassDef)
                and not node.name.startswith("_")
                and not ast.get_docstring(node)
            ):
                silent.append(f"{name_of(path)}.{node.name}")
    assert not silent


def test_the_version_is_one_and_the_changelog_knows_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == __version__
    assert f"\n## {__version__}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_package_goes_into_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = {name_of(path) for path in SOURCES if path.name == "__init__.py"} | {"sniper._ext"}
    assert set(project["tool"]["setuptools"]["packages"]) == found


def test_the_readme_lists_the_exit_codes() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for code, meaning in EXIT_MEANINGS.items():
        assert re.search(rf"\| *{code} *\| *{re.escape(meaning)} *\|", readme), f"{code} {meaning}"
