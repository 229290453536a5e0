"""The funding compiler: what is predicted, when that is stale, what was paid, and the index."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper._ext.decode import Decoder
from sniper._ext.tape import STAGE_NAMES, Tape
from sniper.funding import MISSED_MAX, Charge, Funding, FundingSettings, Hour
from sniper.funding_rules import HOUR_NS, PPM, index_change, rate_ppm
from sniper.quantums import iso_ns
from sniper.types import REC_FRAME, REC_REST
from sniper.viewing import FundingFacts
from tests import messages as m
from tests import real
from tests.accounts import BTC, ETH, MARKETS, PEPE

HOUR = iso_ns("2025-12-08T16:00:00Z")
SECOND = 1_000_000_000


class Scene:
    """A funding compiler behind a decoder; `at` is seconds after 16:00."""

    def __init__(self, settings: FundingSettings = FundingSettings()) -> None:  # noqa: B008
        self.tape = Tape()
        self.decoder = Decoder(self.tape)
        self.funding = Funding(self.tape, self.decoder, settings)
        self.message_id = 2
        self.put(-3000, REC_FRAME, m.connected(), m.markets(*MARKETS))

    def put(self, at: float, kind: int, *data: bytes, told: bool = True) -> Funding:
        now_ns = HOUR + int(at * SECOND)
        records = [(now_ns, 0, kind, each) for each in data]
        n = self.decoder.apply(records)
        self.funding.apply(n, now_ns, records) if told else self.funding.apply(n, now_ns)
        return self.funding

    def rate(self, at: float, text: str, ticker: str = "BTC-USD") -> Funding:
        return self.put(at, REC_FRAME, m.trading(self.next(), **{ticker: {"nextFundingRate": text}}))

    def oracle(self, at: float, text: str, ticker: str = "BTC-USD") -> Funding:
        price = {"oraclePrice": text, "effectiveAt": iso(at), "effectiveAtHeight": "5", "marketId": 0}
        return self.put(
            at, REC_FRAME, m.data("v4_markets", None, self.next(), {"oraclePrices": {ticker: price}})
        )

    def block(self, at: float, height: int) -> Funding:
        return self.put(at, REC_FRAME, m.block(height, iso(at), self.next()))

    def history(
        self, at: float, *rows: tuple[str, str, str, int], ticker: str = "BTC-USD", told: bool = True
    ) -> Funding:
        """Rows: rate, price, effectiveAt, height; newest first."""
        keys = ("rate", "price", "effectiveAt", "effectiveAtHeight")
        found = [dict(zip(keys, map(str, row), strict=True)) | {"ticker": ticker} for row in rows]
        body = f"historicalFunding 200 ticker={ticker}\n".encode() + m.text({"historicalFunding": found})
        return self.put(at, REC_REST, body, told=told)

    def next(self) -> int:
        self.message_id += 1
        return self.message_id

    def facts(self, at: float, market: int = BTC) -> FundingFacts:
        return self.funding.facts(market, HOUR + int(at * SECOND))


def iso(at: float) -> str:
    millis = (iso_ns("2025-12-08T16:00:00Z") // 10**6 + int(at * 1000)) % 86_400_000
    seconds, millis = divmod(millis, 1000)
    return f"2025-12-08T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{millis:03d}Z"


def test_a_rate_with_its_age_and_its_samples() -> None:
    scene = Scene()
    scene.rate(720, "0.00000254545454545455")
    found = scene.facts(750)
    assert found.predicted == pytest.approx(224 / 11 / PPM, abs=1e-17)
    assert (found.samples, found.age_ns, found.stale) == (11, 30 * SECOND, False)
    assert (found.realised, found.next_ns) == (0.0, HOUR + HOUR_NS)
    scene.rate(720, "-0.00000143181818", "ETH-USD")
    assert scene.facts(720, ETH).samples == 11


def test_of_a_market_without_news_nothing_is_known() -> None:
    found = Scene().facts(5, PEPE)
    assert (found.predicted, found.expected, found.stale, found.samples) == (0.0, 0.0, True, 0)
    assert Scene().funding.due(PEPE, 10) == 0 and Scene().funding.due(99, 10) == 0


def test_after_the_hour_it_is_stale_until_half_a_minute_and_news() -> None:
    scene = Scene()
    scene.rate(-20, "0.000002375")
    assert not scene.facts(-1).stale
    assert scene.facts(0).stale
    scene.rate(25, "0.000002375")  # before the first sample: still that of the hour before
    assert scene.facts(25).stale and scene.facts(40).stale
    scene.rate(31, "0.000005")
    assert (scene.facts(31).stale, scene.facts(31).samples) == (False, 1)


def test_a_rate_that_needs_more_samples_than_the_hour_has_had_is_the_old_one() -> None:
    scene = Scene()
    scene.rate(45, "0.00000254545454545455")  # 11 samples 45 s into the hour
    assert scene.facts(45).stale and scene.facts(45).samples == 0
    scene.rate(75, "0.00000254545454545455")
    assert scene.facts(75).stale
    scene.rate(615, "0.00000254545454545455")
    assert not scene.facts(615).stale and scene.facts(615).samples == 11


def test_what_is_expected_weighs_the_samples_with_the_hour_before() -> None:
    scene = Scene()
    scene.block(-100, 50)
    scene.rate(-20, "0.00001")  # 80 ppm
    scene.block(0.219, 100)
    scene.rate(720, "0.00000254545454545455")
    found = scene.facts(720)
    assert found.realised == 1e-5
    assert found.expected == pytest.approx(11 / 60 * found.predicted + 49 / 60 * 1e-5, rel=1e-12)
    assert scene.facts(HOUR_NS // SECOND).expected == 1e-5  # stale: what was paid last


def test_the_default_rate_is_no_sample() -> None:
    scene = Scene()
    scene.put(
        700,
        REC_FRAME,
        m.trading(
            scene.next(),
            BTC_USD={"defaultFundingRate1H": "0.0000125", "nextFundingRate": "0.00001504545454545455"},
        ),
    )
    assert (scene.facts(720).samples, scene.facts(720).stale) == (11, False)


def test_the_tick_of_8_december_2025_moves_the_index_by_21() -> None:
    scene = Scene()
    scene.oracle(-30, "89993.8")
    scene.rate(-20, "0.000002375")
    scene.block(-0.5, 66622978)
    assert scene.funding.charges == []
    found = scene.block(0.219, 66622979)
    assert found.charges == [Charge(BTC, 66622979, 21)]
    assert found.hours(BTC) == (Hour(HOUR, 19, 21, 899938, 1, 66622979, False, 21),)
    assert found.index(BTC) == 21
    assert scene.block(0.8, 66622980).charges == []
    assert found.index(BTC) == 21


def test_the_last_rate_before_the_block_counts_within_one_tick_too() -> None:
    scene = Scene()
    scene.block(-10, 50)
    now_ns = HOUR + SECOND
    frames = [
        m.trading(scene.next(), BTC_USD={"nextFundingRate": "0.0001"}),
        m.block(100, iso(0.5), scene.next()),
        m.trading(scene.next(), BTC_USD={"nextFundingRate": "0.9"}),
    ]
    records = [(now_ns, 0, REC_FRAME, frame) for frame in frames]
    scene.funding.apply(scene.decoder.apply(records), now_ns, records)
    assert scene.funding.charges == [Charge(BTC, 100, index_change(800, 90000, 0, -10))]
    assert scene.facts(100).predicted == 0.9


def test_the_first_block_of_a_run_ends_no_hour() -> None:
    scene = Scene()
    scene.rate(-20, "0.001")
    assert scene.block(3, 100).charges == []
    assert scene.block(3603, 200).charges != []


def test_a_connection_that_lags_charges_no_hour_twice() -> None:
    scene = Scene()
    scene.rate(-20, "0.001")
    for at, height, charged in ((-5, 95, 0), (1, 100, 1), (-1, 98, 0), (2, 101, 0), (3, 102, 0)):
        assert len(scene.block(at, height).charges) == charged
    assert len(scene.funding.hours(BTC)) == 1


def test_a_market_without_units_or_price_is_left_out() -> None:
    scene = Scene()
    scene.put(-50, REC_FRAME, m.trading(scene.next(), NEW_USD={"nextFundingRate": "0.001"}))
    scene.rate(-20, "0.001")
    scene.block(-1, 1)
    assert [charge.market for charge in scene.block(1, 2).charges] == [BTC]


def test_history_confirms_corrects_and_fills_in() -> None:
    scene = Scene()
    scene.oracle(-30, "90000")
    scene.rate(-20, "0.000003")
    scene.block(-1, 66622978)
    scene.block(0.219, 66622979)
    guess = index_change(24, 90000, 0, -10)
    assert scene.funding.index(BTC) == guess == 27
    rows = (
        ("0.000002375", "89993.8", "2025-12-08T16:00:00.219Z", 66622979),
        ("0.000000375", "90860.48604", "2025-12-08T15:00:00.586Z", 66617413),
    )
    found = scene.history(60, *rows)
    assert found.charges == [Charge(BTC, 66622979, 21 - 27)]
    assert found.index(BTC) == 21
    assert [(h.hour_ns, h.ppm, h.change, h.confirmed, h.index_after) for h in found.hours(BTC)] == [
        (HOUR - HOUR_NS, 3, 3, True, 0),  # before this run: known, but not ours
        (HOUR, 19, 21, True, 21),
    ]
    assert scene.facts(61).realised == 2375e-9
    digest = found.digest.value
    assert scene.history(70, *rows).charges == [] and found.digest.value == digest
    # hours that passed while the feed was away are charged like the last, and corrected likewise
    found = scene.block(3 * 3600 + 1, 70000000)
    assert found.charges == [Charge(BTC, 70000000, guess)] * 3
    found = scene.history(3 * 3600 + 60, ("0.00000125", "90000", "2025-12-08T18:00:00.1Z", 66640000))
    change = index_change(10, 90000, 0, -10)
    assert found.charges == [Charge(BTC, 70000000, -guess), Charge(BTC, 66640000, change)]
    assert [h.hour_ns // HOUR_NS - HOUR // HOUR_NS for h in found.hours(BTC)] == [-1, 0, 1, 2, 3]


def test_an_hour_in_which_nothing_was_known_is_filled_in() -> None:
    scene = Scene()
    scene.block(-1, 1)
    scene.block(1, 2)
    found = scene.history(60, ("0.00000125", "90000", "2025-12-08T16:00:00.1Z", 2))
    assert found.charges == [Charge(BTC, 2, index_change(10, 90000, 0, -10))]


def test_a_clock_that_leaps_charges_a_day_at_most() -> None:
    scene = Scene()
    scene.rate(-20, "0.001")
    scene.block(-1, 1)
    now_ns = HOUR + SECOND
    frame = m.block(2, "2199-01-01T00:00:01.000Z", scene.next())
    scene.funding.apply(scene.decoder.apply([(now_ns, 0, REC_FRAME, frame)]), now_ns)
    assert len(scene.funding.charges) == MISSED_MAX + 1
    scene.block(2, 3)  # back: doubted
    assert scene.funding.charges == []
    assert len(scene.block(3602, 4).charges) == 1


def test_without_the_answers_text_the_price_of_the_hour_is_kept() -> None:
    scene = Scene()
    scene.rate(-20, "0.000003")
    scene.block(-1, 1)
    scene.block(1, 2)
    found = scene.history(60, ("0.000002375", "50000", "2025-12-08T16:00:00.219Z", 2), told=False)
    assert found.hours(BTC)[0] == Hour(HOUR, 19, 21, 90000, 0, 2, False, 21)
    found = scene.history(70, ("0.000002375", "50000", "2025-12-08T16:00:00.219Z", 2))
    change = index_change(19, 50000, 0, -10)
    assert found.hours(BTC)[0] == Hour(HOUR, 19, change, 50000, 0, 2, True, change)


@pytest.mark.parametrize("price", ["", "-5", "0", "x"])
def test_a_price_that_cannot_be_read_is_left_out(price: str) -> None:
    scene = Scene()
    found = scene.history(60, ("0.000002375", price, "2025-12-08T16:00:00.219Z", 2))
    assert [(h.price, h.confirmed) for h in found.hours(BTC)] == [(90000, False)]


def test_an_answer_of_another_shape_gives_no_prices() -> None:
    scene = Scene()
    row = {
        "rate": "0.001",
        "effectiveAt": "2025-12-08T16:00:00Z",
        "effectiveAtHeight": "2",
        "ticker": "BTC-USD",
    }
    scene.put(60, REC_REST, b"historicalFunding 200 ticker=BTC-USD\n" + m.text({"historicalFunding": [row]}))
    assert [h.confirmed for h in scene.funding.hours(BTC)] == [False]


def test_hours_are_bounded_and_the_oldest_go_first() -> None:
    scene = Scene(FundingSettings(hours_max=3))
    rows = [("0.000001", "90000", f"2025-12-08T{hour:02d}:00:01Z", hour) for hour in range(5, 0, -1)]
    found = scene.history(60, *rows)
    assert [h.height for h in found.hours(BTC)] == [3, 4, 5]
    scene.history(61, ("0.000001", "90000", "2025-12-08T00:00:01Z", 1))
    assert [h.height for h in found.hours(BTC)] == [3, 4, 5]


def test_what_falls_due_at_the_next_hour() -> None:
    scene = Scene()
    scene.oracle(700, "89993.8")
    scene.rate(720, "0.000002375")
    assert scene.funding.due(BTC, 5_000_000_000) == -105_000
    scene.rate(721, "-0.000002375")
    assert scene.funding.due(BTC, 5_000_000_000) == 105_000


def test_real_history() -> None:
    scene = Scene()
    body = real.read("dydx-abacus/rest/v4_historical_funding_ETH-USD_1.json")
    scene.put(60, REC_REST, b"historicalFunding 200 ticker=ETH-USD\n" + body)
    change = index_change(74_224, 1799942095, 6, -9)
    assert scene.funding.hours(ETH) == (
        Hour(iso_ns("2023-05-19T03:00:00Z"), 74_224, change, 1799942095, 6, 13709, True, 0),
    )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("rate"), st.integers(0, 2), st.integers(-999, 999)),
        st.tuples(st.just("block"), st.integers(1, 2400)),
        st.tuples(st.just("history"), st.integers(0, 5), st.integers(-999, 999)),
    ),
    max_size=25,
)


def play(scene: Scene, steps: list[tuple[Any, ...]], at: int, height: int) -> tuple[int, int, list[Charge]]:
    charges = []
    for step in steps:
        if step[0] == "rate":
            scene.rate(at, f"{step[2] / 10**8:.8f}", MARKETS[step[1]]["ticker"])
        elif step[0] == "block":
            at, height = at + step[1], height + 1
            charges += scene.block(at, height).charges
        else:
            hour = HOUR + step[1] * HOUR_NS + SECOND
            day_ns = hour - iso_ns("2025-12-08T00:00:00Z")
            when = f"2025-12-08T{day_ns // HOUR_NS:02d}:00:01Z"
            charges += scene.history(at, (f"{step[2] / 10**8:.8f}", "90000", when, step[1] + 1)).charges
    return at, height, charges


@given(STEPS)
def test_the_index_is_the_sum_of_all_charges_and_of_the_hours_in_the_run(
    steps: list[tuple[Any, ...]],
) -> None:
    scene = Scene()
    _, _, charges = play(scene, steps, 0, 10)
    for market in (BTC, ETH, PEPE):
        assert scene.funding.index(market) == sum(c.change for c in charges if c.market == market)
        hours = scene.funding.hours(market)
        assert list(hours) == sorted(hours)
        for hour in hours:
            assert hour.change == index_change(
                hour.ppm, hour.price, hour.price_decimals, (-10, -9, 1)[market]
            )
        if hours:
            assert hours[-1].index_after == scene.funding.index(market)
        facts = scene.facts(10**5, market)
        assert facts.realised == (hours[-1].ppm / PPM if hours else 0.0)


@given(STEPS, STEPS)
def test_a_saved_compiler_goes_on_where_it_stood(
    first: list[tuple[Any, ...]], second: list[tuple[Any, ...]]
) -> None:
    one, other = Scene(), Scene()
    at, height, _ = play(one, first, 0, 10)
    other.funding.load(one.funding.save())
    other.decoder.load(one.decoder.save())
    other.message_id = one.message_id
    assert other.funding.save() == one.funding.save()
    assert play(one, second, at, height) == play(other, second, at, height)
    assert other.funding.save() == one.funding.save()
    stage = 2 * STAGE_NAMES.index("account")
    assert one.tape.digests[stage : stage + 2].tolist() == other.tape.digests[stage : stage + 2].tolist()


def test_another_state_is_refused_before_anything_changes() -> None:
    scene = Scene()
    scene.rate(1, "0.1")
    before = scene.funding.save()
    for wrong in (b"", b"[]", b"\xff", before[:-1], before + b"x"):
        with pytest.raises(ValueError, match="funding"):
            scene.funding.load(wrong)
    assert scene.funding.save() == before


def test_rate_ppm_is_the_rule_of_the_index() -> None:
    assert rate_ppm(3, 6) == 24
