# The margin terms of a market: what its row of the market table means for a position, as whole numbers.

from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memset

from event cimport *
from wide cimport *

cdef enum:
    MILLION = 1000000
    ATOMIC_MAX = 30

cdef extern from *:
    """
    static const int64_t SNIPER_QUICK = (int64_t)1 << 44, SNIPER_EXACT_MAX = (int64_t)1 << 61;
    """
    const int64_t QUICK "SNIPER_QUICK"          # |notional| below this takes the quick way: times 10 ** 6 it fits 64 bits
    const int64_t EXACT_MAX "SNIPER_EXACT_MAX"  # no amount beyond this is taken for exact

# Why a market's positions cannot be valued, or an account not be computed (bits).
cdef enum:
    NO_ORACLE = 1
    NO_PARAMETERS = 2       # a parameter that is missing or impossible
    NO_INTEREST = 4         # open interest is scaled, but the open interest or a cap is not known
    TOO_LARGE = 8           # beyond what the kernel holds exactly

cdef enum:                  # fields that a market cannot be without
    VITAL = 1 << F_IMF | 1 << F_MMF | 1 << F_ATOMIC_RESOLUTION
    RELEVANT = (1 << F_ORACLE | 1 << F_IMF | 1 << F_MMF | 1 << F_ATOMIC_RESOLUTION | 1 << F_OPEN_INTEREST | 1 << F_OI_LOWER
                | 1 << F_OI_UPPER | 1 << F_QUANTUM_EXPONENT | 1 << F_STEP_QUANTUMS | 1 << F_SUBTICKS_PER_TICK)
    TRADED = 1 << F_QUANTUM_EXPONENT | 1 << F_STEP_QUANTUMS | 1 << F_SUBTICKS_PER_TICK

cdef struct Terms:
    # what the quick way reads
    double quick_price      # QQ a BQ, nearly; infinite where the quick way will not do
    double unit_inverse
    int64_t quick_num       # the notional of q BQ is q * quick_num / unit
    int64_t unit
    double long_scale       # liquidation price of a long = excess QQ / size BQ * long_scale
    double short_scale
    double price_usd
    double price_inverse
    uint32_t imf            # effective initial margin, ppm
    uint32_t base           # initial margin without scaling, ppm
    uint32_t fraction       # maintenance margin as ppm of the base one
    uint32_t trouble
    # the exact price: num * 10 ** exponent QQ a BQ
    int64_t num
    int32_t exponent
    int32_t asked           # somebody holds or asked for it: kept up to date
    int32_t atomic
    int32_t tradable        # step, subticks and exponent are known
    int64_t maintenance     # maintenance margin fraction = maintenance * 10 ** -maintenance_dec
    int64_t maintenance_dec
    int64_t interest        # open interest = interest * 10 ** -interest_dec coins
    int64_t interest_dec
    wide interest_quote     # at the oracle price, QQ
    wide lower              # caps, QQ; upper 0: no scaling
    wide upper
    int64_t step
    int64_t subticks        # a tick
    int64_t quantum_exponent


cdef inline uint32_t effective(const Terms* t, wide interest_quote) noexcept nogil:
    """Initial margin in ppm at this open interest (margin.md 3)."""
    cdef wide part
    cdef int bad = 0
    if t.upper == 0 or interest_quote <= t.lower:
        return t.base
    if interest_quote >= t.upper:
        return MILLION
    part = times(minus(interest_quote, t.lower), MILLION - t.base, &bad)
    return t.base + <uint32_t> (part / minus(t.upper, t.lower))


cdef inline wide interest_value(const Terms* t, int64_t change, int64_t move_ppm, int* bad) noexcept nogil:
    """Open interest in QQ: trunc((coins + change BQ) * oracle price * 10 ** 6), the price times move_ppm / 10 ** 6."""
    cdef wide v = t.interest
    cdef int decimals = <int> t.interest_dec
    if change:
        if decimals < -t.atomic:
            v = scaled(v, -t.atomic - decimals, bad)
            decimals = -t.atomic
        v = plus(v, scaled(change, decimals + t.atomic, bad))
        if v < 0:
            v = 0
    v = times(v, t.num, bad)
    # the price in USD has exponent - atomic - 6 as its power of ten
    decimals -= t.exponent - t.atomic - 6
    if move_ppm != MILLION:
        v = times(v, move_ppm, bad)
        decimals += 6
    return scaled(v, 6 - decimals, bad)


cdef inline wide index_rise(const Terms* t, int64_t rate8h_ppm, int* bad) noexcept nogil:
    """By how much the funding index rises at the hour (funding.md 1)."""
    return scaled(times(times(3600, rate8h_ppm, bad), t.num, bad), t.exponent, bad) / 28800


cdef inline void strip(int64_t* num, int64_t* dec) noexcept nogil:
    while num[0] and num[0] % 10 == 0:
        num[0] = num[0] // 10
        dec[0] -= 1


cdef inline void price_terms(const Market* m, Terms* t) noexcept nogil:
    """The oracle price as the quick way and the exact way need it."""
    cdef int64_t num = m.num[F_ORACLE]
    cdef int64_t dec = m.dec[F_ORACLE]
    cdef int bad = 0
    cdef wide v
    if not m.known >> F_ORACLE & 1 or num <= 0 or dec > 40:
        t.trouble |= NO_ORACLE
        return
    strip(&num, &dec)
    t.num = num
    t.exponent = <int32_t> (t.atomic + 6 - dec)
    t.price_usd = <double> num / ten_to(<int> dec) if dec >= 0 else <double> num * ten_to(<int> -dec)
    t.price_inverse = 1.0 / t.price_usd
    if t.exponent >= 0:
        v = scaled(num, t.exponent, &bad)
        if bad or beyond(v, 2 * EXACT_MAX):
            return
        t.quick_num = <int64_t> v
        t.unit = 1
    elif t.exponent >= -18:
        t.quick_num = num
        t.unit = TENS[-t.exponent]
    else:
        return
    t.unit_inverse = 1.0 / <double> t.unit
    t.quick_price = <double> t.quick_num / <double> t.unit


cdef inline void margin_terms(const Market* m, Terms* t) noexcept nogil:
    """Base margin, maintenance fraction = floor(MMF / IMF * 10 ** 6), and the scales of the liquidation price."""
    cdef int64_t num = m.num[F_IMF]
    cdef int64_t dec = m.dec[F_IMF]
    cdef int bad = 0
    cdef wide v, over
    cdef double scale
    t.maintenance = m.num[F_MMF]
    t.maintenance_dec = m.dec[F_MMF]
    if (m.known & VITAL) != VITAL or num < 0 or t.maintenance < 0 or dec > 18 or t.maintenance_dec > 18:
        t.trouble |= NO_PARAMETERS
        return
    strip(&num, &dec)
    strip(&t.maintenance, &t.maintenance_dec)
    v = scaled(num, 6 - <int> dec, &bad)
    if bad or v > MILLION or num == 0 and t.maintenance:
        t.trouble |= NO_PARAMETERS
        return
    t.base = <uint32_t> v
    if num:
        v = t.maintenance
        over = num
        if 6 + dec >= t.maintenance_dec:
            v = scaled(v, <int> (6 + dec - t.maintenance_dec), &bad)
        else:
            over = scaled(over, <int> (t.maintenance_dec - 6 - dec), &bad)
        if not bad:
            v = v / over
        if bad or v > MILLION:
            t.trouble |= NO_PARAMETERS
            return
        t.fraction = <uint32_t> v
    scale = ten_to(-6 - t.atomic)
    if t.maintenance_dec >= 0:
        v = scaled(1, <int> t.maintenance_dec, &bad)
        over = minus(v, t.maintenance)
        if over < 0:
            t.trouble |= NO_PARAMETERS
        if over > 0:
            t.long_scale = -scale * (<double> v / <double> over)
        t.short_scale = scale / ((<double> v + <double> t.maintenance) / <double> v)


cdef inline void interest_terms(const Market* m, Terms* t) noexcept nogil:
    """Caps and open interest, and the effective initial margin."""
    cdef int bad = 0
    cdef int f
    t.imf = t.base
    for f in range(F_OI_LOWER, F_OI_UPPER + 1):
        if m.known >> f & 1 and m.num[f] < 0:
            t.trouble |= NO_INTEREST
    if m.known >> F_OI_LOWER & 1:
        t.lower = scaled(m.num[F_OI_LOWER], 6 - <int> m.dec[F_OI_LOWER], &bad)
    if m.known >> F_OI_UPPER & 1:
        t.upper = scaled(m.num[F_OI_UPPER], 6 - <int> m.dec[F_OI_UPPER], &bad)
    if bad:
        t.trouble |= NO_INTEREST
    if m.known >> F_OPEN_INTEREST & 1:
        t.interest = m.num[F_OPEN_INTEREST]
        t.interest_dec = m.dec[F_OPEN_INTEREST]
    if t.upper == 0 or t.trouble:
        return
    if not m.known >> F_OPEN_INTEREST & 1 or t.interest < 0:
        t.trouble |= NO_INTEREST
        return
    t.interest_quote = interest_value(t, 0, MILLION, &bad)
    # beyond 128 bits it is above any cap
    t.imf = MILLION if bad else effective(t, t.interest_quote)


cdef inline bint derive(const Market* m, Terms* t) noexcept nogil:
    """Read a row of the market table into `t`. Returns whether positions are worth something else now."""
    cdef Terms old = t[0]
    memset(t, 0, sizeof(Terms))
    t.asked = 1
    t.quick_price = INFINITY
    if m.known >> F_ATOMIC_RESOLUTION & 1 and -ATOMIC_MAX <= m.whole[F_ATOMIC_RESOLUTION - F_CLOB_PAIR] <= ATOMIC_MAX:
        t.atomic = <int32_t> m.whole[F_ATOMIC_RESOLUTION - F_CLOB_PAIR]
    else:
        t.trouble |= NO_PARAMETERS
    price_terms(m, t)
    margin_terms(m, t)
    interest_terms(m, t)
    if t.trouble:
        t.quick_price = INFINITY
    if (m.known & TRADED) == TRADED:
        t.step = m.whole[F_STEP_QUANTUMS - F_CLOB_PAIR]
        t.subticks = m.whole[F_SUBTICKS_PER_TICK - F_CLOB_PAIR]
        t.quantum_exponent = m.whole[F_QUANTUM_EXPONENT - F_CLOB_PAIR]
        t.tradable = t.step > 0 and t.subticks > 0 and -ATOMIC_MAX <= t.quantum_exponent <= ATOMIC_MAX
    return (not old.asked or old.num != t.num or old.exponent != t.exponent or old.imf != t.imf or old.base != t.base
            or old.fraction != t.fraction or old.trouble != t.trouble or old.maintenance != t.maintenance
            or old.maintenance_dec != t.maintenance_dec)
