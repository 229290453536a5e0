"""The node: transactions in, outcomes out, and the chain's state for whoever asks.

Reading order: `codes` (what is answered), `signing` (keys, addresses, signatures), `messages` (which messages there
are and who signs them), `envelope` (a transaction taken apart), `fees`, `sequences`, `authenticators`, `limits`,
`transactions` (`Node`: all of it in the order of the chain's own checks). None of these knows a socket. `gate`,
`servicers`, `queries` and `server` put them behind gRPC.
"""
