# The chain's acceptance test for a fill (margin.md 3), and the largest order that passes it.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from event cimport *
from margin cimport *
from terms cimport *
from wide cimport *

cdef enum:                  # what the acceptance test found; the first two let the fill through
    A_INITIAL = 0           # net collateral covers the initial margin
    A_NOT_RISKIER = 1       # it does not, but nothing got worse
    A_NEWLY_UNDER = 2
    A_STILL_UNDER = 3
    A_UNKNOWN = 4           # not computable

cdef enum:
    BUYING = 0
    NEAR = 64               # steps searched by hand around a boundary, where rounding may let one more through
    NOISE = 8               # QQ that the roundings of one test may add up to

# An account and one market of it, before a fill; and the order.
cdef struct Order:
    const Terms* terms
    const Account* account
    int64_t size            # of the position before
    wide notional
    wide initial
    wide maintenance
    int64_t ticks
    int64_t fee_ppm
    uint32_t custom
    uint8_t side

# The account after a fill.
cdef struct After:
    wide net
    wide initial
    wide maintenance
    int bad


cdef inline wide fill_quote(const Terms* t, int64_t size, int64_t ticks, int* bad) noexcept nogil:
    """QQ of a fill: size x subticks x 10 ** exponent, toward zero (margin.md 1)."""
    return scaled(times(times(ticks, t.subticks, bad), size, bad), <int> t.quantum_exponent, bad)


cdef inline int64_t opening(const Order* o, int64_t size) noexcept nogil:
    """How much of a fill opens: the most by which it can raise the open interest, whoever is on the other side."""
    cdef int64_t against = o.size if o.side != BUYING else -o.size
    if against <= 0:
        return size
    return size - against if size > against else 0


cdef inline After after(const Order* o, int64_t size, int64_t interest_change) noexcept nogil:
    """The account after a fill of `size` BQ, its fee included."""
    cdef After r
    cdef const Terms* t = o.terms
    cdef wide quote, n, im, mm
    cdef uint32_t imf = t.imf
    cdef int64_t held = o.size
    r.bad = 0
    quote = fill_quote(t, size, o.ticks, &r.bad)
    n = im = mm = 0
    if t.upper != 0 and interest_change:
        imf = effective(t, interest_value(t, interest_change, MILLION, &r.bad))
    held += size if o.side == BUYING else -size
    r.bad |= one_position(held, o.custom, t, imf, &n, &im, &mm)
    r.net = plus(minus(plus(o.account.net, n), o.notional), -fee_of(quote, o.fee_ppm, &r.bad))
    if o.side == BUYING:
        quote = -quote
    r.net = plus(r.net, quote)
    r.initial = plus(minus(o.account.initial, o.initial), im)
    r.maintenance = plus(minus(o.account.maintenance, o.maintenance), mm)
    r.bad |= beyond(r.net, EXACT_MAX) or beyond(r.initial, EXACT_MAX)
    return r


cdef inline int judged(const Order* o, const After* r) noexcept nogil:
    """A_INITIAL .. A_UNKNOWN."""
    cdef const Account* a = o.account
    cdef int refusal = A_STILL_UNDER if a.net < a.initial else A_NEWLY_UNDER
    cdef int bad = 0
    if r.bad:
        return A_UNKNOWN
    if r.net >= r.initial:
        return A_INITIAL
    if r.maintenance > a.maintenance:
        return refusal
    if r.maintenance == 0 or a.maintenance == 0:
        return A_NOT_RISKIER if r.maintenance == a.maintenance and r.net > a.net else refusal
    if times(r.net, a.maintenance, &bad) >= times(a.net, r.maintenance, &bad) and not bad:
        return A_NOT_RISKIER
    return refusal


cdef inline bint passes(const Order* o, int64_t steps, bint initial_only, wide* room) noexcept nogil:
    """Whether so many steps pass. room: net collateral above the initial margin after them."""
    cdef After r
    cdef int found
    cdef int64_t size = steps * o.terms.step
    r = after(o, size, opening(o, size))
    room[0] = minus(r.net, r.initial)
    if r.bad:
        room[0] = -EXACT_MAX
    found = judged(o, &r)
    return found == A_INITIAL or found == A_NOT_RISKIER and not initial_only


cdef inline int64_t last_passing(const Order* o, int64_t low, int64_t high, bint initial_only) noexcept nogil:
    """The last step count of [low, high] that passes, where low passes and high does not.

    Found by the line through both ends, every third time by halves. Then some steps more by hand: roundings may
    refuse one step and let the next one through.
    """
    cdef wide room, room_low, room_high
    cdef int64_t middle, i
    cdef int turn = 0
    passes(o, low, initial_only, &room_low)
    passes(o, high, initial_only, &room_high)
    while high - low > 1:
        middle = low + ((high - low) >> 1)
        if turn < 2 and room_low >= 0 and room_high < 0:
            middle = low + turn
            middle += <int64_t> (<double> (high - low) * (<double> room_low / (<double> room_low - <double> room_high)))
            middle = min(max(middle, low + 1), high - 1)
        turn = 0 if turn == 2 else turn + 1
        if passes(o, middle, initial_only, &room):
            low = middle
            room_low = room
        else:
            high = middle
            room_high = room
    for i in range(low + 1, low + NEAR):
        if passes(o, i, initial_only, &room):
            low = i
        elif initial_only and room < -NOISE:
            break
    return low


cdef inline int64_t highest(const Order* o, int64_t low, int64_t high) noexcept nogil:
    """Where in [low, high] the room is largest, if it rises and then falls."""
    cdef wide room, next_room
    cdef int64_t middle
    while low < high:
        middle = low + ((high - low) >> 1)
        passes(o, middle, 1, &room)
        passes(o, middle + 1, 1, &next_room)
        if next_room > room:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline int64_t within(const Order* o, int64_t low, int64_t high, bint initial_only) noexcept nogil:
    """The most steps of [low, high] that pass, 0 if none. The room may rise and then fall there, not otherwise."""
    cdef wide room
    cdef int64_t top = low
    if low > high:
        return 0
    if passes(o, high, initial_only, &room):
        return high
    if not passes(o, low, initial_only, &room):
        if not initial_only:
            return 0
        top = highest(o, low, high)
        if not passes(o, top, 1, &room):
            return 0
    return last_passing(o, top, high, initial_only)


cdef inline bint interest_above(const Terms* t, int64_t steps, wide limit) noexcept nogil:
    cdef int bad = 0
    return interest_value(t, steps * t.step, MILLION, &bad) > limit or bad


cdef inline int64_t steps_above(const Terms* t, wide limit) noexcept nogil:
    """The first number of steps, from 1 on, that lifts the open interest above `limit` QQ; at most EXACT_MAX / step."""
    cdef double guess = <double> limit - <double> t.interest_quote
    cdef int64_t low = 0
    cdef int64_t high = EXACT_MAX / t.step
    cdef int64_t middle
    if interest_above(t, 1, limit):
        return 1
    guess /= <double> t.step * t.price_usd * ten_to(t.atomic + 6)
    if 0.0 < guess < 0.25 * <double> high:
        middle = <int64_t> (guess * 1.000001) + 2
        if interest_above(t, middle, limit):
            high = middle
        middle = <int64_t> (guess * 0.999999) - 2
        if middle > 0 and not interest_above(t, middle, limit):
            low = middle
    while high - low > 1:
        middle = low + ((high - low) >> 1)
        if interest_above(t, middle, limit):
            high = middle
        else:
            low = middle
    return high


cdef inline int64_t most(const Order* o) noexcept nogil:
    """The most steps that pass the acceptance test, 0: none.

    The room is a sum of straight pieces and one bent by the scaling of open interest. It is searched piece by piece
    from the largest sizes down; their borders are the close of what is held, the lower and the upper cap. What
    passes as "not riskier" cannot leave more than is held now, so twice that is its bound.
    """
    cdef const Terms* t = o.terms
    cdef int64_t against = o.size if o.side != BUYING else -o.size
    cdef int64_t close = max(against, 0) // t.step
    cdef int64_t top = EXACT_MAX / t.step
    cdef int64_t twice = 2 * close
    cdef int64_t lower = top
    cdef int64_t upper = top
    cdef int64_t found, mild
    cdef wide room
    if against < 0:
        top += against // t.step
    if t.upper != 0:
        lower = min(top, close + steps_above(t, t.lower))
        upper = min(top, close + steps_above(t, minus(t.upper, 1)))
        upper = max(lower, upper)
    found = within(o, upper, top, 1)
    if not found:
        found = within(o, lower, upper - 1, 1)
    if not found:
        found = within(o, close + 1, lower - 1, 1)
    if not found:
        found = within(o, 1, close, 1)
    if found < twice:
        mild = within(o, close + 1, twice, 0)
        if not mild:
            mild = within(o, 1, close, 0)
        found = max(found, mild)
    # what is worth less than a quantum costs nothing
    mild = 1
    while found + mild < top and passes(o, found + mild, 0, &room):
        found += mild
        mild *= 2
    return last_passing(o, found, found + mild, 0) if mild > 1 else found
