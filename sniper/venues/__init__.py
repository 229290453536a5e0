"""Where commands go. `paper` is a venue in-process that keeps the exchange's rules against the market of the feed.

Reading order of the paper venue: `order` (what lies there), `terms` (what is known of a market), `models`,
`admission` (which commands are refused), `matching` and `queue` (how orders meet the market), `ledger` and
`collateral` (who owns what and may what), `floor`, `arrivals`, `blocks` and `liquidating` (what happens to an order
and to the account), `hearing` (what is read of a tick), `account_frames`, `reports` and `outbox` (what is told, and
when), `paper` (the venue that the loop sees). The rules in words: docs/paper.md.
"""
