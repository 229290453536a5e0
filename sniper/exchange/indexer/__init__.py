"""The stand-in's Indexer: fed by the chain's news, it keeps what the real one keeps, and answers as that one does.

    news -> store (levels, orders, accounts, candles, statistics) -> topics -> sessions -> frames
                                                                 \\-> rest -> answers

`indexer.Venue` joins these; it is a plain object that is told the time. `server` is the thin shell of sockets around
it. Source of every rule: dYdX v4-chain, indexer/services (socks, comlink, vulcan, ender, roundtable).
"""
