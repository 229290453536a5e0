"""Fills, trades, transfers and funding payments: rows of the database, and how stream and REST write them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from sniper.exchange.facts import SubaccountId
from sniper.exchange.indexer.orders import SIDES
from sniper.exchange.indexer.topics import parent_of
from sniper.exchange.indexer.writing import Item, coins, plain, scale, usd
from sniper.exchange.terms import Terms
from sniper.feed.sim.text import decimal, iso
from sniper.order_ids import fill_uuid, indexer_uuid

MAKER_KINDS: Final = {"LIQUIDATED": "LIQUIDATION", "DELEVERAGED": "OFFSETTING"}
"""What the other side of a fill of this kind is called; LIMIT and OFFSETTING are the same on both."""
TRADE_KINDS: Final = {"OFFSETTING": "DELEVERAGED"}


class Fill(NamedTuple):
    """One side of a match. quantums: BQ; quote, fee: QQ, the fee negative for a rebate; before: what was held."""

    event: str
    liquidity: str
    kind: str
    clob_pair: int
    side: int
    quantums: int
    price: str
    quote: int
    fee: int
    height: int
    at_ns: int
    order_id: str
    order_type: str
    client_metadata: int
    tx_hash: str
    before: int
    entry_before: Decimal

    @property
    def id(self) -> str:
        """The Indexer's id."""
        return fill_uuid(self.event, self.liquidity)


class Trade(NamedTuple):
    """A match as the public sees it, from the taker's side."""

    id: str
    side: int
    quantums: int
    price: str
    kind: str
    height: int
    at_ns: int


class Moved(NamedTuple):
    """A transfer of USDC. A party with number -1 is a wallet."""

    id: str
    sender: SubaccountId
    recipient: SubaccountId
    quote: int
    height: int
    at_ns: int
    tx_hash: str


class Payment(NamedTuple):
    """Funding of one tick on one position. rate: of 1 hour; payment in USDC, positive when received."""

    perpetual: int
    ticker: str
    price: Decimal
    quantums: int
    rate: str
    payment: Decimal
    funding_index: Decimal
    height: int
    at_ns: int


def fill_stream_item(fill: Fill, owner_id: str, terms: Terms) -> Item:
    """A fill in an update."""
    item: Item = {
        "id": fill.id,
        "fee": usd(fill.fee),
        "side": SIDES[fill.side],
        "size": scale(terms).size(fill.quantums),
        "type": fill.kind,
        "price": fill.price,
        "eventId": fill.event,
    }
    if fill.order_id:
        item["orderId"] = fill.order_id
    return item | {
        "createdAt": iso(fill.at_ns),
        "liquidity": fill.liquidity,
        "clobPairId": str(terms.clob_pair),
        "quoteAmount": usd(fill.quote),
        "subaccountId": owner_id,
        "clientMetadata": str(fill.client_metadata),
        "createdAtHeight": str(fill.height),
        "transactionHash": fill.tx_hash,
        "ticker": terms.ticker,
    }


def fill_rest_item(fill: Fill, number: int, terms: Terms) -> Item:
    """A fill in an answer."""
    item: Item = {
        "id": fill.id,
        "side": SIDES[fill.side],
        "liquidity": fill.liquidity,
        "type": fill.kind,
        "market": terms.ticker,
        "marketType": "PERPETUAL",
        "price": fill.price,
        "size": scale(terms).size(fill.quantums),
        "fee": usd(fill.fee),
        "affiliateRevShare": "0",
        "createdAt": iso(fill.at_ns),
        "createdAtHeight": str(fill.height),
    }
    if fill.order_id:
        item |= {"orderId": fill.order_id, "clientMetadata": str(fill.client_metadata)}
    item["subaccountNumber"] = number
    if fill.before:
        item |= {
            "positionSizeBefore": plain(coins(fill.before, terms)),
            "entryPriceBefore": plain(fill.entry_before),
            "positionSideBefore": "LONG" if fill.before > 0 else "SHORT",
        }
    return item


def trade_stream_item(trade: Trade, terms: Terms) -> Item:
    """A trade in an update."""
    return {
        "id": trade.id,
        "size": scale(terms).size(trade.quantums),
        "price": trade.price,
        "side": SIDES[trade.side],
        "createdAt": iso(trade.at_ns),
        "type": trade.kind,
    }


def trade_rest_item(trade: Trade, terms: Terms) -> Item:
    """A trade in an answer or a snapshot."""
    return {
        "id": trade.id,
        "side": SIDES[trade.side],
        "size": scale(terms).size(trade.quantums),
        "price": trade.price,
        "type": trade.kind,
        "createdAt": iso(trade.at_ns),
        "createdAtHeight": str(trade.height),
    }


def moved(
    height: int,
    index: int,
    sender: SubaccountId,
    recipient: SubaccountId,
    quote: int,
    tx_hash: str,
    at_ns: int,
) -> Moved:
    """The row of a transfer, `index` within its block."""
    ends = f"{sender.owner}-{sender.number}-{recipient.owner}-{recipient.number}"
    name = indexer_uuid(f"{height:08x}{3:08x}{index:08x}-0-{ends}")
    return Moved(name, sender, recipient, quote, height, at_ns, tx_hash)


def transfer_kind(row: Moved, sent: bool) -> str:
    """What a transfer is to one of its ends. sent: that end gave."""
    if sent:
        return "WITHDRAWAL" if row.recipient.number < 0 else "TRANSFER_OUT"
    return "DEPOSIT" if row.sender.number < 0 else "TRANSFER_IN"


def _party(subaccount: SubaccountId, key: str) -> Item:
    item: Item = {"address": subaccount.owner}
    if subaccount.number >= 0:
        item[key] = parent_of(subaccount.number) if key == "parentSubaccountNumber" else subaccount.number
    return item


def transfer_stream_item(row: Moved, sent: bool) -> Item:
    """A transfer in an update, as one of its ends sees it."""
    return {
        "sender": _party(row.sender, "subaccountNumber"),
        "recipient": _party(row.recipient, "subaccountNumber"),
        "symbol": "USDC",
        "size": usd(row.quote),
        "type": transfer_kind(row, sent),
        "createdAt": iso(row.at_ns),
        "createdAtHeight": str(row.height),
        "transactionHash": row.tx_hash,
    }


def transfer_rest_item(row: Moved, sent: bool, parents: bool = False) -> Item:
    """A transfer in an answer. parents: ends are named by their parent's number."""
    key = "parentSubaccountNumber" if parents else "subaccountNumber"
    return {
        "id": row.id,
        "sender": _party(row.sender, key),
        "recipient": _party(row.recipient, key),
        "size": usd(row.quote),
        "createdAt": iso(row.at_ns),
        "createdAtHeight": str(row.height),
        "symbol": "USDC",
        "type": transfer_kind(row, sent),
        "transactionHash": row.tx_hash,
    }


def payment_item(row: Payment, number: int, terms: Terms) -> Item:
    """A funding payment in an answer."""
    return {
        "createdAt": iso(row.at_ns),
        "createdAtHeight": str(row.height),
        "perpetualId": str(row.perpetual),
        "ticker": row.ticker,
        "oraclePrice": plain(row.price),
        "size": plain(coins(row.quantums, terms)),
        "side": "LONG" if row.quantums > 0 else "SHORT",
        "rate": row.rate,
        "payment": plain(row.payment),
        "subaccountNumber": str(number),
        "fundingIndex": plain(row.funding_index),
    }


def hourly(rate_ppm: int) -> str:
    """A rate of 8 hours in ppm as the fraction of 1 hour that the Indexer shows (funding.md 0)."""
    return decimal(rate_ppm * 125, 9)
