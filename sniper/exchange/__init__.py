"""A local dYdX v4: chain, Indexer and node in one process, for rehearsals and for proofs.

Three parts that know each other by `facts` alone, each a plain object driven by the time it is given, so that a
schedule of faults can be played in virtual time:

* `chain`: markets, accounts, orders, matching, blocks, funding, liquidations. What happens it appends to a list.
* `indexer`: reads the news, keeps what the real Indexer keeps, answers WebSocket messages and REST requests.
* `node`: reads transactions (signatures, sequences, authenticators, rate limits), hands their messages to the chain.

Sockets are thin shells around them (`indexer.server`, `node.servicers`); `house` runs all of it under one clock.
Nothing of the trading path imports this folder.
"""
