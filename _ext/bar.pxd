# One candle of our own and its exact arithmetic. Used by candles.pyx alone.
#
# Prices and sizes are int64 mantissas with decimals (value = mantissa * 10 ** -decimals). Values of different
# scales meet at the finer one. What does not fit an int64 there is refused and reported, never wrapped.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from event cimport Digest, fold

cdef extern from *:
    """
    #include <stdint.h>
    static const int64_t SNIPER_POW10[19] = {
        1LL, 10LL, 100LL, 1000LL, 10000LL, 100000LL, 1000000LL, 10000000LL, 100000000LL, 1000000000LL,
        10000000000LL, 100000000000LL, 1000000000000LL, 10000000000000LL, 100000000000000LL,
        1000000000000000LL, 10000000000000000LL, 100000000000000000LL, 1000000000000000000LL};
    """
    const int64_t POW10 "SNIPER_POW10"[19]
    bint mul_overflows "__builtin_mul_overflow"(int64_t a, int64_t b, int64_t* out) noexcept nogil
    bint add_overflows "__builtin_add_overflow"(int64_t a, int64_t b, int64_t* out) noexcept nogil

cdef enum BarFlag:
    B_COMPLETE = 1      # observed from its first block to its last, nothing lost in between
    B_CLOSED = 2        # a later block was seen
    B_AMENDED = 4       # changed after it was closed
    B_INDEXER = 8       # the Indexer's own final candle: buy and sell are not known (0)
    B_SAME = 16         # equal to the Indexer's final candle
    B_DIFFERS = 32      # complete, and yet not equal to the Indexer's final candle
    B_INEXACT = 64      # a trade is missing because it did not fit, or came with digits cut off
    B_NO_USD = 128      # the USD volume did not fit; usd is 0

cdef enum:
    DECIMALS_MAX = 36   # of a price or size that is taken

cdef struct Bar:        # 80 bytes; all zero: no bar
    int64_t open
    int64_t high
    int64_t low
    int64_t close
    int64_t volume
    int64_t buy         # sell = volume - buy
    int64_t usd         # sum of price * size
    int64_t first_ns    # times of the first and the last trade in it
    int64_t last_ns
    uint32_t trades
    uint16_t scale      # price decimals | size decimals << 8
    uint8_t usd_dec
    uint8_t flags

cdef struct Deal:       # one trade, as the bars see it
    int64_t price
    int64_t size
    int64_t buy         # size if the taker bought, else 0
    int64_t usd
    int64_t ns
    uint16_t scale
    bint usd_fits
    bint inexact


cdef inline bint scale_up(int64_t value, int by, int64_t* out) noexcept nogil:
    """out = value * 10 ** by; False if that does not fit."""
    if value == 0 or by == 0:
        out[0] = value
        return True
    return by <= 18 and not mul_overflows(value, POW10[by], out)


cdef inline bint equal(int64_t a, int a_dec, int64_t b, int b_dec) noexcept nogil:
    """Are these two decimals the same number? One that does not fit at the other's scale cannot be."""
    cdef int64_t scaled = 0
    if a_dec < b_dec:
        return scale_up(a, b_dec - a_dec, &scaled) and scaled == b
    return scale_up(b, a_dec - b_dec, &scaled) and scaled == a


cdef inline void flat(Bar* bar, int64_t price, uint16_t scale, uint8_t flags) noexcept nogil:
    """An empty bar: open = high = low = close, no volume."""
    memset(bar, 0, sizeof(Bar))
    bar.open = bar.high = bar.low = bar.close = price
    bar.scale = scale
    bar.usd_dec = <uint8_t> ((scale & 255) + (scale >> 8))
    bar.flags = flags


cdef inline bint add_in_order(Bar* bar, const Deal* deal) noexcept nogil:
    """The common case: not the first trade of the bar, not older than its last, same scale. False: nothing was done."""
    cdef int64_t volume = 0
    cdef int64_t usd = 0
    if <uint32_t> (bar.trades - 1) >= 0xFFFFFFFEu or bar.scale != deal.scale or deal.ns < bar.last_ns:
        return False
    if bar.flags & B_NO_USD or add_overflows(bar.volume, deal.size, &volume) or add_overflows(bar.usd, deal.usd, &usd):
        return False
    bar.volume = volume
    bar.usd = usd
    bar.buy += deal.buy
    bar.trades += 1
    bar.close = deal.price
    bar.last_ns = deal.ns
    if deal.price > bar.high:
        bar.high = deal.price
    if deal.price < bar.low:
        bar.low = deal.price
    return True


cdef inline bint finer(const Deal* deal, uint16_t scale, Deal* out) noexcept nogil:
    """out = the deal at that scale; False if it is a coarser one, or does not fit there."""
    cdef int by = (scale & 255) - (deal.scale & 255)
    cdef int size_by = (scale >> 8) - (deal.scale >> 8)
    if by < 0 or size_by < 0:
        return False
    out[0] = deal[0]
    out.scale = scale
    return (scale_up(deal.price, by, &out.price) and scale_up(deal.size, size_by, &out.size)
            and scale_up(deal.buy, size_by, &out.buy) and not mul_overflows(out.price, out.size, &out.usd))


cdef inline bint rescale(Bar* bar, int price_dec, int size_dec) noexcept nogil:
    """Bring the bar to finer decimals; False (and the bar unusable) if its prices or sizes do not fit there."""
    cdef int by = price_dec - (bar.scale & 255)
    cdef int size_by = size_dec - (bar.scale >> 8)
    if not (scale_up(bar.open, by, &bar.open) and scale_up(bar.high, by, &bar.high) and scale_up(bar.low, by, &bar.low)
            and scale_up(bar.close, by, &bar.close) and scale_up(bar.volume, size_by, &bar.volume)
            and scale_up(bar.buy, size_by, &bar.buy)):
        return False
    if not scale_up(bar.usd, by + size_by, &bar.usd):
        bar.flags |= B_NO_USD
        bar.usd = 0
    bar.scale = <uint16_t> (price_dec | size_dec << 8)
    bar.usd_dec = <uint8_t> (price_dec + size_dec)
    return True


cdef inline bint add(Bar* bar, const Deal* deal) noexcept nogil:
    """Any trade into any bar of our own. False: it does not fit, the bar is as before but marked inexact."""
    cdef Bar new = bar[0]
    cdef int price_dec = deal.scale & 255
    cdef int size_dec = deal.scale >> 8
    cdef int64_t price = 0
    cdef int64_t size = 0
    cdef int64_t usd = 0
    if deal.inexact:
        bar.flags |= B_INEXACT
        new.flags |= B_INEXACT
    if new.trades == 0:
        # The first trade of an empty bar rewrites all of it, also the scale that it had from the bar before.
        flat(bar, deal.price, deal.scale, new.flags & ~B_NO_USD)
        bar.volume = deal.size
        bar.buy = deal.buy
        bar.first_ns = bar.last_ns = deal.ns
        bar.trades = 1
        if deal.usd_fits:
            bar.usd = deal.usd
        else:
            bar.flags |= B_NO_USD
        return True
    price_dec = max(price_dec, new.scale & 255)
    size_dec = max(size_dec, new.scale >> 8)
    if (new.trades == 0xFFFFFFFFu or not rescale(&new, price_dec, size_dec)
            or not scale_up(deal.price, price_dec - (deal.scale & 255), &price)
            or not scale_up(deal.size, size_dec - (deal.scale >> 8), &size)
            or add_overflows(new.volume, size, &new.volume)):
        bar.flags |= B_INEXACT
        return False
    if deal.buy:
        new.buy += size             # cannot overflow: buy <= volume
    if not new.flags & B_NO_USD and (mul_overflows(price, size, &usd) or add_overflows(new.usd, usd, &new.usd)):
        new.flags |= B_NO_USD
    if new.flags & B_NO_USD:
        new.usd = 0
    new.trades += 1
    new.high = max(new.high, price)
    new.low = min(new.low, price)
    if deal.ns < new.first_ns:
        new.first_ns = deal.ns
        new.open = price
    if deal.ns >= new.last_ns:
        new.last_ns = deal.ns
        new.close = price
    bar[0] = new
    return True


cdef inline void fold_bar(Digest* d, const Bar* b) noexcept nogil:
    fold(d, <uint64_t> b.open, <uint64_t> b.high)
    fold(d, <uint64_t> b.low, <uint64_t> b.close)
    fold(d, <uint64_t> b.volume, <uint64_t> b.buy)
    fold(d, <uint64_t> b.usd, <uint64_t> b.trades << 32 | <uint64_t> b.scale << 8 | b.flags)
