"""The margin kernel's digest, and its state as bytes."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest

from sniper._ext.liquidation import Liquidation
from sniper._ext.tape import STAGE_NAMES
from tests.margins import Universe, drawn_account, drawn_universe, market_object, put, row

AT = 2 * STAGE_NAMES.index("margin")


def lived(seed: int, rounds: int = 6) -> Universe:
    """A kernel with some accounts, over some changes of the markets."""
    r = random.Random(seed)
    world = drawn_universe(r, 8, 20)
    world.kernel.set_position(19, 1, 10**25)
    for _ in range(rounds):
        live(world, r)
    return world


def live(world: Universe, r: random.Random) -> None:
    """One tick: an account changes, a market changes, update."""
    slot = r.randrange(18)
    put(world.kernel, slot, drawn_account(r, world.markets))
    world.kernel.fund(r.randrange(8), r.randint(-100, 100))
    made = market_object(r, r.randrange(8), False)
    world.say({made["ticker"]: {"oraclePrice": made["oraclePrice"], "openInterest": made["openInterest"]}})
    world.kernel.update()


def facts(kernel: Liquidation) -> tuple[bytes, bytes, tuple[int, int], int]:
    """Everything that can be read."""
    positions = [kernel.positions[i][: row(kernel, i)["positions"]].tobytes() for i in range(20)]
    return kernel.accounts.tobytes(), b"".join(positions), kernel.digest(), kernel.unknown


def test_the_same_life_gives_the_same_digest_and_another_gives_another() -> None:
    one, two, other = lived(1), lived(1), lived(2)
    assert facts(one.kernel) == facts(two.kernel)
    assert one.kernel.digest() != other.kernel.digest()
    assert one.tape.digests[AT : AT + 2].tolist() == list(one.kernel.digest())


def test_each_change_shows_in_the_digest() -> None:
    def digest(usdc: int = 5, market: int = 0, size: int = 10**9, account: int = 0) -> tuple[int, int]:
        world = drawn_universe(random.Random(3), 8, 20)
        world.kernel.set_usdc(account, usdc)
        world.kernel.set_position(account, market, size)
        world.kernel.update()
        return world.kernel.digest()

    found = {digest(), digest(6), digest(5, 1), digest(5, 0, 10**9 + 1), digest(account=1), digest(5, 0, 0)}
    assert len(found) == 6 and digest() == digest()


def test_questions_leave_no_trace() -> None:
    asked, quiet = lived(4, 1), lived(4, 1)
    for world in (asked, quiet):
        world.kernel.set_usdc(0, 77)
        world.kernel.set_position(0, 2, 10**26)
        world.kernel.set_position(1, 2, 10)
    moves = np.zeros(asked.kernel.markets_max, np.int32)
    for slot in range(3):
        asked.kernel.stress(slot, moves)
        asked.kernel.factor(slot)
        asked.kernel.accepts(slot, 3, 0, 10, 10, 0)
    assert (asked.kernel.update(), asked.kernel.unknown) == (quiet.kernel.update(), quiet.kernel.unknown)
    assert facts(asked.kernel) == facts(quiet.kernel)
    assert asked.tape.counters.tolist() == quiet.tape.counters.tolist()


def copied(world: Universe) -> Liquidation:
    """Another kernel on the same decoder with the saved state."""
    kernel = Liquidation(world.tape, world.decoder.markets, accounts_max=20)
    kernel.load(world.kernel.save())
    return kernel


@pytest.mark.parametrize("seed", range(5))
def test_a_loaded_state_is_the_same_and_lives_on_the_same(seed: int) -> None:
    world = lived(seed)
    loaded = copied(world)
    assert facts(loaded) == facts(world.kernel) and loaded.save() == world.kernel.save()
    assert loaded.update() == 0
    for kernel in (world.kernel, loaded):
        for slot in range(20):
            kernel.set_usdc(slot, slot * 1000)
        kernel.settle(3)
        kernel.set_position(19, 1, 5)
        kernel.fund(2, -17)
        assert kernel.update() > 1
    assert facts(loaded) == facts(world.kernel)


def test_a_state_with_changes_that_wait() -> None:
    world = lived(6)
    world.kernel.set_position(19, 1, 0)
    world.kernel.set_usdc(4, 10**30)
    loaded = copied(world)
    assert loaded.unknown == world.kernel.unknown
    assert loaded.update() == world.kernel.update() == 2
    assert facts(loaded) == facts(world.kernel)


def test_loading_replaces_all_that_was_there() -> None:
    world, other = lived(7), lived(8)
    empty = Liquidation(other.tape, other.decoder.markets, accounts_max=20)
    other.kernel.load(empty.save())
    assert facts(other.kernel) == facts(empty)
    world.kernel.load(world.kernel.save())
    assert world.kernel.update() == 0


def spoiled(state: bytes) -> list[bytes]:
    """States that none is."""
    head = 8 + 5 * 8
    kept = struct.Struct("<qqqQqqq")
    account, usdc, high, low, marks, positions, customs = kept.unpack_from(state, head)

    def with_kept(*fields: int) -> bytes:
        return state[:head] + kept.pack(*fields) + state[head + kept.size :]

    pair = head + kept.size
    return [
        b"",
        state[:20],
        b"trades/1" + state[8:],
        state[:8] + struct.pack("<q", 21) + state[16:],
        state[:16] + struct.pack("<q", 99) + state[24:],
        state[:24] + struct.pack("<q", -1) + state[32:],
        state[:24] + struct.pack("<q", 3) + state[32:],
        state[:24] + struct.pack("<q", 10**9) + state[32:],
        state + b"x",
        state[:-1],
        state[: head + 10],
        state[: pair + 3],
        with_kept(-1, usdc, high, low, marks, positions, customs),
        with_kept(20, usdc, high, low, marks, positions, customs),
        with_kept(account, 2**62, high, low, marks, positions, customs),
        with_kept(account, usdc, high, low, 4, positions, customs),
        with_kept(account, usdc, high, low, marks, -1, customs),
        with_kept(account, usdc, high, low, marks, 1001, customs),
        with_kept(account, usdc, high, low, marks, positions, 17),
        state[:pair] + struct.pack("<qq", -1, 5) + state[pair + 16 :],
        state[:pair] + struct.pack("<qq", 16, 5) + state[pair + 16 :],
        state[:pair] + struct.pack("<qq", 0, 0) + state[pair + 16 :],
        state[:pair] + struct.pack("<qq", 0, 2**62) + state[pair + 16 :],
        state[:-16] + struct.pack("<qq", 3, 2_000_000),
    ]


def test_what_is_no_state_is_refused_and_changes_nothing() -> None:
    world = drawn_universe(random.Random(9), 8, 20)
    world.kernel.set_position(0, 0, 10)
    world.kernel.set_position(0, 4, -10)
    world.kernel.custom_imf(0, 4, 500)
    world.kernel.set_usdc(2, 2)
    world.kernel.custom_imf(2, 3, 700)
    world.kernel.update()
    before, state = facts(world.kernel), world.kernel.save()
    for number, wrong in enumerate(spoiled(state)):
        with pytest.raises(ValueError, match="margin state"):
            world.kernel.load(wrong)
            pytest.fail(f"state {number} was taken")
        assert facts(world.kernel) == before, number
    world.kernel.load(state)
    assert facts(world.kernel) == before
