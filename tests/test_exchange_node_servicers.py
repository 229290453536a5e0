"""The official NodeClient, unmodified, over a real channel: every call of orders.md section 5 but its last row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator
from typing import Any

import grpc
import pytest
from dydx_v4_client.network import NodeConfig
from dydx_v4_client.node.authenticators import Authenticator, AuthenticatorType
from dydx_v4_client.node.builder import TxOptions
from dydx_v4_client.node.client import NodeClient
from dydx_v4_client.node.message import order_id
from dydx_v4_client.wallet import Wallet
from v4_proto.cosmos.staking.v1beta1 import query_pb2_grpc as staking_grpc
from v4_proto.cosmos.staking.v1beta1.query_pb2 import QueryValidatorsRequest
from v4_proto.cosmos.tx.v1beta1 import service_pb2_grpc as tx_grpc
from v4_proto.cosmos.tx.v1beta1.service_pb2 import GetBlockWithTxsRequest
from v4_proto.dydxprotocol.clob import query_pb2 as clob_query
from v4_proto.dydxprotocol.clob import query_pb2_grpc as clob_grpc
from v4_proto.dydxprotocol.clob.tx_pb2 import OrderBatch
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId

from sniper.exchange.facts import LONG_TERM, ChainOrder, OrderId
from sniper.exchange.facts import SubaccountId as Ours
from sniper.exchange.interfaces import Purse
from sniper.exchange.node import servicers
from sniper.exchange.node.fees import USDC
from sniper.exchange.node.servicers import Treatment
from sniper.exchange.node.transactions import Node
from tests.chains import START_NS, AccountsChain, holding
from tests.serving import Counter, served
from tests.wallets import CHAIN_ID, MNEMONICS, address, an_order, pair, wallet

ME = address(0)
SECOND_NS = 1_000_000_000


def do(call: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(call)


class Setting:
    """A node on its port and the official client connected to it."""

    def __init__(self, counter: Counter, port: int) -> None:
        self.counter, self.chain = counter, counter.node.chain
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        config = NodeConfig(CHAIN_ID, "adv4tnt", USDC, self.channel)
        self.client = do(NodeClient.connect(config))
        self.wallet = do(Wallet.from_mnemonic(self.client, MNEMONICS[0], ME))


@pytest.fixture
def at() -> Iterator[Setting]:
    chain = AccountsChain()
    chain.open(ME, sequence=4)
    chain.purses[Ours(ME, 0)] = Purse(-1_500_000, (holding(1, -9), holding(0, 123_000_000)))
    chain.purses[Ours(ME, 1)] = Purse(0, ())
    counter = Counter(Node(chain), START_NS)
    with served(counter) as port:
        setting = Setting(counter, port)
        yield setting
        setting.channel.close()


def calls(at: Setting) -> list[tuple[Any, ...]]:
    assert isinstance(at.chain, AccountsChain)
    return at.chain.done("place", "cancel", "batch_cancel", "transfer", "deposit", "withdraw", "send")


def test_place_cancel_and_batch_cancel(at: Setting) -> None:
    order = an_order(ME).order
    identity = order.order_id
    placed = do(at.client.place_order(at.wallet, order))
    assert (placed.tx_response.code, placed.tx_response.raw_log) == (0, "")
    assert len(placed.tx_response.txhash) == 64
    assert do(at.client.cancel_order(at.wallet, identity, good_til_block=110)).tx_response.code == 0
    batch = [OrderBatch(clob_pair_id=0, client_ids=[1, 2])]
    sub = SubaccountId(owner=ME, number=0)
    assert do(at.client.batch_cancel_orders(at.wallet, sub, batch, 110)).tx_response.code == 0
    assert [call[0] for call in calls(at)] == ["place", "cancel", "batch_cancel"]
    assert calls(at)[0][1].id == OrderId(Ours(ME, 0), 7, 0, 0)


def test_stateful_orders_take_the_sequence_that_the_client_asks_for(at: Setting) -> None:
    until = 1_767_300_000
    order = an_order(ME, flags=LONG_TERM, good_til_block_time=until).order
    assert do(at.client.place_order(at.wallet, order)).tx_response.code == 0
    again = an_order(ME, client_id=8, flags=LONG_TERM, good_til_block_time=until).order
    refused = do(at.client.place_order(at.wallet, again)).tx_response
    assert (refused.codespace, refused.code) == ("sdk", 32), "the query told the sequence of the last block"
    assert refused.raw_log == "account sequence mismatch, expected 5, got 4: incorrect account sequence"
    at.counter.block()
    assert do(at.client.place_order(at.wallet, again)).tx_response.code == 0


def test_without_a_sequence_manager_and_with_options(at: Setting) -> None:
    at.client.sequence_manager = None
    assert do(at.client.place_order(at.wallet, an_order(ME).order)).tx_response.code == 0
    at.counter.node.authenticators.add(ME, "SignatureVerification", pair(1).public_key_bytes)
    options = TxOptions([0], at.wallet.sequence, at.wallet.account_number)
    order = an_order(ME, client_id=8).order
    assert do(at.client.place_order(wallet(1), order, tx_options=options)).tx_response.code == 0
    assert do(at.client.place_order(wallet(2), order, tx_options=options)).tx_response.code == 100


def test_money(at: Setting) -> None:
    sub, other = SubaccountId(owner=ME, number=0), SubaccountId(owner=ME, number=1)
    you = address(1)
    for call in (
        lambda: at.client.transfer(at.wallet, sub, other, 0, 1),
        lambda: at.client.deposit(at.wallet, ME, sub, 0, 2),
        lambda: at.client.withdraw(at.wallet, sub, ME, 0, 3),
        lambda: at.client.send_token(at.wallet, ME, you, 4, USDC),
    ):
        sent = do(call()).tx_response
        assert sent.code == 0
        at.counter.block()
        tx = do(at.client.query_transaction(sent.txhash))
        assert tx.body.memo == "Client Example"
        found = tx_grpc.ServiceStub(at.channel).GetTx(_get_tx(sent.txhash)).tx_response
        assert (found.code, found.height, found.txhash) == (0, at.chain.height, sent.txhash)
        assert found.gas_used > 0 and found.timestamp.endswith("Z")
    assert [call[:-1] for call in calls(at)] == [
        ("transfer", Ours(ME, 0), Ours(ME, 1), 1),
        ("deposit", ME, Ours(ME, 0), 2),
        ("withdraw", Ours(ME, 0), ME, 3),
        ("send", ME, you, 4),
    ]


def _get_tx(name: str) -> Any:
    from v4_proto.cosmos.tx.v1beta1.service_pb2 import GetTxRequest

    return GetTxRequest(hash=name)


def test_a_failing_simulation_is_an_error(at: Setting) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        do(at.client.transfer(at.wallet, SubaccountId(owner=ME), SubaccountId(owner=ME), 0, 1))
    assert raised.value.code() == grpc.StatusCode.UNKNOWN
    assert raised.value.details() == "Sender is the same as recipient with gas used: '0'"


def test_a_trade_only_key_from_the_cradle_to_the_grave(at: Setting) -> None:
    """Registered, used within and beyond what it may, and removed, all by the official client."""
    key = pair(1).public_key_bytes
    tree = Authenticator.compose(
        AuthenticatorType.AllOf,
        [
            Authenticator.signature_verification(key),
            Authenticator.message_filter(
                "/dydxprotocol.clob.MsgPlaceOrder,/dydxprotocol.clob.MsgCancelOrder"
            ),
            Authenticator.clob_pair_id_filter([0]),
            Authenticator.subaccount_filter([0]),
        ],
    )
    assert do(at.client.add_authenticator(at.wallet, tree)).tx_response.code == 0
    assert not do(at.client.get_authenticators(ME)).account_authenticators, "not before its block"
    at.counter.block()
    (kept,) = do(at.client.get_authenticators(ME)).account_authenticators
    assert (kept.id, kept.type) == (0, "AllOf")
    trader = wallet(1)

    def options(sequence: int = 0) -> TxOptions:
        return TxOptions([kept.id], sequence, at.wallet.account_number)

    def place(**changes: Any) -> int:
        order = an_order(ME, **changes).order
        return int(do(at.client.place_order(trader, order, tx_options=options())).tx_response.code)

    def cancel(**changes: Any) -> int:
        identity = order_id(ME, changes.get("subaccount", 0), 7, changes.get("pair", 0), 0)
        return int(
            do(
                at.client.cancel_order(trader, identity, good_til_block=110, tx_options=options())
            ).tx_response.code
        )

    assert (place(), cancel()) == (0, 0)
    assert (place(pair=1), place(subaccount=1), cancel(pair=1), cancel(subaccount=1)) == (104,) * 4
    batch = [OrderBatch(clob_pair_id=0, client_ids=[1])]
    refused = do(
        at.client.batch_cancel_orders(trader, SubaccountId(owner=ME), batch, 110, tx_options=options())
    )
    assert refused.tx_response.code == 104
    # It cannot move money, neither by its permission nor by its signature alone.
    from tests.wallets import a_transfer, builder

    sequence = do(at.client.get_account(ME)).sequence
    for tx_options in (options(sequence), None):
        tx = builder().build(trader, a_transfer(ME), builder().calculate_fee(90_000), tx_options)
        response = do(at.client.broadcast(tx)).tx_response
        assert response.code == (104 if tx_options else 8)
    removal = do(at.client.remove_authenticator(at.wallet, kept.id))
    assert removal.tx_response.code == 0
    at.counter.block()
    assert place(client_id=9) == 1
    with pytest.raises(grpc.RpcError, match="failed to get authenticator 0"):
        do(at.client.remove_authenticator(at.wallet, kept.id))


def test_blocks_and_accounts(at: Setting) -> None:
    block = do(at.client.latest_block())
    assert block.block.header.height == block.sdk_block.header.height == 100
    assert block.block.header.chain_id == CHAIN_ID
    assert block.block.header.time.seconds * SECOND_NS == START_NS
    assert len(block.block_id.hash) == 32
    assert do(at.client.latest_block_height()) == 100
    info = do(at.client.get_node_info())
    assert info.default_node_info.network == CHAIN_ID
    assert info.application_version.app_name == "dydxprotocold"
    account = do(at.client.get_account(ME))
    assert (account.address, account.account_number, account.sequence) == (ME, 10, 4)
    assert not account.pub_key.type_url
    assert do(at.client.query_address(ME)) == (10, 4)
    at.chain.bump(ME, pair(0).public_key_bytes)
    assert do(at.client.get_account(ME)).pub_key.type_url == "/cosmos.crypto.secp256k1.PubKey"


def test_balances(at: Setting) -> None:
    (coin,) = do(at.client.get_account_balances(ME)).balances
    assert (coin.denom, coin.amount) == (USDC, "1000000000")
    assert do(at.client.get_account_balance(ME, USDC)).balance.amount == "1000000000"
    assert do(at.client.get_account_balance(ME, "adv4tnt")).balance.amount == "0"
    assert not do(at.client.get_account_balances(address(3))).balances


def test_subaccounts(at: Setting) -> None:
    found = do(at.client.get_subaccount(ME, 0))
    assert (found.id.owner, found.id.number) == (ME, 0)
    (asset,) = found.asset_positions
    assert asset.quantums == b"\x03" + (1_500_000).to_bytes(3, "big")
    assert [one.perpetual_id for one in found.perpetual_positions] == [0, 1]
    assert found.perpetual_positions[0].quantums == bytes.fromhex("020754d4c0")
    assert found.perpetual_positions[1].quantums == b"\x03\x09"
    assert do(at.client.get_subaccount(ME, 99)).id.number == 99
    everyone = do(at.client.get_subaccounts())
    assert [one.id.number for one in everyone.subaccount] == [0, 1]
    assert everyone.pagination.total == 2
    gates = do(at.client.get_withdrawal_and_transfer_gating_status(9))
    assert (
        gates.negative_tnc_subaccount_seen_at_block,
        gates.withdrawals_and_transfers_unblocked_at_block,
    ) == (50, 100)


def test_markets(at: Setting) -> None:
    pair_ = do(at.client.get_clob_pair(7))
    assert (pair_.id, pair_.perpetual_clob_metadata.perpetual_id) == (7, 9)
    assert (pair_.step_base_quantums, pair_.subticks_per_tick, pair_.quantum_conversion_exponent) == (
        1_000_000,
        1_000_000,
        -9,
    )
    assert pair_.status == 1
    assert [one.id for one in do(at.client.get_clob_pairs()).clob_pair] == [0, 1, 7]
    price = do(at.client.get_price(1))
    assert (price.id, price.exponent, price.price) == (1, -6, 3_100_000_000)
    assert [one.id for one in do(at.client.get_prices()).market_prices] == [0, 1, 1007]
    found = do(at.client.get_perpetual(9)).perpetual
    assert (found.params.ticker, found.params.market_id, found.params.atomic_resolution) == (
        "ISO-USD",
        1007,
        -6,
    )
    assert (found.params.market_type, found.params.liquidity_tier) == (2, 1)
    assert found.funding_index == b"\x03\x07"
    assert found.open_interest == b"\x02" + (500_000_000).to_bytes(4, "big")
    everything = do(at.client.get_perpetuals()).perpetual
    assert [(one.params.id, one.params.liquidity_tier, one.params.market_type) for one in everything] == [
        (0, 0, 1),
        (1, 0, 1),
        (9, 1, 2),
    ]


def test_limits_fees_and_statistics(at: Setting) -> None:
    tiers = do(at.client.get_equity_tier_limit_config()).stateful_order_equity_tiers
    assert [(int.from_bytes(one.usd_tnc_required[1:], "big") // 1_000_000, one.limit) for one in tiers] == [
        (0, 0),
        (20, 1),
        (100, 5),
        (1_000, 10),
        (10_000, 100),
        (100_000, 200),
    ]
    fees = do(at.client.get_fee_tiers()).params.tiers
    assert (len(fees), fees[0].taker_fee_ppm, fees[-1].maker_fee_ppm) == (7, 500, -110)
    mine = do(at.client.get_user_fee_tier(ME))
    assert (mine.index, mine.tier.name, mine.tier.taker_fee_ppm) == (1, "2", 450)
    stats = do(at.client.get_user_stats(ME)).stats
    assert (stats.taker_notional, stats.maker_notional) == (11, 22)
    assert do(at.client.get_rewards_params()).params.denom == "adydx"


def test_useful_queries_that_the_client_does_not_wrap(at: Setting) -> None:
    stub = clob_grpc.QueryStub(at.channel)
    limits = stub.BlockRateLimitConfiguration(clob_query.QueryBlockRateLimitConfigurationRequest())
    config = limits.block_rate_limit_config
    short = config.max_short_term_orders_and_cancels_per_n_blocks
    assert [(one.num_blocks, one.limit) for one in short] == [(5, 4000)]
    assert [(one.num_blocks, one.limit) for one in config.max_stateful_orders_per_n_blocks] == [
        (1, 2),
        (100, 20),
    ]
    risk = stub.LiquidationsConfiguration(
        clob_query.QueryLiquidationsConfigurationRequest()
    ).liquidations_config
    assert risk.max_liquidation_fee_ppm == 15_000
    assert risk.position_block_limits.max_position_portion_liquidated_ppm == 100_000
    assert risk.fillable_price_config.spread_to_maintenance_margin_ratio_ppm == 1_500_000
    assert risk.subaccount_block_limits.max_notional_liquidated == 100_000_000_000
    identity = OrderId(Ours(ME, 0), 7, LONG_TERM, 0)
    order = ChainOrder(identity, 1, 100_000_000, 9_000_000_000, 0, 1_767_300_000, 0, False, 2, 0, 0)
    assert isinstance(at.chain, AccountsChain)
    at.chain.orders[identity] = order
    message = an_order(ME, flags=LONG_TERM, good_til_block_time=1_767_300_000).order
    found = stub.StatefulOrder(clob_query.QueryStatefulOrderRequest(order_id=message.order_id))
    assert found.order_placement.order == message
    assert (found.fill_amount, found.triggered) == (3_000_000, True)
    missing = order_id(ME, 0, 8, 0, LONG_TERM)
    with pytest.raises(grpc.RpcError, match="not found"):
        stub.StatefulOrder(clob_query.QueryStatefulOrderRequest(order_id=missing))


def test_what_is_not_served_says_so(at: Setting) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        tx_grpc.ServiceStub(at.channel).GetBlockWithTxs(GetBlockWithTxsRequest(height=1))
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "does not serve GetBlockWithTxs" in raised.value.details()
    with pytest.raises(grpc.RpcError) as raised:
        staking_grpc.QueryStub(at.channel).Validators(QueryValidatorsRequest())
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_what_a_call_may_suffer(at: Setting) -> None:
    at.client.sequence_manager = None

    def broadcast(number: int, timeout: float = 5.0) -> Any:
        from v4_proto.cosmos.tx.v1beta1.service_pb2 import BroadcastTxRequest

        from tests.wallets import signed

        tx = signed(at.wallet, an_order(ME, client_id=number), fee=0)
        return tx_grpc.ServiceStub(at.channel).BroadcastTx(
            BroadcastTxRequest(tx_bytes=tx, mode=2), timeout=timeout
        )

    suffers = at.counter.suffers
    for number, (treatment, status, processed) in enumerate(
        (
            (Treatment(servicers.UNAVAILABLE), grpc.StatusCode.UNAVAILABLE, False),
            (Treatment(servicers.HANG, 30.0), grpc.StatusCode.DEADLINE_EXCEEDED, False),
            (Treatment(servicers.HANG, 0.05), grpc.StatusCode.UNAVAILABLE, False),
            (Treatment(servicers.LOST), grpc.StatusCode.UNAVAILABLE, True),
            (Treatment(servicers.LOST, 30.0), grpc.StatusCode.DEADLINE_EXCEEDED, True),
        )
    ):
        suffers["BroadcastTx"] = treatment
        before = len(calls(at))
        with pytest.raises(grpc.RpcError) as raised:
            broadcast(number, timeout=5.0 if status == grpc.StatusCode.UNAVAILABLE else 0.4)
        assert raised.value.code() == status
        assert len(calls(at)) - before == processed
    suffers["BroadcastTx"] = Treatment(servicers.LATE, 0.2)
    start = time.monotonic()
    assert broadcast(99).tx_response.code == 0
    assert time.monotonic() - start >= 0.2
    assert do(at.client.latest_block_height()) == 100, "other methods are as ever"
