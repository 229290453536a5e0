"""How these kernels were compiled: what `sniper doctor` shows and the debug pass of CI checks."""

import cython

cdef extern from *:
    """
    #ifdef SNIPER_DEBUG
    #  define SNIPER_IS_DEBUG 1
    #else
    #  define SNIPER_IS_DEBUG 0
    #endif
    #ifndef SNIPER_FLAGS
    #  define SNIPER_FLAGS ""
    #endif
    #ifdef __VERSION__
    #  define SNIPER_COMPILER __VERSION__
    #else
    #  define SNIPER_COMPILER "unknown"
    #endif
    """
    bint SNIPER_IS_DEBUG
    const char* SNIPER_FLAGS
    const char* SNIPER_COMPILER

DEBUG = bool(SNIPER_IS_DEBUG)
FLAGS = SNIPER_FLAGS.decode()
COMPILER = SNIPER_COMPILER.decode()
CYTHON = cython.__version__
