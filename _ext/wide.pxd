# Whole numbers of 128 bits: powers of ten toward zero, parts per million toward plus infinity, overflow noticed.

from libc.stdint cimport int64_t, uint64_t

cdef extern from *:
    """
    typedef __int128 sniper_wide;
    typedef unsigned __int128 sniper_uwide;
    static const int64_t SNIPER_TENS[19] = {1LL, 10LL, 100LL, 1000LL, 10000LL, 100000LL, 1000000LL, 10000000LL,
        100000000LL, 1000000000LL, 10000000000LL, 100000000000LL, 1000000000000LL, 10000000000000LL,
        100000000000000LL, 1000000000000000LL, 10000000000000000LL, 100000000000000000LL, 1000000000000000000LL};
    #define SNIPER_WIDEST ((sniper_wide)1 << 125)    /* so that sums of a few need no check */
    /* a * b; beyond 2 ** 125 it is 0 and *bad is set */
    static inline sniper_wide sniper_times(sniper_wide a, sniper_wide b, int *bad) {
        sniper_wide v;
        if (__builtin_mul_overflow(a, b, &v) || v > SNIPER_WIDEST || v < -SNIPER_WIDEST) { *bad = 1; return 0; }
        return v;
    }
    /* v * 10 ** e, toward zero; beyond 2 ** 125 it is 0 and *bad is set */
    static inline sniper_wide sniper_scaled(sniper_wide v, int e, int *bad) {
        sniper_uwide u = v < 0 ? -(sniper_uwide)v : (sniper_uwide)v;
        int n;
        for (; e > 0 && u; e -= n) {
            n = e > 18 ? 18 : e;
            if (__builtin_mul_overflow(u, (sniper_uwide)SNIPER_TENS[n], &u) || u > (sniper_uwide)SNIPER_WIDEST) {
                *bad = 1;
                return 0;
            }
        }
        for (; e < 0 && u; e += n) {
            n = e < -18 ? 18 : -e;
            u = u >> 64 ? u / (uint64_t)SNIPER_TENS[n] : (uint64_t)u / (uint64_t)SNIPER_TENS[n];
        }
        return v < 0 ? -(sniper_wide)u : (sniper_wide)u;
    }
    /* what sniper_scaled cuts off, as a fraction of one with the sign of v */
    static inline double sniper_cut(sniper_wide v, int e) {
        sniper_uwide u = v < 0 ? -(sniper_uwide)v : (sniper_uwide)v;
        double cut = 0;
        int n;
        for (; e < 0; e += n) {
            n = e < -18 ? 18 : -e;
            cut = ((double)(uint64_t)(u % (uint64_t)SNIPER_TENS[n]) + cut) / (double)SNIPER_TENS[n];
            u /= (uint64_t)SNIPER_TENS[n];
        }
        return v < 0 ? -cut : cut;
    }
    /* ceil(v * ppm / 10 ** 6) for 0 <= v <= 2 ** 125 and 0 <= ppm <= 10 ** 6 */
    static inline sniper_wide sniper_share(sniper_wide v, int64_t ppm) {
        sniper_uwide u = (sniper_uwide)v;
        uint64_t x;
        if (u >> 44) {
            x = (uint64_t)(u % 1000000) * (uint64_t)ppm + 999999;
            return (sniper_wide)(u / 1000000 * (uint64_t)ppm + x / 1000000);
        }
        x = (uint64_t)u * (uint64_t)ppm;
        return (sniper_wide)((x + 999999) / 1000000);
    }
    /* floor(v / 10 ** 6) */
    static inline sniper_wide sniper_millionth(sniper_wide v) {
        return v / 1000000 - (v % 1000000 < 0);
    }
    /* ceil(v * ppm / 10 ** 6) of any signs */
    static inline sniper_wide sniper_fee(sniper_wide v, int64_t ppm, int *bad) {
        v = sniper_times(v, ppm, bad);
        return -sniper_millionth(-v);
    }
    static inline sniper_wide sniper_plus(sniper_wide a, sniper_wide b) { return a + b; }
    static inline sniper_wide sniper_minus(sniper_wide a, sniper_wide b) { return a - b; }
    static inline sniper_wide sniper_joined(int64_t high, uint64_t low) {
        return (sniper_wide)(((sniper_uwide)(uint64_t)high << 64) | low);
    }
    static inline int sniper_beyond(sniper_wide v, int64_t limit) { return v > limit || v < -(sniper_wide)limit; }
    """
    # 128 bits, whatever Cython thinks: never let it become a Python object, nor the value of an `if` expression.
    ctypedef long long wide "sniper_wide"
    wide times "sniper_times"(wide a, wide b, int* bad) noexcept nogil
    wide scaled "sniper_scaled"(wide v, int e, int* bad) noexcept nogil
    double cut "sniper_cut"(wide v, int e) noexcept nogil
    wide share "sniper_share"(wide v, int64_t ppm) noexcept nogil
    wide millionth "sniper_millionth"(wide v) noexcept nogil
    wide fee_of "sniper_fee"(wide quote, int64_t ppm, int* bad) noexcept nogil
    wide plus "sniper_plus"(wide a, wide b) noexcept nogil
    wide minus "sniper_minus"(wide a, wide b) noexcept nogil
    bint beyond "sniper_beyond"(wide v, int64_t limit) noexcept nogil
    wide joined "sniper_joined"(int64_t high, uint64_t low) noexcept nogil
    const int64_t[19] TENS "SNIPER_TENS"


cdef inline double ten_to(int e) noexcept nogil:
    """10.0 ** e for -44 <= e <= 44, the same on every machine."""
    cdef double v = 1.0
    cdef int n = -e if e < 0 else e
    while n > 0:
        v *= <double> TENS[18 if n > 18 else n]
        n -= 18
    return 1.0 / v if e < 0 else v


cdef inline object whole(wide v):
    """A Python integer."""
    cdef int64_t high = <int64_t> (v >> 64)
    cdef uint64_t low = <uint64_t> v
    return (<object> high << 64) | <object> low
