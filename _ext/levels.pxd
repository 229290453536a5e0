# One side of one book: sizes indexed by tick in a window round the touch, the rest in a sorted list.
#
# The window is 4,096 ticks: one bitmap word for 64 ticks and one summary word for 64 words, so the best level is
# two bit scans away. A place in it counts from the better end: asks upwards, bids downwards (`flip` turns the index
# of a tick into that), so that both sides are one and the same code. Levels outside it (the deep book, ghosts far
# above) live in `far`, ascending by tick.

from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove, memset

from event cimport likely, unlikely

cdef extern from *:
    """
    #define SNIPER_CTZ(x) __builtin_ctzll(x)
    #define SNIPER_TOP(x) (63 - __builtin_clzll(x))
    """
    int ctz "SNIPER_CTZ"(uint64_t x) nogil
    int top_bit "SNIPER_TOP"(uint64_t x) nogil

cdef enum:
    WINDOW = 4096
    FAR_MAX = 8192      # far levels of one side; beyond it the farthest goes

cdef struct Level:
    int64_t size        # steps, 0: no such level
    int64_t stamp       # the market's update counter when it was set

cdef struct FarLevel:
    int64_t tick
    int64_t size
    int64_t stamp

cdef struct Side:
    uint64_t flip       # index of a tick ^ flip = its place: WINDOW - 1 for bids, 0 for asks
    int64_t count
    uint64_t summary
    uint64_t[64] bits
    FarLevel* far
    int far_n
    int far_room
    Level[WINDOW] window


cdef inline int far_at(const Side* s, int64_t tick) noexcept nogil:
    """Index of the first far level at or above `tick`."""
    cdef int low = 0
    cdef int high = s.far_n
    cdef int mid
    while low < high:
        mid = (low + high) >> 1
        if s.far[mid].tick < tick:
            low = mid + 1
        else:
            high = mid
    return low


cdef inline int place_from(const Side* s, int i) noexcept nogil:
    """The first level at place i (0..WINDOW - 1) or behind it, -1 if none."""
    cdef int word = i >> 6
    cdef uint64_t w = s.bits[word] & (~<uint64_t> 0 << (i & 63))
    if w == 0:
        w = s.summary & (~<uint64_t> 1 << word)
        if w == 0:
            return -1
        word = ctz(w)
        w = s.bits[word]
    return word * 64 + ctz(w)


cdef inline int place_to(const Side* s, int i) noexcept nogil:
    """The last level at place i (0..WINDOW - 1) or before it, -1 if none."""
    cdef int word = i >> 6
    cdef uint64_t w = s.bits[word] & (~<uint64_t> 0 >> (63 - (i & 63)))
    if w == 0:
        w = s.summary & ((<uint64_t> 1 << word) - 1)
        if w == 0:
            return -1
        word = top_bit(w)
        w = s.bits[word]
    return word * 64 + top_bit(w)


cdef inline int64_t below(const Side* s, int64_t base, int64_t tick) noexcept nogil:
    """The highest level under `tick`, 0 if none."""
    cdef int64_t found = 0
    cdef int64_t i = tick - base - 1
    cdef int k = -1
    if i >= WINDOW:
        i = WINDOW - 1
    if i >= 0:
        k = place_from(s, <int> (i ^ s.flip)) if s.flip else place_to(s, <int> i)
        if k >= 0:
            found = base + (k ^ <int64_t> s.flip)
    if s.far_n:
        k = far_at(s, tick)
        if k and s.far[k - 1].tick > found:
            found = s.far[k - 1].tick
    return found


cdef inline int64_t above(const Side* s, int64_t base, int64_t tick) noexcept nogil:
    """The lowest level over `tick`, 0 if none."""
    cdef int64_t found = 0
    cdef int64_t i = tick - base + 1
    cdef int k = -1
    if i < 0:
        i = 0
    if i < WINDOW:
        k = place_to(s, <int> (i ^ s.flip)) if s.flip else place_from(s, <int> i)
        if k >= 0:
            found = base + (k ^ <int64_t> s.flip)
    if s.far_n:
        k = far_at(s, tick + 1)
        if k < s.far_n and (found == 0 or s.far[k].tick < found):
            found = s.far[k].tick
    return found


cdef inline int64_t worse(const Side* s, int64_t base, int64_t tick, int side) noexcept nogil:
    """The next level behind `tick` as seen from the touch."""
    return above(s, base, tick) if side else below(s, base, tick)


cdef inline int64_t best_of(const Side* s, int64_t base, int side) noexcept nogil:
    """The best level of a side, 0 if it has none."""
    cdef int64_t found = 0
    cdef int word
    if likely(s.summary):
        word = ctz(s.summary)
        found = base + ((word * 64 + ctz(s.bits[word])) ^ <int64_t> s.flip)
    if s.far_n:
        if side:
            if found == 0 or s.far[0].tick < found:
                found = s.far[0].tick
        elif s.far[s.far_n - 1].tick > found:
            found = s.far[s.far_n - 1].tick
    return found


cdef inline Level at(const Side* s, int64_t base, int64_t tick) noexcept nogil:
    """The level at a tick; size 0 if there is none."""
    cdef uint64_t i = <uint64_t> (tick - base)
    cdef Level level
    cdef int k
    if i < WINDOW:
        return s.window[i ^ s.flip]
    k = far_at(s, tick)
    level.size = 0
    level.stamp = 0
    if k < s.far_n and s.far[k].tick == tick:
        level.size = s.far[k].size
        level.stamp = s.far[k].stamp
    return level


cdef inline int64_t set_near(Side* s, uint64_t i, int64_t size, int64_t stamp) noexcept nogil:
    """Set the level at place i. Returns its old size. No branches: which levels come and go is chance."""
    cdef int64_t old = s.window[i].size
    cdef uint64_t gone = -<uint64_t> (size == 0)        # all bits or none
    cdef uint64_t word = i >> 6
    cdef uint64_t bit = <uint64_t> 1 << (i & 63)
    cdef uint64_t bits = (s.bits[word] | bit) ^ (bit & gone)
    s.window[i].size = size
    s.window[i].stamp = stamp
    s.bits[word] = bits
    bit = <uint64_t> 1 << word
    s.summary = (s.summary | bit) ^ (bit & -<uint64_t> (bits == 0))
    s.count += <int64_t> gone + (old == 0)
    return old


cdef inline int64_t set_far(Side* s, int64_t tick, int64_t size, int64_t stamp, int side, int64_t* lost) noexcept nogil:
    """Set a level outside the window. Returns its old size; counts in `lost` a level given up for lack of room."""
    cdef int k = far_at(s, tick)
    cdef int64_t old = 0
    cdef int room
    cdef FarLevel* grown
    if k < s.far_n and s.far[k].tick == tick:
        old = s.far[k].size
        if size:
            s.far[k].size = size
            s.far[k].stamp = stamp
        else:
            s.far_n -= 1
            s.count -= 1
            memmove(&s.far[k], &s.far[k + 1], (s.far_n - k) * sizeof(FarLevel))
        return old
    if not size:
        return 0
    if s.far_n == s.far_room:
        room = s.far_room * 2 if s.far_room else 64
        grown = NULL
        if room <= FAR_MAX:
            grown = <FarLevel*> realloc(s.far, room * sizeof(FarLevel))
        if grown == NULL:
            # full: the level farthest from the touch goes, and that may be this one
            lost[0] += 1
            if side == 0:
                if k == 0:
                    return 0
                s.count -= 1
                s.far_n -= 1
                k -= 1
                memmove(s.far, &s.far[1], s.far_n * sizeof(FarLevel))
            else:
                if k == s.far_n:
                    return 0
                s.count -= 1
                s.far_n -= 1
        else:
            s.far = grown
            s.far_room = room
    memmove(&s.far[k + 1], &s.far[k], (s.far_n - k) * sizeof(FarLevel))
    s.far[k].tick = tick
    s.far[k].size = size
    s.far[k].stamp = stamp
    s.far_n += 1
    s.count += 1
    return 0


cdef inline void clear(Side* s, int side) noexcept nogil:
    """A side without levels; its far list keeps its room."""
    s.flip = 0 if side else WINDOW - 1
    memset(s.window, 0, sizeof(s.window))
    memset(s.bits, 0, sizeof(s.bits))
    s.summary = 0
    s.count = 0
    s.far_n = 0


cdef inline void recentre(Side* s, int64_t old_base, int64_t new_base, int side, int64_t* lost) noexcept nogil:
    """Move the window: what leaves it goes to the far list, what enters it comes from there."""
    cdef int64_t i
    cdef int k
    cdef int kept = 0
    cdef Level level
    cdef FarLevel f
    # out, lowest first: each goes behind the last in the far list
    while s.summary:
        i = place_from(s, 0) if side else place_to(s, WINDOW - 1)
        level = s.window[i]
        set_near(s, <uint64_t> i, 0, 0)
        set_far(s, old_base + (i ^ <int64_t> s.flip), level.size, level.stamp, side, lost)
    # in
    for k in range(s.far_n):
        f = s.far[k]
        if <uint64_t> (f.tick - new_base) < WINDOW:
            s.count -= 1
            set_near(s, <uint64_t> (f.tick - new_base) ^ s.flip, f.size, f.stamp)
        else:
            s.far[kept] = f
            kept += 1
    s.far_n = kept
