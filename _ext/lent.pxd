# What the book and the candles kernel lend to the signals kernel: two structs, passed on as arrays.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

cdef enum:
    NEARNESSES = 3      # how deep a Depth looks: NEAR levels a side
    NEWS_MAX = 512      # entries of Candles.news

cdef extern from *:
    """
    static const int SNIPER_NEAR[3] = {1, 3, 10};
    """
    const int[3] NEAR "SNIPER_NEAR"

cdef struct Depth:              # the uncrossed view of one market's book near its touch
    int64_t bid                 # ticks; 0: none
    int64_t ask
    double[NEARNESSES] bids     # steps resting on the best NEAR[i] levels
    double[NEARNESSES] asks

cdef enum:                      # BarNews.flags
    N_OPEN = 1                  # the bar is still open: it will change
    N_RESTART = 2               # older bars than the last one told have changed: this begins the series anew
    N_NO_USD = 4                # the USD volume is not known

cdef struct BarNews:            # a bar that is new or was changed. Prices and volumes are exact decimals
    int64_t k                   # its number: start / interval
    int64_t open
    int64_t high
    int64_t low
    int64_t close
    int64_t volume              # coins
    int64_t usd
    uint32_t trades
    uint16_t market
    uint8_t resolution
    uint8_t flags
    uint8_t price_dec
    uint8_t size_dec
    uint8_t usd_dec
    uint8_t[5] reserved
