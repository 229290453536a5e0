from typing import Protocol

SAID_FACTS: int
SAID_HALT: int

class Kernel(Protocol):
    def step(self) -> object: ...

class Column:
    def __init__(self, *kernels: Kernel) -> None: ...
    def run(self, now_ns: int, n: int) -> int: ...
