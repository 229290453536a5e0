from sniper._ext.tape import Tape

TO_ACCOUNT: int
TO_FUNDING: int
TO_OPERATOR: int
TO_ORDERS: int

class Notices:
    height: int
    height_ns: int
    feed_ns: int
    block_ns: int
    leap: int
    ceiling: int
    def __init__(self, tape: Tape) -> None: ...
    def step(self) -> object: ...
    def hear(self, now_ns: int) -> int: ...
    def latest(self) -> tuple[int, int]: ...
    def believe(self, height: int, now_ns: int) -> None: ...
    def restart(self, height: int, feed_ns: int, block_ns: int = 0) -> None: ...
