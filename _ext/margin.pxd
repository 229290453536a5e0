# One subaccount's margin, as the chain rounds it: net collateral, requirements, liquidation prices, distances.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from event cimport *
from terms cimport *
from wide cimport *

cdef enum:                  # Account.state
    H_OK = 0
    H_BELOW_INITIAL = 1     # net collateral below the initial margin: nothing may be opened
    H_LIQUIDATABLE = 2
    H_UNKNOWN = 3           # not computable: see trouble

cdef enum:
    FAR = 1000000000        # a distance where there is nothing to come near to

cdef extern from *:
    """
    #define SNIPER_ROOT_OF_60 7.745966692414834
    #define SNIPER_MIX_EACH 0x9E3779B97F4A7C15ull
    """
    const double HOUR "SNIPER_ROOT_OF_60"       # volatility of an hour, in that of a minute
    const uint64_t MIX "SNIPER_MIX_EACH"

# One open position (Liquidation.positions). Amounts in QQ. Distances: negative where already beyond.
cdef struct Position:
    int64_t size            # BQ, signed
    int64_t notional        # signed
    int64_t initial         # margin required
    int64_t maintenance
    double liquidation_price        # USD; 0: none
    double distance_percent         # the way to it, of the oracle price
    double distance_usd
    double distance_sigmas          # of one hour; 0: volatility not known
    double distance_minutes         # at the market's drift; FAR if it leads away
    double cut                      # of the notional, below one QQ
    uint32_t market
    uint32_t custom_imf             # ppm, 0: none

# One subaccount (Liquidation.accounts). Amounts in QQ.
cdef struct Account:
    int64_t usdc
    int64_t unsettled       # funding that is due but not yet in usdc
    int64_t net             # net collateral
    int64_t initial         # margin requirements
    int64_t maintenance
    int64_t free            # net - initial
    int64_t gross           # sum of |notional|
    double leverage         # gross / net
    double usage            # initial / net
    double danger           # maintenance / net: liquidation above 1
    double factor           # liquidation if all oracle prices are multiplied by this; 0: none
    double distance_percent         # the least of the positions
    double distance_sigmas
    double distance_minutes
    uint32_t positions
    uint16_t saturated      # sizes and balances that were too large to keep
    uint8_t state
    uint8_t trouble         # why it is not computable


cdef inline bint quick(Account* a, Position* rows, const Terms* terms) noexcept nogil:
    """Notionals and requirements in 64 bits. 0, and nothing decided, where a position is too large for that.

    The quotient comes from a product of doubles that is at most one off while it is below QUICK, and is put right by
    its remainder, which is exact modulo 2 ** 64.
    """
    cdef int64_t net = a.usdc + a.unsettled
    cdef uint64_t initial = 0
    cdef uint64_t maintenance = 0
    cdef uint64_t gross = 0
    cdef uint64_t size, n, required, imf
    cdef int64_t rest, low, high, sign
    cdef double guess
    cdef uint32_t i
    cdef Position* p
    cdef const Terms* t
    for i in range(a.positions):
        p = &rows[i]
        t = &terms[p.market]
        sign = p.size >> 63
        size = <uint64_t> ((p.size ^ sign) - sign)
        guess = <double> <int64_t> size * t.quick_price
        if unlikely(not guess < <double> (QUICK - 1)):
            return 0
        n = <uint64_t> <int64_t> guess
        rest = <int64_t> (size * <uint64_t> t.quick_num - n * <uint64_t> t.unit)
        low = rest >> 63
        rest += t.unit & low
        high = -<int64_t> (rest >= t.unit)
        rest -= t.unit & high
        n += <uint64_t> (low - high)
        required = (n * t.base + (MILLION - 1)) // MILLION
        imf = p.custom_imf if p.custom_imf > t.imf else t.imf
        p.initial = <int64_t> ((n * imf + (MILLION - 1)) // MILLION)
        p.maintenance = <int64_t> ((required * t.fraction + (MILLION - 1)) // MILLION)
        p.notional = (<int64_t> n ^ sign) - sign
        p.cut = <double> ((rest ^ sign) - sign) * t.unit_inverse
        initial += <uint64_t> p.initial
        maintenance += <uint64_t> p.maintenance
        gross += n
        net += p.notional
    a.net = net
    a.initial = <int64_t> initial
    a.maintenance = <int64_t> maintenance
    a.gross = <int64_t> gross
    return 1


cdef inline uint8_t one_position(int64_t size, uint32_t custom, const Terms* t, uint32_t imf,
                                 wide* notional, wide* initial, wide* maintenance) noexcept nogil:
    """Notional (signed), IMR and MMR of a position of any size. Returns what is wrong with it, 0: nothing."""
    cdef int bad = 0
    cdef wide n
    if t.trouble:
        return <uint8_t> t.trouble
    n = scaled(times(size, t.num, &bad), t.exponent, &bad)
    notional[0] = n
    if n < 0:
        n = -n
    initial[0] = share(n, custom if custom > imf else imf)
    maintenance[0] = share(share(n, t.base), t.fraction)
    return TOO_LARGE if bad else 0


cdef inline void thorough(Account* a, Position* rows, const Terms* terms) noexcept nogil:
    """The same in 128 bits; finds out what is not computable, and sets it to 0."""
    cdef wide net = plus(a.usdc, a.unsettled)
    cdef wide initial = 0
    cdef wide maintenance = 0
    cdef wide gross = 0
    cdef wide n, im, mm
    cdef uint8_t trouble
    cdef int bad = 0
    cdef uint32_t i
    cdef Position* p
    cdef const Terms* t
    for i in range(a.positions):
        p = &rows[i]
        t = &terms[p.market]
        n = im = mm = 0
        trouble = one_position(p.size, p.custom_imf, t, t.imf, &n, &im, &mm)
        if trouble or beyond(n, EXACT_MAX):
            a.trouble |= trouble if trouble else TOO_LARGE
            n = im = mm = 0
        p.notional = <int64_t> n
        p.initial = <int64_t> im
        p.maintenance = <int64_t> mm
        p.cut = cut(times(p.size, t.num, &bad), t.exponent)
        net = plus(net, n)
        initial = plus(initial, im)
        maintenance = plus(maintenance, mm)
        if n < 0:
            n = -n
        gross = plus(gross, n)
    if a.saturated or beyond(net, EXACT_MAX) or beyond(gross, EXACT_MAX):
        a.trouble |= TOO_LARGE
    if a.trouble:
        return
    a.net = <int64_t> net
    a.initial = <int64_t> initial
    a.maintenance = <int64_t> maintenance
    a.gross = <int64_t> gross


cdef inline double over(int64_t part, int64_t net) noexcept nogil:
    """part / net; FAR where there is a part but nothing to bear it."""
    if net > 0:
        return <double> part / <double> net
    return <double> FAR if part else 0.0


cdef inline void liquidation_prices(const Account* a, Position* rows, const Terms* terms, uint64_t* mark) noexcept nogil:
    """p' = (E - s p - M_o) / (|s| m - s) of every position (margin.md 5), and the way there from the oracle price.

    The excess of the numerator is exact to the fraction of a QQ before it becomes a double.
    """
    cdef int64_t spare = a.net - a.maintenance
    cdef uint64_t sum = 0
    cdef uint64_t bits
    cdef double excess, price, way
    cdef uint32_t i
    cdef Position* p
    cdef const Terms* t
    for i in range(a.positions):
        p = &rows[i]
        t = &terms[p.market]
        excess = <double> (spare - p.notional + p.maintenance) - p.cut
        price = excess / <double> p.size * (t.long_scale if p.size > 0 else -t.short_scale)
        if not price > 0.0:
            price = 0.0
        way = t.price_usd - price if p.size > 0 else price - t.price_usd
        p.liquidation_price = price
        p.distance_usd = way if price > 0.0 else <double> FAR
        p.distance_percent = way * t.price_inverse * 100.0 if price > 0.0 else <double> FAR
        memcpy(&bits, &price, sizeof(uint64_t))
        sum += (bits ^ <uint64_t> p.size) * (2 * <uint64_t> p.market + MIX)
    mark[0] = sum


cdef inline void distances(Account* a, Position* rows, const double* sigmas, const double* drifts) noexcept nogil:
    """Sigmas and minutes of every position, and the account's least distances. 0 where nothing is known."""
    cdef double nothing = 0.0 if a.state == H_UNKNOWN else <double> FAR
    cdef double percent = nothing
    cdef double least = nothing
    cdef double soonest = nothing
    cdef double way, v
    cdef uint32_t i
    cdef Position* p
    for i in range(a.positions):
        p = &rows[i]
        p.distance_sigmas = nothing
        p.distance_minutes = nothing
        if p.liquidation_price > 0.0:
            way = p.distance_percent * 0.01
            v = sigmas[p.market] * HOUR if sigmas != NULL else 0.0
            p.distance_sigmas = way / v if v > 0.0 else 0.0
            v = drifts[p.market] if drifts != NULL else 0.0
            if p.size > 0:
                v = -v
            if way <= 0.0:
                p.distance_minutes = 0.0
            elif v > 0.0 and way < v * FAR:
                p.distance_minutes = way / v
            percent = min(percent, p.distance_percent)
        least = min(least, p.distance_sigmas)
        soonest = min(soonest, p.distance_minutes)
    a.distance_percent = percent
    a.distance_sigmas = least
    a.distance_minutes = soonest


cdef inline void measure(Account* a, Position* rows, const Terms* terms, uint64_t* mark) noexcept nogil:
    """Everything of one account but sigmas and minutes. mark: the liquidation prices in one word, for the digest."""
    cdef double spare
    cdef int64_t sum
    cdef uint32_t i
    a.trouble = 0
    mark[0] = 0
    if a.saturated or not quick(a, rows, terms):
        thorough(a, rows, terms)
    if a.trouble:
        a.net = a.initial = a.maintenance = a.free = a.gross = 0
        a.leverage = a.usage = a.danger = a.factor = 0.0
        a.state = H_UNKNOWN
        for i in range(a.positions):
            rows[i].liquidation_price = 0.0
            rows[i].distance_percent = 0.0
            rows[i].distance_usd = 0.0
        return
    a.free = a.net - a.initial
    a.leverage = over(a.gross, a.net)
    a.usage = over(a.initial, a.net)
    a.danger = over(a.maintenance, a.net)
    sum = a.net - a.usdc - a.unsettled
    spare = <double> (a.maintenance - sum)
    a.factor = <double> (a.usdc + a.unsettled) / spare if spare != 0.0 else 0.0
    if not a.factor > 0.0:
        a.factor = 0.0
    a.state = H_LIQUIDATABLE if 0 < a.maintenance and a.net < a.maintenance else H_BELOW_INITIAL if a.free < 0 else H_OK
    liquidation_prices(a, rows, terms, mark)
