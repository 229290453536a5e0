"""`sniper status|orders|positions|pause|reduce|kill|resume`: what a running instance says, and what it is told."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sniper.cli.folders import state_folder
from sniper.cli.options import json_option
from sniper.cli.terminal import emit, note
from sniper.errors import EXIT_OK, EXIT_PERMISSION, EXIT_RISK_LATCH, NetworkUnavailable, UsageError

if TYPE_CHECKING:
    from sniper.heartbeat import Beat
    from sniper.instances import Instance, Places

    Found = tuple[Instance, Places, Beat | None]

account_option = click.option(
    "--account",
    "name",
    metavar="NAME",
    help="Which instance, as 'sniper status' names it (its beginning is enough). Default: the only one.",
)


def choose(state: Path, name: str | None) -> Found:
    """The instance that is meant. UsageError where that is not clear, NetworkUnavailable where none runs."""
    from sniper.instances import died, listed, runs

    known = [one for one in listed(state) if name is None or one[0].name.startswith(name)]
    running = [one for one in known if runs(one[0], one[2])]
    if len(running) > 1:
        names = ", ".join(one[0].name for one in running)
        raise UsageError(f"{len(running)} instances run: {names}", "Say which with --account NAME.")
    if running:
        return running[0]
    if name is not None and known:
        return known[0]
    for instance, _, beat in known:
        if died(instance, beat):
            ago = f" {max(0.0, time.time() - beat.now_ns / 1e9):.0f} s ago" if beat else ""
            raise NetworkUnavailable(
                f"no instance of sniper runs here; {instance.name} (pid {instance.pid}) died{ago}, "
                "and what it left may still fill",
                "See it with 'sniper recover --explain' and the --config and --set of that run, and start it again; "
                "a word with --account NAME waits for it.",
            )
    raise NetworkUnavailable("no instance of sniper runs here", "Start one with 'sniper run'.")


def told(verb: str, name: str | None, reason: str = "") -> dict[str, Any]:
    """What the instance answers. A word that it does not hear is left in its file, and that is said."""
    from sniper.operating import REASON_MAX, WORDS, ask, leave

    # A word must not fail by its reason: bytes that are no text are shown as such, what is too long is cut.
    reason = reason.encode("utf-8", "replace").decode()[:REASON_MAX]
    instance, files, beat = choose(state_folder(os.environ), name)
    try:
        answer = ask(files.socket, verb, reason)
    except (OSError, ValueError) as problem:
        if verb not in WORDS:
            age = f"; its last sign of life is {time.time() - beat.now_ns / 1e9:.0f} s old" if beat else ""
            raise NetworkUnavailable(
                f"{instance.name} (pid {instance.pid}) does not answer: {problem}{age}",
                "If its process hangs, 'sniper kill --reason ...' leaves the word in a file for its next turn.",
            ) from None
        try:
            file = leave(files.socket, verb, reason)
        except OSError as worse:
            raise NetworkUnavailable(
                f"{instance.name} (pid {instance.pid}) does not answer: {problem}; nor can a word be left: {worse}",
                "Look at the venue yourself: nothing was done.",
            ) from None
        raise NetworkUnavailable(
            f"{instance.name} (pid {instance.pid}) does not answer: {problem}; "
            f"the word {verb} lies in {file} and is obeyed at its next turn or start",
            "Look at the venue yourself: until then nothing was done.",
        ) from None
    if answer.pop("put", False):
        raise NetworkUnavailable(
            f"{instance.name} (pid {instance.pid}): {answer.get('problem')}",
            "It is obeyed at its next turn: look with 'sniper status', and at the venue yourself.",
        )
    if not answer.pop("ok", False):
        raise UsageError(f"{instance.name} refuses: {answer.get('problem', 'no reason given')}")
    return answer


def question(verb: str, text: str, say: Any) -> click.Command:
    """A command that asks."""

    @click.command(verb, help=text)
    @account_option
    @json_option
    def command(name: str | None, as_json: bool) -> int:
        answer = told(verb, name)
        if as_json:
            emit(answer)
        else:
            say(answer)
        return EXIT_OK

    return command


def word(verb: str, text: str, reason_needed: bool) -> click.Command:
    """A command that orders."""

    @click.command(verb, help=text)
    @click.option("--reason", default="", required=reason_needed, metavar="TEXT", help="Why; it is kept.")
    @account_option
    @json_option
    def command(reason: str, name: str | None, as_json: bool) -> int:
        from sniper.kill_file import LOST

        answer = told(verb, name, reason)
        latch = answer.get("latch") or "none"
        if as_json:
            emit(answer)
        obeyed = latch == ("none" if verb == "resume" else verb)
        held = f"latch {latch}" + (f" ({answer['reason']})" if answer.get("reason") else "")
        note(f"{verb}: {'obeyed' if obeyed else 'NOT obeyed'}, {held}, tick {answer.get('tick')}")
        problem = answer.get("problem") or ""
        if problem:
            note(f"but {problem}")
        if not obeyed:
            return EXIT_RISK_LATCH
        return EXIT_PERMISSION if LOST in problem else EXIT_OK

    return command


def say_status(answer: dict[str, Any]) -> None:
    """A few lines on standard output."""
    account = answer.get("account")
    latch = answer.get("latch")
    lines = [
        f"instance {answer['instance']}  pid {answer['pid']}  {str(answer['mode']).upper()}",
        f"tick {answer['tick']}  height {answer.get('height', '-')}  strategy {answer.get('strategy', '-')}",
    ]
    if account:
        lines += [
            f"equity {account['equity']} USDC  free {account['free_collateral']}  rung {account['rung']}"
            f"  account {account['trust']}{'' if answer['reconciled'] else ', not reconciled'}",
            f"latch {latch}: {answer.get('reason') or 'no reason given'}" if latch else "no latch",
            *say_stopped(answer),
            *say_mode(answer),
            f"positions {len(account['positions'])}  open orders {account['open_orders']}"
            f"  round trips {account['round_trips']}  decisions {account['decisions']}",
        ]
    else:
        lines.append("it watches only and trades nothing")
    click.echo("\n".join(lines))


def say_stopped(answer: dict[str, Any]) -> list[str]:
    """What does not write any more."""
    return [
        f"{name} STOPPED: {answer[key]}"
        for name, key in (("journal", "journal_stopped"), ("database", "state_stopped"))
        if answer.get(key)
    ]


def say_mode(answer: dict[str, Any]) -> list[str]:
    """What still works of the way to the venue, what was agreed with it, and what is at stake without us."""
    lines = []
    if session := answer.get("session"):
        cause, since_ns = answer["session_cause"], answer["session_since_ns"]
        age = f", for {(answer['now_ns'] - since_ns) / 1e9:.0f} s" if since_ns else ""
        lines.append(f"session {session}{': ' + cause if cause else ''}{age}")
    if books := answer.get("reconciling"):
        at_ns = books["at_ns"]
        lines.append(
            (
                f"books agreed at block {books['height']}, {(answer['now_ns'] - at_ns) / 1e9:.0f} s ago"
                if at_ns
                else "books never agreed yet"
            )
            + (f", waiting for {' '.join(books['missing'])}" if books["missing"] else "")
            + f"; {books['questions']} orders to be proven"
        )
    if cut := answer.get("exposure"):
        lines.append(
            f"if power were lost now: {cut['loss_at_stops']} USDC lost at the stops, {cut['loss_in_stress']} in the"
            f" worst stress; {cut['without_stop']} USDC held without a stop"
        )
        ends = cut["blocks_until_they_end"]
        lines.append(
            f"  {cut['orders_that_may_open']} orders may still open {cut['may_open']} USDC"
            f"{f', gone in {ends} blocks' if ends else ''}; {cut['orders_that_stay']} orders stay on the chain"
        )
    return lines


def say_orders(answer: dict[str, Any]) -> None:
    """A line an order."""
    for row in answer.get("orders", ()):
        blocks = row["blocks_left"]
        left = f"{blocks} blocks left" if blocks is not None else f"til {row['good_til_s']}"
        if blocks is not None and blocks < 0:
            left = f"its last block was {-blocks} ago"
        click.echo(
            f"{row['client_id']:>10}  {row['market']:<12} {row['side']:<4} {row['size_steps'] - row['filled_steps']}"
            f" steps at {row['price']}  {row['kind']} {row['time_in_force']}  {row['state']}  {row['purpose']}"
            f"  {row['age_s']:.1f} s  {left}"
        )
    if not answer.get("orders"):
        note("no open orders")


def said_stop(stop: dict[str, Any]) -> str:
    """How a position is protected."""
    if stop["state"] == "resting":
        seen = f", seen at block {stop['checked_height']}" if stop["checked_height"] else ""
        return f"stop at {stop['trigger']} for {stop['covered']}{seen}"
    since = f" since block {stop['bare_since_height']}" if stop["bare_since_height"] else ""
    return "stop sent" if stop["state"] == "sent" else f"NO STOP{since}"


def say_positions(answer: dict[str, Any]) -> None:
    """A line a position."""
    for row in answer.get("positions", ()):
        click.echo(
            f"{row['market']:<12} {row['size']:>16}  value {row['notional']} USDC"
            f"  liquidation {row['liquidation_price'] or '-'}  realised {row['realised']}  fees {row['fees']}"
            f"  funding {row['funding']}  {said_stop(row['protection'])}"
        )
    if not answer.get("positions"):
        note("no open positions")


status = question("status", "Say how a running instance stands.", say_status)
orders = question("orders", "List the orders of a running instance that may still fill.", say_orders)
positions = question("positions", "List the open positions of a running instance.", say_positions)
pause = word("pause", "Open nothing new from now on; what is held is managed.", False)
reduce = word("reduce", "Open nothing and give back positions, the worst first.", False)
kill = word("kill", "Close everything and stay closed, over restarts too. Wants a reason.", True)
resume = word("resume", "Lift pause, reduce or kill. Wants a reason.", True)
