"""The chain of the stand-in exchange: markets, accounts, orders, matching, blocks, funding, liquidations.

`core.Core` holds the whole state as plain data; every other module is a set of functions over it; `chain.Chain` is
the door (`sniper.exchange.interfaces.Chain`). One node proposes every block, so what it matched is what the block
executes: money moves when orders match, `end_block` makes it known and lets everything happen that a block does.
Whole numbers throughout; no clock; the only chance is drawn from seed and height.
"""
