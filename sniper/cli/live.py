"""Live trading put together: the key, the nodes, the account's book before the first order, the end of a session."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sniper.cli.terminal import note
from sniper.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from sniper.audit import Audit
    from sniper.audit_thread import AuditThread
    from sniper.config import Config
    from sniper.engine import Engine
    from sniper.inbox import Inbox
    from sniper.keys.networks import Network
    from sniper.live_settings import LiveSettings
    from sniper.recovery import Recovered
    from sniper.state import State
    from sniper.venues.live import Live
    from sniper.written_venue import WrittenVenue

STOP_S: Final = 3.0


class Signer(NamedTuple):
    """What signs, and for whom. key: a KeyPair of the official client; its repr shows nothing of it."""

    key: Any
    address: str
    authenticators: tuple[int, ...]
    audit: Audit

    def __repr__(self) -> str:
        return f"Signer({self.address})"


def asked_twice(config: Config, live: bool) -> None:
    """Live trading must be meant: mode = "live" in the config and --live on the command line."""
    if (config.trade.mode == "live") == live:
        if live and config.feed.source in ("sim", "replay"):
            raise ConfigError(
                f'live trading needs a real market, and feed.source is "{config.feed.source}"',
                'Set feed.source to "testnet", "mainnet" or the ws:// address of a stand-in exchange.',
            )
        if live and config.state.enabled == "off":
            raise ConfigError(
                "live trading writes every order down before it is sent, and state.enabled is off",
                'Set state.enabled = "auto".',
            )
        return
    if live:
        raise UsageError(
            f'--live, but trade.mode is "{config.trade.mode}": nothing was started',
            'Live trading is asked for twice: --set trade.mode=live, or mode = "live" in the config.',
        )
    raise UsageError(
        'trade.mode is "live", but --live is missing: nothing was started',
        "Live trading is asked for twice: add --live, or set trade.mode to paper.",
    )


def public(config: Config) -> Network | None:
    """The public network whose market the feed shows, None where it shows another."""
    from sniper.keys.networks import NETWORKS

    return NETWORKS.get(config.feed.source)


def chain_id(config: Config) -> str:
    """The chain that is traded on. ConfigError where nobody says."""
    known = public(config)
    found: str = config.live.chain_id or (known.chain_id if known else "")
    if known and found != known.chain_id:
        raise ConfigError(
            f"live.chain_id is {found}, and feed.source {config.feed.source} shows {known.chain_id}",
            "Leave live.chain_id empty: the source says it.",
        )
    if not found:
        raise ConfigError(
            "live.chain_id is empty", "Name the chain; a stand-in exchange says its own on start."
        )
    return found


def signer(config: Config, passphrase_fd: int | None) -> Signer:
    """Open the key that the config names. PermissionProblem for an owner's key that is not wanted, or no permission."""
    from sniper.cli.keys_chain import quiet
    from sniper.cli.keys_common import Desk
    from sniper.keys.core_dumps import forbid_core_dumps
    from sniper.keys.trading import trading_key

    forbid_core_dumps()
    quiet()
    check_named(config)
    desk = Desk(None, None, passphrase_fd)
    with desk.unlock(config.live.key, "live trading") as key:
        allowed = trading_key(key, chain_id(config), config.trade.subaccount, config.live.owner_key)
    check_address(config, allowed.address)
    return Signer(allowed.pair, allowed.address, allowed.authenticators, desk.audit)


def check_named(config: Config) -> None:
    """ConfigError where no key is named."""
    if not config.live.key:
        raise ConfigError(
            "live.key is empty", "Name a key of 'sniper keys show', or make one: 'sniper keys create'."
        )


def check_address(config: Config, address: str) -> None:
    """ConfigError where the config names another address than its key's."""
    if config.trade.address and config.trade.address != address:
        raise ConfigError(
            f"trade.address is {config.trade.address}, and {config.live.key} signs for {address}",
            "Correct trade.address or leave it empty.",
        )


def signs_for(config: Config) -> str:
    """The address that the key's file says it signs for; no passphrase, so not proven. UsageError without the file."""
    from sniper.cli.keys_common import keys_folder
    from sniper.keys.ring import Ring

    header = Ring(keys_folder(None)).header(config.live.key)
    grant = header.grant(chain_id(config))
    return grant.owner if grant else header.address


def check(config: Config) -> None:
    """What can be known of a live session without the key's passphrase: that it is there, chain, address, nodes."""
    asked_twice(config, True)
    check_named(config)
    settings(config, config.trade.address, ())
    check_address(config, signs_for(config))


def with_owner(config: Config, signer: Signer) -> Config:
    """The config with the address that the key signs for."""
    trade = config.trade.model_copy(update={"address": signer.address})
    made: Config = config.model_copy(update={"trade": trade})
    return made


def of_key(config: Config) -> Config:
    """The config with the address that its key's file says it signs for, where the config names none.

    No passphrase, so not proven: good for finding the account's files, never for trading.
    """
    if config.trade.mode != "live" or config.trade.address or not config.live.key:
        return config
    trade = config.trade.model_copy(update={"address": signs_for(config)})
    made: Config = config.model_copy(update={"trade": trade})
    return made


def settings(config: Config, address: str, authenticators: tuple[int, ...]) -> LiveSettings:
    """The node side, of this account. ConfigError for what makes no sense."""
    from sniper import config_section
    from sniper.keys.networks import target
    from sniper.live_settings import LiveSettings, checked

    known = public(config)
    made: LiveSettings = config_section.settings(
        LiveSettings,
        config.live,
        address=address,
        subaccount=config.trade.subaccount,
        authenticators=authenticators,
    )
    made = made._replace(
        chain_id=chain_id(config), nodes=made.nodes or ((target(known.node)[0],) if known else ())
    )
    try:
        return checked(made)
    except ValueError as error:
        raise ConfigError(str(error), "Change [live]; 'sniper config show' prints it.") from None


def permitted(config: Config, signer: Signer) -> None:
    """Ask the chain whether the permission that a trader's key names still stands. PermissionProblem where it does not.

    Without an answer the session begins all the same: there may be something to protect, and `key refused` is a sign
    of resilience.
    """
    from pathlib import Path

    from sniper.errors import NetworkUnavailable, PermissionProblem
    from sniper.keys.chain import Node
    from sniper.keys.networks import Network

    if not signer.authenticators:
        return
    node_side, why = settings(config, signer.address, signer.authenticators), ""
    roots = Path(node_side.ca_file).read_bytes() if node_side.ca_file else None
    for node in node_side.nodes:
        address = f"{'https' if node_side.tls else 'http'}://{node}"
        try:
            with Node(Network(node_side.chain_id, address), roots) as asked:
                standing = {one.id for one in asked.authenticators(signer.address)}
        except NetworkUnavailable as error:
            why = str(error)
            continue
        if not standing.issuperset(signer.authenticators):
            raise PermissionProblem(
                f"{config.live.key} may not trade for {signer.address} any more: its permission was revoked",
                f"'sniper keys check {config.live.key}' says more, 'sniper keys authorize' grants it anew.",
            )
        return
    note(f"whether {config.live.key} may still trade is not known: {why}")


def recovered(config: Config, kept: State) -> Recovered:
    """Compare the book of last time with the venue before anything is sent. Unexplained: exit 6."""
    from sniper.reconcile import refused
    from sniper.recovery import Unexplained, recover
    from sniper.recovery_rest import IndexerBook

    source = IndexerBook(
        config.feed.indexer_url, config.trade.address, config.trade.subaccount, config.feed.ca_file
    )
    waited: list[float] = []

    def wait(seconds: float) -> None:
        if not waited:
            note("recovering: waiting for what the venue has yet to tell of the last session")
        waited.append(seconds)
        time.sleep(seconds)

    found = recover(kept, source, config.trade.subaccount, taking_over=True, sleep=wait)
    wrong = refused(found.rows, taking_over=True)
    if wrong:
        raise Unexplained(
            f"{len(wrong)} differences between our book and the venue cannot be explained: nothing was started",
            "See them with 'sniper recover --explain'.",
        )
    if found.rows:
        note(
            f"recovered: {len(found.rows)} orders, fills and positions agree with the venue or are explained"
        )
    return found


def hand_over(
    config: Config, kept: State, found: Recovered, clock_ns: Callable[[], int], inbox: Inbox
) -> None:
    """The first record of the session: what the earlier one left."""
    from sniper.handover import encoded
    from sniper.recovery_handover import left
    from sniper.trading import VENUE_CONNECTION
    from sniper.types import REC_OPERATOR

    record = encoded(left(kept, found, config.strategy.name, kept.clock_ns()))
    inbox.put(clock_ns(), VENUE_CONNECTION, REC_OPERATOR, record)


def venue(
    config: Config,
    engine: Engine,
    signer: Signer,
    kept: State,
    clock_ns: Callable[[], int],
    inbox: Inbox,
    audit: AuditThread,
) -> Live:
    """The live venue, started. Intents are on the disk before they leave; their lines in the audit log follow."""
    from sniper.trading import Place
    from sniper.venues.live import Live

    def written(handed: Any) -> None:
        kept.note(handed)
        for one in handed:
            command = one.command
            if isinstance(command, Place):
                facts = {"market": command.ticker, "side": command.side, "steps": command.size_steps}
                facts |= {"ticks": command.price_ticks, "kind": command.kind, "purpose": command.purpose}
                audit.write("order", {"client_id": command.client_id} | facts)

    node_side = settings(config, signer.address, signer.authenticators)
    made = Live(engine.tape, engine.decoder, node_side, signer.key, clock_ns, written)
    made.start(inbox)
    return made


def started(
    config: Config,
    engine: Engine,
    signer: Signer,
    kept: State,
    clock_ns: Callable[[], int],
    inbox: Inbox,
    stack: ExitStack,
) -> WrittenVenue:
    """Recover, then begin to trade; the end of both the venue and the audit log's thread is left to the stack."""
    from sniper.audit_thread import AuditThread
    from sniper.written_venue import WrittenVenue

    permitted(config, signer)
    hand_over(config, kept, recovered(config, kept), clock_ns, inbox)
    audit = AuditThread(signer.audit)
    made = venue(config, engine, signer, kept, clock_ns, inbox, audit)
    written = WrittenVenue(made, kept, engine, ahead=False)
    stack.callback(ended, engine, made, audit, written)
    return written


def ended(engine: Engine, live: Live, audit: AuditThread, written: WrittenVenue) -> None:
    """Take back what rests and would end by itself, hear what comes back, end the sender."""
    from sniper.order_table import FINAL, SHORT_TERM
    from sniper.trading import Cancel

    desk = engine.desk
    assert desk is not None
    cancels = [
        Cancel(
            order.client_id,
            order.market,
            engine.decoder.ticker(order.market),
            order.kind,
            order.good_til_block,
            order.good_til_s,
            "the run ends",
        )
        for order in desk.orders.all_open()
        if order.kind == SHORT_TERM and order.time_in_force != "ioc" and order.state not in FINAL
    ]
    if cancels:
        live.send(engine.now_ns, cancels)
    written.ended(engine.now_ns)
    if not live.stop(STOP_S):
        note("the sender did not end in time: what it sent last is not known; 'sniper recover' finds out")
    if not audit.close():
        note(f"the audit log in {audit.path} is not whole: its disk does not write, or too slowly")
