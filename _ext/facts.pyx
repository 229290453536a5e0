"""The facts of one market as strategies and risk see them, made out of what the stages hold."""

cimport cython
from libc.stdint cimport uint8_t

from event cimport *

cdef extern from *:
    """
    /* 10^n as doubles, exact, so that the quotient of a number below 2^53 is the double nearest to the decimal */
    static const double SNIPER_EXACT_TENS[23] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
        1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    """
    const double[23] TENS "SNIPER_EXACT_TENS"

cdef enum:
    ISOLATED = 2


cdef inline double value(const Market* m, int field) noexcept nogil:
    """An exact decimal of a market as a double, 0 where it is not known."""
    return <double> m.num[field] / TENS[min(m.dec[field], 22)] if m.known >> field & 1 else 0.0


@cython.final
cdef class Facts:
    """Bound to the decoder, the books and the signals of an engine. shape: the NamedTuple `MarketFacts`.

    statuses, trusts: names by number.
    """

    cdef object decoder, books, top, shape, make
    cdef const Market[::1] markets
    cdef const uint8_t[:] trust
    cdef const double[::1] sigmas, drifts
    cdef tuple statuses, trusts
    cdef list tickers

    def __cinit__(self, decoder, books, signals, shape, tuple statuses, tuple trusts):
        self.decoder, self.books, self.top = decoder, books, books.top
        self.shape, self.make = shape, tuple.__new__
        self.markets, self.trust = decoder.markets, books.tops["trust"]
        self.sigmas, self.drifts = signals.sigmas, signals.drifts
        self.statuses, self.trusts = statuses, trusts
        self.tickers = []

    cdef str ticker(self, int market):
        """A market keeps its name for good."""
        while len(self.tickers) <= market:
            self.tickers.append(self.decoder.ticker(len(self.tickers)))
        return self.tickers[market]

    def of(self, int market):
        """One market now. IndexError for one that is not known."""
        if not 0 <= market < self.sigmas.shape[0]:
            raise IndexError(f"no market {market}")
        cdef str ticker = self.ticker(market)
        cdef const Market* m = &self.markets[market]
        cdef tuple touch = self.top(market)
        cdef double oracle = value(m, F_ORACLE)
        return self.make(self.shape, (
            market, ticker, self.statuses[m.status], m.type == ISOLATED, self.trusts[self.trust[market]],
            touch[0], touch[1], touch[2], touch[3],
            value(m, F_TICK), value(m, F_STEP), m.whole[F_STEP_QUANTUMS - NUMS] if m.known >> F_STEP_QUANTUMS & 1 else 0,
            oracle, m.oracle_ns, value(m, F_FUNDING), value(m, F_IMF), value(m, F_MMF), value(m, F_OPEN_INTEREST) * oracle,
            self.sigmas[market], self.drifts[market],
        ))
