# What if: an account at other prices, one scenario or thousands; and what it costs to close it now.

from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from acceptance cimport fill_quote
from event cimport *
from margin cimport *
from terms cimport *
from wide cimport *

# One position as the scenario grid needs it, for prices in parts per million of the oracle's.
cdef struct Column:
    double value            # |notional| a ppm of the price; infinite where the quick way will not do
    uint64_t product        # size * quick_num, modulo 2 ** 64
    int64_t unit            # times a million
    int64_t sign            # 0 long, -1 short
    uint64_t base
    uint64_t fraction

# What closing one position now would bring (Liquidation.closing). Amounts in QQ.
cdef struct Closing:
    uint32_t market
    uint32_t reserved
    int64_t quote           # received; negative: paid
    int64_t fee
    int64_t cost            # worth at the oracle price - quote + fee: what closing costs
    int64_t left            # BQ of the position that the levels do not take, signed


cdef inline void prepare(Column* c, const Position* p, const Terms* t) noexcept nogil:
    cdef uint64_t size = <uint64_t> p.size
    c.sign = p.size >> 63
    size = (size ^ <uint64_t> c.sign) - <uint64_t> c.sign
    c.base = t.base
    c.fraction = t.fraction
    c.product = size * <uint64_t> t.quick_num
    c.unit = MILLION
    c.value = INFINITY
    if t.unit and t.unit <= TENS[12]:
        c.unit = t.unit * MILLION
        c.value = <double> <int64_t> size * t.quick_price * 1e-6


cdef inline bint quick_scenario(const Column* columns, uint32_t count, const int32_t* moves,
                                int64_t* net, int64_t* maintenance) noexcept nogil:
    """Adds up one scenario in 64 bits, as `quick` does. 0 where a position is too large for that."""
    cdef int64_t sum = 0
    cdef uint64_t required = 0
    cdef uint64_t n
    cdef int64_t rest, low, high, price
    cdef double guess
    cdef uint32_t i
    cdef const Column* c
    for i in range(count):
        c = &columns[i]
        price = MILLION + <int64_t> moves[i]
        guess = c.value * <double> price
        if unlikely(price < 0 or not guess < <double> (QUICK - 1)):
            return 0
        n = <uint64_t> <int64_t> guess
        rest = <int64_t> (c.product * <uint64_t> price - n * <uint64_t> c.unit)
        low = rest >> 63
        rest += c.unit & low
        high = -<int64_t> (rest >= c.unit)
        n += <uint64_t> (low - high)
        required += (((n * c.base + (MILLION - 1)) // MILLION) * c.fraction + (MILLION - 1)) // MILLION
        sum += (<int64_t> n ^ c.sign) - c.sign
    net[0] += sum
    maintenance[0] = <int64_t> required
    return 1


cdef inline wide moved(const Position* p, const Terms* t, int64_t price, int* bad) noexcept nogil:
    """Notional with the oracle price times price / 10 ** 6."""
    return scaled(times(times(p.size, t.num, bad), price, bad), t.exponent - 6, bad)


cdef inline bint thorough_scenario(const Account* a, const Position* rows, const Terms* terms, const int32_t* moves,
                                   bint by_market, int64_t* net, int64_t* maintenance, int64_t* initial) noexcept nogil:
    """The same in 128 bits, with initial margin. moves: a position, or a market if by_market. 0: not computable."""
    cdef wide total = plus(a.usdc, a.unsettled)
    cdef wide required = 0
    cdef wide opening = 0
    cdef wide n
    cdef int bad = 0
    cdef int64_t price
    cdef uint32_t i, imf
    cdef const Position* p
    cdef const Terms* t
    for i in range(a.positions):
        p = &rows[i]
        t = &terms[p.market]
        price = MILLION + <int64_t> moves[p.market if by_market else i]
        if price < 0:
            return 0
        n = moved(p, t, price, &bad)
        total = plus(total, n)
        if n < 0:
            n = -n
        imf = t.base
        if t.upper != 0:
            imf = effective(t, interest_value(t, 0, price, &bad))
        opening = plus(opening, share(n, max(imf, p.custom_imf)))
        required = plus(required, share(share(n, t.base), t.fraction))
    if bad or beyond(total, EXACT_MAX) or beyond(opening, EXACT_MAX):
        return 0
    net[0] = <int64_t> total
    maintenance[0] = <int64_t> required
    initial[0] = <int64_t> opening
    return 1


cdef inline bint close_out(const Position* p, const Terms* t, const int64_t* levels, int64_t count, int64_t fee_ppm,
                           Closing* out) noexcept nogil:
    """Walk (ticks, steps) levels, best first, until the position is closed. 0: not computable."""
    cdef int64_t left = p.size if p.size > 0 else -p.size
    cdef int64_t i, take
    cdef int bad = 0
    cdef wide quote = 0
    cdef wide fee = 0
    cdef wide worth, one
    for i in range(count):
        if left <= 0:
            break
        if levels[2 * i] <= 0 or levels[2 * i + 1] <= 0:
            return 0
        take = left
        if levels[2 * i + 1] < left // t.step + 1:
            take = min(left, levels[2 * i + 1] * t.step)
        one = fill_quote(t, take, levels[2 * i], &bad)
        quote = plus(quote, one)
        fee = plus(fee, fee_of(one, fee_ppm, &bad))
        left -= take
    if p.size < 0:
        quote = -quote
        left = -left
    worth = minus(p.notional, scaled(times(left, t.num, &bad), t.exponent, &bad))
    one = plus(minus(worth, quote), fee)
    out.market = p.market
    out.reserved = 0
    out.left = left
    out.quote = <int64_t> quote
    out.fee = <int64_t> fee
    out.cost = <int64_t> one
    return not (bad or beyond(quote, EXACT_MAX) or beyond(fee, EXACT_MAX) or beyond(one, EXACT_MAX))
