# What the chain does to a liquidatable account (margin.md 6), in Python's integers: rare, and never too large.

from libc.stdint cimport int64_t, uint64_t

from margin cimport *
from terms cimport *

# The chain's liquidation config (clob.Query/LiquidationsConfiguration). Amounts in QQ.
cdef struct Forced:
    int64_t fee_ppm             # most that the insurance fund takes of a fill
    int64_t adjustment_ppm      # bankruptcy adjustment
    int64_t spread_ppm          # spread to maintenance margin ratio
    int64_t notional_min        # of a position, a block
    int64_t share_ppm           # most of a position, a block
    int64_t account_max         # most notional of an account, a block


cdef inline object power(int64_t n):
    """10 ** n as a Python integer, n >= 0."""
    return <object> 10 ** <object> n


cdef inline object toward_zero(object a, object b):
    """a / b, b > 0."""
    return a // b if a >= 0 else -(-a // b)


cdef inline object upward(object a, object b):
    return -(-a // b)


cdef inline object quote_of(object size, const Terms* t):
    """Notional of `size` BQ, toward zero."""
    cdef object v = size * <object> t.num
    return v * power(t.exponent) if t.exponent >= 0 else toward_zero(v, power(-t.exponent))


cdef inline object maintenance_of(object notional, const Terms* t):
    return upward(upward(abs(notional) * t.base, MILLION) * t.fraction, MILLION)


cdef inline object bankruptcy_quote(const Account* a, const Position* p, const Terms* t, object delta):
    """QQ for which the account gives up `delta` BQ so that its share of equity is gone: -dN - floor(NC |dMMR| / MMR)."""
    cdef object before = quote_of(p.size, t)
    cdef object behind = quote_of(p.size + delta, t)
    cdef object freed = abs(maintenance_of(behind, t) - maintenance_of(before, t))
    return before - behind - <object> a.net * freed // <object> a.maintenance


cdef inline object fillable_ticks(const Account* a, const Position* p, const Terms* t, const Forced* f):
    """(N - ABR SMMR MMR) / q in ticks: up when a long is sold, down when a short is bought back; at least one tick."""
    cdef object whole_rating = <object> a.maintenance * MILLION
    cdef object rating = min(max(<object> f.adjustment_ppm * (<object> a.maintenance - a.net), 0), whole_rating)
    cdef object over = <object> p.notional * whole_rating * MILLION - rating * <object> f.spread_ppm * p.maintenance
    cdef object under = whole_rating * MILLION * <object> p.size
    cdef object subticks, ticks
    cdef bint up = p.size > 0
    if under < 0:
        over, under = -over, -under
    if t.quantum_exponent < 0:
        over *= power(-t.quantum_exponent)
    else:
        under *= power(t.quantum_exponent)
    subticks = upward(over, under) if up else over // under
    ticks = upward(subticks, t.subticks) if up else subticks // t.subticks
    return min(max(ticks, 1), ((1 << 64) - 1) // <object> t.subticks)


cdef inline object forced_size(const Position* p, const Terms* t, const Forced* f, object already):
    """BQ that one block's liquidation order may close. already: notional of this account liquidated in the block."""
    cdef object notional = abs(<object> p.notional)
    cdef object size = abs(<object> p.size)
    cdef object least = min(<object> f.notional_min, notional)
    cdef object room = min(max(least, notional * f.share_ppm // MILLION), max(<object> f.account_max - already, 0))
    cdef object steps
    if notional <= room or size <= t.step:
        return size
    steps = room * power(-t.exponent) // t.num if t.exponent < 0 else room // (<object> t.num * power(t.exponent))
    return min(max(steps // t.step * t.step, t.step), size)
