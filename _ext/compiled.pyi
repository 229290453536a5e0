DEBUG: bool
FLAGS: str
COMPILER: str
CYTHON: str
