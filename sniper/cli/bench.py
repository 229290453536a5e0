"""`sniper bench`: what the kernels cost on a file of frames."""

from __future__ import annotations

import gc
import statistics
import time
from array import array
from pathlib import Path
from typing import NamedTuple

import click

from sniper.cli.options import json_option
from sniper.cli.progress import progress
from sniper.cli.terminal import emit
from sniper.errors import UsageError
from sniper.types import REC_FRAME, Record


class Measured(NamedTuple):
    """One pass over all frames with fresh state."""

    ns: int
    rows: int
    level_updates: int
    rejected: int


@click.group()
def command() -> None:
    """Measure the kernels."""


@command.command("frames")
@click.argument("file", type=click.Path(path_type=Path, readable=False))
@click.option("--repeat", type=click.IntRange(1, 10_000), default=5, show_default=True, help="Passes.")
@click.option(
    "--batch", type=click.IntRange(1, 4096), default=64, show_default=True, help="Most frames a call."
)
@json_option
def frames_command(file: Path, repeat: int, batch: int, as_json: bool) -> None:
    """Decode, book and trades over the frames of FILE: the calls that run makes, each pass with fresh state.

    FILE has one WebSocket message a line or {"recv_ms":..,"msg":{..}} lines, plain or gzip. The frames are
    held in memory as separate bytes; reading them and building the records is not timed. frames_per_s is that
    of the fastest pass.
    """
    from sniper._ext.tape import Tape

    tape = Tape()
    calls = batches(file, batch, tape.bytes_max)
    frames = sum(len(call) for call in calls)
    if not frames:
        raise UsageError(f"{file} holds no frames", "Give a file with one WebSocket message a line.")
    passes: list[Measured] = []
    with progress("measuring", repeat) as tell:
        for number in range(repeat):
            passes.append(measure(calls))
            tell(number + 1)
    each = [one.ns / frames for one in passes]
    last = passes[-1]
    document = {
        "schema": "sniper.bench.frames/1",
        "frames": frames,
        "rows": last.rows,
        "level_updates": last.level_updates,
        "rejected": last.rejected,
        "ns_per_frame": {"min": round(min(each), 1), "median": round(statistics.median(each), 1)},
        "frames_per_s": round(1e9 / min(each)),
    }
    if as_json:
        emit(document)
        return
    counted = f"{last.rows:,} rows, {last.level_updates:,} level updates, {last.rejected:,} rejected"
    click.echo(f"{frames:,} frames, {counted}")
    click.echo(f"{min(each):.1f} ns a frame at best, {statistics.median(each):.1f} in the median of {repeat}")
    click.echo(f"{1e9 / min(each):,.0f} frames/s")


def batches(file: Path, batch: int, bytes_max: int) -> list[list[Record]]:
    """Records of a file, at most `batch` and `bytes_max` bytes a call; a larger frame is alone in it.

    All is copied once more, one behind the other: what reading a file leaves in between is no part of the
    measurement.
    """
    from sniper.feed.framefile import frames

    times, connections, texts = array("q"), array("q"), []
    for recv_ns, connection, data in frames(file):
        times.append(recv_ns)
        connections.append(connection)
        texts.append(data)
    texts = [bytes(memoryview(data)) for data in texts]
    calls: list[list[Record]] = []
    room = 0
    for recv_ns, connection, data in zip(times, connections, texts, strict=True):
        if not calls or len(calls[-1]) == batch or len(data) > room:
            calls.append([])
            room = bytes_max
        calls[-1].append((recv_ns, connection, REC_FRAME, data))
        room -= len(data)
    return calls


def measure(calls: list[list[Record]]) -> Measured:
    """One pass. The garbage collector rests, as it does in a run."""
    from sniper._ext.decode import Decoder
    from sniper._ext.orderbook import Books
    from sniper._ext.tape import COUNTER_NAMES, Tape
    from sniper._ext.trades import Trades

    tape = Tape()
    decode, book, trade = Decoder(tape).apply, Books(tape).apply, Trades(tape).apply
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        begun = time.perf_counter_ns()
        for records in calls:
            n = decode(records)
            book(n)
            trade(n)
        ns = time.perf_counter_ns() - begun
    finally:
        gc.enable()
        gc.unfreeze()
    counted = dict(zip(COUNTER_NAMES, tape.counters.tolist(), strict=False))
    return Measured(ns, counted["rows"], counted["levels"], counted["rejected"])
