"""Keys: how they are kept, opened, permitted on the chain, and kept out of everything that is written."""
