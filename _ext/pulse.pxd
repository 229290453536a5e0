# What the rows leave behind in one market: flows that fade, the touch, oracle and funding. Used by signals.pyx alone.
#
# Every field has 8 bytes, so that a saved state has no holes.

from libc.stdint cimport int64_t

from decay cimport HALF_16S, HALF_32S, HALF_64S, HALF_128S, UNIT_NS, faded
from event cimport DELEVERAGED, F_FUNDING, F_ORACLE, F_STEP, F_TICK, LIQUIDATED, Event, Market
from indicators cimport RETURNS, decimal, weight
from lent cimport Depth

cdef extern from *:
    """
    #define SNIPER_HOUR_NS 3600000000000LL
    #define SNIPER_MINUTE_NS 60000000000LL
    """
    const int64_t HOUR_NS "SNIPER_HOUR_NS"
    const int64_t MINUTE_NS "SNIPER_MINUTE_NS"

cdef enum:
    SIZES = 16              # trade sizes remembered
    RECURS = 2              # a size recurs if so many of them are equal to it
    HALF_MINUTE_NS = 30_000_000_000

cdef struct Pulse:
    int64_t unit            # when the sums were faded last, in units of UNIT_NS
    double bought           # coins, half-life 32 s
    double sold
    double forced           # coins bought less coins sold by liquidations, half-life 64 s
    double[2] recurring     # coins in trades of a recurring size, bought and sold, half-life 128 s
    double[2] refilled      # coins put back at the touch after trades took them, bids and asks, half-life 128 s
    double[2] taken         # coins that trades took from the level below, half-life 128 s
    int64_t[2] taken_tick
    int64_t[2] touch        # ticks, as of the last look; 0: none
    double[2] touch_coins
    double[SIZES] sizes
    int64_t sizes_n
    double tick             # USD; 0: not known
    double coin_step
    Depth near              # of the uncrossed view
    double micro            # price, 0: none
    double micro_mean       # half-life 16 s
    int64_t micro_unit      # since when
    double oracle           # of the last minute that was sampled
    double oracle_variance  # mean square of the returns a minute
    int64_t oracle_minute
    int64_t oracle_samples
    int64_t funding_known
    double funding          # fraction an hour, as published
    int64_t funding_hour    # to which hour that belongs
    int64_t charged_known
    double charged          # of the hour before, or the last known to have been charged
    int64_t charged_hour


cdef inline double thin(double x) noexcept nogil:
    """Zero instead of what is too small to matter, and slow to reckon with."""
    return x if x > 1e-60 or x < -1e-60 else 0.0


cdef inline void fade(Pulse* p, int64_t now_ns) noexcept nogil:
    """Let the sums fade to the present. Time does not go back."""
    cdef int64_t unit = now_ns // UNIT_NS
    cdef int64_t dt = unit - p.unit
    cdef double f
    cdef int i
    if dt <= 0:
        return
    p.unit = unit
    f = faded(dt, HALF_32S)
    p.bought = thin(p.bought * f)
    p.sold = thin(p.sold * f)
    p.forced = thin(p.forced * faded(dt, HALF_64S))
    f = faded(dt, HALF_128S)
    for i in range(2):
        p.recurring[i] = thin(p.recurring[i] * f)
        p.refilled[i] = thin(p.refilled[i] * f)
        p.taken[i] = thin(p.taken[i] * f)
    p.micro_mean = p.micro + (p.micro_mean - p.micro) * faded(dt, HALF_16S)


cdef inline void grid(Pulse* p, const Market* m) noexcept nogil:
    """Tick and step, as the market table has them. Ticks of another size say nothing about these."""
    cdef double tick = decimal(m.num[F_TICK], m.dec[F_TICK]) if m.known >> F_TICK & 1 else 0.0
    cdef int i
    if tick != p.tick:
        p.tick = tick
        for i in range(2):
            p.taken[i] = 0.0
            p.taken_tick[i] = p.touch[i] = 0
    p.coin_step = decimal(m.num[F_STEP], m.dec[F_STEP]) if m.known >> F_STEP & 1 else 0.0


cdef inline void trade(Pulse* p, const Event* e) noexcept nogil:
    """A trade of now that was not seen before."""
    cdef double coins = decimal(e.size, e.flags >> 16 & 255)
    cdef double price = decimal(e.price, e.flags >> 24)
    cdef int sell = e.side & 1
    cdef int same = 0
    cdef int i
    cdef int64_t tick
    fade(p, e.recv_ns)
    if e.flags & DELEVERAGED or coins <= 0.0:       # settled between accounts, not on the book
        return
    if sell:
        p.sold += coins
    else:
        p.bought += coins
    if e.flags & LIQUIDATED:
        p.forced += -coins if sell else coins
    for i in range(SIZES):
        same += p.sizes[i] == coins
    if same >= RECURS:
        p.recurring[sell] += coins
    p.sizes[p.sizes_n & (SIZES - 1)] = coins
    p.sizes_n += 1
    if p.tick > 0.0 and price < p.tick * 4e18:
        tick = <int64_t> (price / p.tick + 0.5)
        i = 1 - sell                    # a seller takes from the bids
        if tick != p.taken_tick[i]:
            p.taken_tick[i] = tick
            p.taken[i] = 0.0
        p.taken[i] += coins


cdef inline void look(Pulse* p, const Depth* near) noexcept nogil:
    """The book after this tick: did the touch get back what trades had taken from it?"""
    cdef int side
    cdef int64_t tick
    cdef double coins, grown
    p.near = near[0]
    for side in range(2):
        tick = near.ask if side else near.bid
        coins = (near.asks[0] if side else near.bids[0]) * p.coin_step
        if tick != 0 and tick == p.taken_tick[side]:
            if tick == p.touch[side]:
                grown = coins - p.touch_coins[side]
            elif p.touch[side] != 0 and (tick < p.touch[side] if side else tick > p.touch[side]):
                grown = coins           # it was gone and is back
            else:
                grown = 0.0             # it was there, behind a better one
            grown = min(grown, p.taken[side])
            if grown > 0.0:
                p.refilled[side] += grown
                p.taken[side] -= grown
        p.touch[side] = tick
        p.touch_coins[side] = coins


cdef inline void oracle(Pulse* p, double price, int64_t now_ns) noexcept nogil:
    """One sample a minute of the oracle price; a return over several minutes counts as one a minute."""
    cdef int64_t minute = now_ns // MINUTE_NS
    cdef double r
    if price <= 0.0 or minute <= p.oracle_minute:
        return
    if p.oracle > 0.0:
        r = (price - p.oracle) / p.oracle
        r = r * r / (minute - p.oracle_minute)
        p.oracle_samples += 1
        p.oracle_variance += (r - p.oracle_variance) * weight(p.oracle_samples, RETURNS)
    p.oracle = price
    p.oracle_minute = minute


cdef inline int64_t funding_hour(int64_t now_ns) noexcept nogil:
    """The hour that nextFundingRate speaks of: until its first sample at hh:00:30 it is that of the hour before."""
    return (now_ns - HALF_MINUTE_NS) // HOUR_NS


cdef inline void funding(Pulse* p, double rate, int64_t now_ns) noexcept nogil:
    """nextFundingRate was published."""
    cdef int64_t hour = funding_hour(now_ns)
    if p.funding_known and hour > p.funding_hour and p.funding_hour > p.charged_hour:    # history knows better
        p.charged_known = 1
        p.charged = p.funding
        p.charged_hour = p.funding_hour
    p.funding_known = 1
    p.funding = rate
    p.funding_hour = hour


cdef inline void charged(Pulse* p, double rate, int64_t effective_ns) noexcept nogil:
    """A rate that was charged, from the history: at effective_ns, for the hour before that."""
    cdef int64_t hour = effective_ns // HOUR_NS - 1
    if not p.charged_known or hour >= p.charged_hour:
        p.charged_known = 1
        p.charged = rate
        p.charged_hour = hour


cdef inline double funding_expected(const Pulse* p, int64_t now_ns) noexcept nogil:
    """What will be charged at the hour: the samples so far, one a minute, and for those to come the last rate charged."""
    cdef int64_t hour = funding_hour(now_ns)
    cdef double part
    if hour > p.funding_hour or not p.charged_known:
        return p.funding
    part = <double> ((now_ns - HALF_MINUTE_NS - hour * HOUR_NS) // MINUTE_NS + 1) / 60.0
    return part * p.funding + (1.0 - part) * p.charged
