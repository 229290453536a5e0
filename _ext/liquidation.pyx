"""Margin and liquidation: what every subaccount is worth, what it must keep, and how far it is from liquidation.

Whole numbers as the chain rounds them (docs/margin.md); floats only where something is shown or judged: liquidation
prices, distances, ratios. What 64 bits do not hold is computed with 128; what these do not hold, or what a market
does not say, makes the account `unknown`: all its amounts are 0 and nothing is accepted for it.

The markets are the decoder's table. `apply` notes which of them changed, `update` computes the accounts that this
concerns, and those whose balances or positions were set. Questions compute what they need and change no digest.
"""

import numpy as np

cimport cython
from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memmove, memset

from acceptance cimport *
from event cimport *
from forced cimport *
from kept cimport *
from margin cimport *
from scenario cimport *
from step cimport S_FACTS, step_of
from terms cimport *
from wide cimport *

from sniper._ext.tape import sparse

cdef Position _position
cdef Account _account
cdef Closing _closing
POSITION_DTYPE = np.asarray(<Position[:1]> &_position).dtype
ACCOUNT_DTYPE = np.asarray(<Account[:1]> &_account).dtype
CLOSING_DTYPE = np.asarray(<Closing[:1]> &_closing).dtype
STATE_NAMES = ("ok", "below initial", "liquidatable", "unknown")
RULE_NAMES = ("initial margin", "not riskier", "newly undercollateralized", "still undercollateralized", "unknown")
FAR_AWAY = FAR
cdef tuple RULES = RULE_NAMES

cdef bytes MAGIC = b"margin/1"


cdef inline int64_t kept_within(object value) except? -1:
    """The value, or the largest of its sign where it is beyond what is exact."""
    if -EXACT_MAX <= value <= EXACT_MAX:
        return value
    return INT64_MAX if value > 0 else -INT64_MAX


cdef extern from *:
    int trailing "__builtin_ctzll"(uint64_t bits) noexcept nogil


@cython.final
cdef class Liquidation:
    """The margin of up to `accounts_max` subaccounts with up to `positions_max` positions each.

    tape: the shared `Tape`. markets: `Decoder.markets`. The other arguments are the chain's liquidation config, in ppm
    and QQ. Read `accounts` (ACCOUNT_DTYPE, a row a subaccount) and `positions` (POSITION_DTYPE, a row of rows; the
    first `accounts["positions"]` count, by market); both are read-only and change with `update`.
    """

    cdef readonly object tape, markets, accounts, positions
    cdef readonly int accounts_max, positions_max, markets_max
    cdef readonly int64_t unknown       # accounts that are not computable now
    cdef Event[::1] rows
    cdef uint32_t[::1] others
    cdef int64_t[::1] used
    cdef uint64_t[::1] digests
    cdef int64_t[::1] counters
    cdef const Market[::1] table
    cdef Account[::1] a
    cdef Position[:, ::1] p
    cdef object _sigmas, _drifts
    cdef const double[::1] sigmas, drifts
    cdef Terms* terms
    cdef wide* owed             # unsettled funding of each account, in millionths of a QQ
    cdef uint32_t* customs      # initial margin in ppm that an account chose for a market
    cdef uint64_t* holders      # a market's accounts, a bit each
    cdef uint64_t* dirty        # accounts to compute
    cdef uint64_t* open         # accounts that hold something
    cdef uint64_t* blind        # accounts counted in `unknown`
    cdef int words
    cdef Forced forced
    cdef Digest d

    def __cinit__(self, tape, markets, int positions_max=1000, int accounts_max=129, *, int64_t liquidation_fee_ppm=15_000,
                  int64_t bankruptcy_adjustment_ppm=1_000_000, int64_t spread_ppm=1_500_000,
                  int64_t notional_min=1_000_000_000, int64_t share_max_ppm=100_000,
                  int64_t account_notional_max=100_000_000_000):
        if not 1 <= positions_max <= 1000:
            raise ValueError(f"positions_max must lie in 1..1000, not {positions_max}")
        if not 1 <= accounts_max <= 4096:
            raise ValueError(f"accounts_max must lie in 1..4096, not {accounts_max}")
        if min(liquidation_fee_ppm, bankruptcy_adjustment_ppm, spread_ppm, notional_min, share_max_ppm,
               account_notional_max) < 0:
            raise ValueError("the liquidation config has no negative figures")
        self.table = markets
        self.markets_max = <int> self.table.shape[0]
        self.accounts_max = accounts_max
        self.positions_max = positions_max
        self.words = (accounts_max + 63) // 64
        self.terms = <Terms*> calloc(self.markets_max, sizeof(Terms))
        self.owed = <wide*> calloc(accounts_max, 16)
        self.customs = <uint32_t*> calloc(<size_t> accounts_max * self.markets_max, sizeof(uint32_t))
        self.holders = <uint64_t*> calloc(<size_t> self.words * self.markets_max, sizeof(uint64_t))
        self.dirty = <uint64_t*> calloc(self.words, sizeof(uint64_t))
        self.open = <uint64_t*> calloc(self.words, sizeof(uint64_t))
        self.blind = <uint64_t*> calloc(self.words, sizeof(uint64_t))
        if (self.terms == NULL or self.owed == NULL or self.customs == NULL or self.holders == NULL or self.dirty == NULL
                or self.open == NULL or self.blind == NULL):
            raise MemoryError
        self.tape = tape
        self.markets = markets
        self.rows = tape.rows
        self.others = tape.others
        self.used = tape.used
        self.digests = tape.digests
        self.counters = tape.counters
        self.accounts = np.zeros(accounts_max, ACCOUNT_DTYPE)
        self.positions = sparse(accounts_max * positions_max, POSITION_DTYPE).reshape(accounts_max, positions_max)
        self.a = self.accounts
        self.p = self.positions
        self.accounts.flags.writeable = False
        self.positions.flags.writeable = False
        self.forced.fee_ppm = liquidation_fee_ppm
        self.forced.adjustment_ppm = bankruptcy_adjustment_ppm
        self.forced.spread_ppm = spread_ppm
        self.forced.notional_min = notional_min
        self.forced.share_ppm = share_max_ppm
        self.forced.account_max = account_notional_max
        self.d.a = 15
        self.d.b = 16
        self.restart()

    def __dealloc__(self):
        free(self.terms)
        free(self.owed)
        free(self.customs)
        free(self.holders)
        free(self.dirty)
        free(self.open)
        free(self.blind)

    def bind(self, sigmas, drifts):
        """Volatility a square root of a minute and drift a minute of every market, as fractions; 0: not known.

        Both are float64 arrays with a place for every market; they are read at every `update`.
        """
        cdef const double[::1] s = sigmas
        cdef const double[::1] d = drifts
        if s.shape[0] < self.markets_max or d.shape[0] < self.markets_max:
            raise ValueError(f"sigmas and drifts need {self.markets_max} places")
        self.sigmas = s
        self.drifts = d
        self._sigmas = sigmas
        self._drifts = drifts

    # ---- what changes an account --------------------------------------------------------------------------------

    cdef int known(self, int account, int market=0) except -1:
        if not 0 <= account < self.accounts_max:
            raise IndexError(f"no account {account}: there are {self.accounts_max}")
        if not 0 <= market < self.markets_max:
            raise IndexError(f"no market {market}: there are {self.markets_max}")
        return 0

    cdef inline void touch(self, int account) noexcept:
        self.dirty[account >> 6] |= <uint64_t> 1 << (account & 63)

    cdef inline const Terms* ask(self, int market) noexcept:
        """Terms of a market, kept up to date from now on."""
        if not self.terms[market].asked:
            derive(&self.table[market], &self.terms[market])
        return &self.terms[market]

    cdef inline Py_ssize_t place(self, int account, int market) noexcept:
        """Where a market's position is among those of the account, or belongs."""
        cdef Py_ssize_t low = 0
        cdef Py_ssize_t high = self.a[account].positions
        cdef Py_ssize_t middle
        while low < high:
            middle = (low + high) >> 1
            if self.p[account, middle].market < <uint32_t> market:
                low = middle + 1
            else:
                high = middle
        return low

    cdef inline Position* held(self, int account, int market) noexcept:
        """The position, NULL if there is none."""
        cdef Py_ssize_t i = self.place(account, market)
        if i < self.a[account].positions and self.p[account, i].market == <uint32_t> market:
            return &self.p[account, i]
        return NULL

    def set_usdc(self, int account, quote_quantums):
        """Settled USDC of an account in QQ, may be negative."""
        self.known(account)
        cdef int64_t value = kept_within(quote_quantums)
        cdef Account* a = &self.a[account]
        if value != a.usdc:
            a.saturated += too_large(value) - too_large(a.usdc)
            a.usdc = value
            self.touch(account)

    def set_position(self, int account, int market, size_quantums):
        """Signed size in BQ; 0: closed. ValueError if the account has no room for another position."""
        self.known(account, market)
        cdef int64_t size = kept_within(size_quantums)
        cdef Account* a = &self.a[account]
        cdef Py_ssize_t i = self.place(account, market)
        cdef Position* p
        cdef uint64_t bit = <uint64_t> 1 << (account & 63)
        cdef int word = account >> 6
        cdef bint there = i < a.positions and self.p[account, i].market == <uint32_t> market
        if not there and (size == 0 or <int> a.positions == self.positions_max):
            if size:
                raise ValueError(f"account {account} has {self.positions_max} positions already")
            return
        p = &self.p[account, i]
        if not there:
            memmove(p + 1, p, (a.positions - i) * sizeof(Position))
            memset(p, 0, sizeof(Position))
            p.market = market
            p.custom_imf = self.customs[account * self.markets_max + market]
            a.positions += 1
            self.holders[market * self.words + word] |= bit
            self.open[word] |= bit
            self.ask(market)
        elif size == p.size:
            return
        a.saturated += too_large(size) - too_large(p.size)
        p.size = size
        if size == 0:
            a.positions -= 1
            memmove(p, p + 1, (a.positions - i) * sizeof(Position))
            self.holders[market * self.words + word] &= ~bit
            if not a.positions:
                self.open[word] &= ~bit
        self.touch(account)

    def set_unsettled(self, int account, quote_quantums):
        """Funding in QQ that is due but not settled, as somebody else says."""
        self.known(account)
        cdef int bad = 0
        self.owe(account, times(kept_within(quote_quantums), MILLION, &bad))

    cdef void owe(self, int account, wide millionths) noexcept:
        cdef Account* a = &self.a[account]
        cdef wide quote = millionth(millionths)
        self.owed[account] = millionths
        a.saturated -= too_large(a.unsettled)
        a.unsettled = <int64_t> quote
        if beyond(quote, EXACT_MAX):
            a.unsettled = INT64_MAX if quote > 0 else -INT64_MAX
        a.saturated += too_large(a.unsettled)
        self.touch(account)

    def custom_imf(self, int account, int market, int64_t ppm):
        """The initial margin that an account chose for a market (MsgUpdateLeverage); 0: none of its own."""
        self.known(account, market)
        if not 0 <= ppm <= MILLION:
            raise ValueError(f"a margin fraction lies in 0..{MILLION} ppm, not {ppm}")
        cdef Position* p = self.held(account, market)
        self.customs[account * self.markets_max + market] = <uint32_t> ppm
        if p != NULL and p.custom_imf != <uint32_t> ppm:
            p.custom_imf = <uint32_t> ppm
            self.touch(account)

    def fund(self, int market, int64_t index_change):
        """The chain's funding index of a market rose by so much: what every holder owes for it is unsettled now."""
        self.known(0, market)
        cdef int word, account
        cdef int bad = 0
        cdef uint64_t bits
        for word in range(self.words):
            bits = self.holders[market * self.words + word]
            while bits:
                account = word * 64 + trailing(bits)
                bits &= bits - 1
                if not too_large(self.a[account].unsettled):    # what was lost does not come back
                    self.owe(account, minus(self.owed[account], times(index_change, self.held(account, market).size, &bad)))

    def settle(self, int account):
        """Move unsettled funding into USDC, rounded down (funding.md 3), as any touch does on the chain. Returns it."""
        self.known(account)
        cdef int64_t value = self.a[account].unsettled
        self.owe(account, 0)
        self.set_usdc(account, <object> self.a[account].usdc + value)
        return value

    def clear(self, int account):
        """An empty account: no USDC, no positions, nothing unsettled. What it chose for its markets stays."""
        self.known(account)
        while self.a[account].positions:
            self.set_position(account, <int> self.p[account, self.a[account].positions - 1].market, 0)
        self.set_usdc(account, 0)
        self.owe(account, 0)

    # ---- what changes by the market -----------------------------------------------------------------------------

    def step(self):
        """Its part of a tick, for `Column`."""
        return step_of(self, margin_step)

    cpdef apply(self, Py_ssize_t n):
        """Note which markets the first n rows of the tape changed."""
        cdef Py_ssize_t i
        cdef int word
        cdef const Event* row
        cdef Terms* t
        if not 0 <= n <= self.rows.shape[0]:
            raise ValueError(f"{n} rows: the tape holds {self.rows.shape[0]}")
        if not self.used[U_KINDS] & (1 << MARKET | 1 << ORACLE):
            return
        for i in range(self.used[U_OTHERS]):
            row = &self.rows[self.others[i]]
            if row.kind != ORACLE and (row.kind != MARKET or not row.size & RELEVANT) or row.market >= self.markets_max:
                continue
            t = &self.terms[row.market]
            if t.asked and derive(&self.table[row.market], t):
                for word in range(self.words):
                    self.dirty[word] |= self.holders[row.market * self.words + word]

    cdef void compute(self, int account, uint64_t* mark) noexcept:
        measure(&self.a[account], &self.p[account, 0], self.terms, mark)

    cdef void count(self, int account) noexcept:
        """Keep count of the accounts that are not computable."""
        cdef uint64_t bit = <uint64_t> 1 << (account & 63)
        cdef bint now = self.a[account].state == H_UNKNOWN
        cdef bint before = self.blind[account >> 6] & bit != 0
        if now == before:
            return
        self.blind[account >> 6] ^= bit
        self.unknown += 1 if now else -1
        self.counters[C_NOT_COMPUTABLE] += now

    cdef void look(self, int account) noexcept:
        """Distances of an account in sigmas and minutes."""
        cdef const double* s = &self.sigmas[0] if self._sigmas is not None else NULL
        cdef const double* d = &self.drifts[0] if self._drifts is not None else NULL
        distances(&self.a[account], &self.p[account, 0], s, d)

    cpdef int update(self) except -1:
        """Compute the accounts that changed. Returns how many."""
        cdef int word, account
        cdef int count = 0
        cdef uint64_t bits, done, mark
        cdef Account* a
        for word in range(self.words):
            bits = self.dirty[word]
            done = bits
            self.dirty[word] = 0
            while bits:
                account = word * 64 + trailing(bits)
                bits &= bits - 1
                count += 1
                a = &self.a[account]
                self.compute(account, &mark)
                self.look(account)
                self.count(account)
                fold(&self.d, <uint64_t> a.net ^ <uint64_t> account << 48, <uint64_t> a.maintenance ^ mark)
                fold(&self.d, <uint64_t> a.initial ^ <uint64_t> a.trouble << 56,
                     <uint64_t> a.usdc ^ <uint64_t> a.positions << 48)
            bits = self.open[word] & ~done if self._sigmas is not None else 0
            while bits:
                self.look(word * 64 + trailing(bits))
                bits &= bits - 1
        if count:
            self.digests[2 * STAGE_MARGIN] = self.d.a
            self.digests[2 * STAGE_MARGIN + 1] = self.d.b
        return count

    cdef Account* fresh(self, int account) except NULL:
        """The account with all that was set, for a question: what `update` has still to fold stays marked."""
        cdef uint64_t mark
        if self.dirty[account >> 6] >> (account & 63) & 1:
            self.compute(account, &mark)
            self.look(account)
        return &self.a[account]

    cdef Position* one(self, int account, int market) except NULL:
        """A position of a computable account. ValueError if there is none."""
        self.known(account, market)
        cdef Account* a = self.fresh(account)
        cdef Position* p = self.held(account, market)
        if p == NULL:
            raise ValueError(f"account {account} has no position in market {market}")
        if a.trouble:
            raise ValueError(f"account {account} is not computable")
        return p

    cdef const Terms* grid_of(self, int market) except NULL:
        """Terms of a market whose ticks and steps are known."""
        cdef const Terms* t = self.ask(market)
        if not t.tradable:
            raise ValueError(f"market {market}: ticks and steps are not known")
        return t

    # ---- questions ----------------------------------------------------------------------------------------------

    def account(self, int account):
        """(usdc, net, initial, maintenance, free, leverage, usage, danger, distance_sigmas, computable)."""
        self.known(account)
        cdef Account* a = &self.a[account]
        return (a.usdc, a.net, a.initial, a.maintenance, a.free, a.leverage, a.usage, a.danger, a.distance_sigmas,
                a.trouble == 0)

    def liquidatable(self, int account):
        """Whether the chain may liquidate an account, with all that was set; not one that is not computable."""
        self.known(account)
        cdef Account* a = self.fresh(account)
        return a.maintenance > 0 and a.net < a.maintenance

    def holdings(self, int account):
        """(market, size, notional, maintenance) of every position, by market."""
        self.known(account)
        cdef Py_ssize_t i
        cdef Position* p = &self.p[account, 0]
        return [(p[i].market, p[i].size, p[i].notional, p[i].maintenance) for i in range(self.a[account].positions)]

    def trouble(self, int account):
        """Why an account is not computable, as bits; 0: it is."""
        self.known(account)
        return self.a[account].trouble

    def nearest(self, int account):
        """(market, percent, sigmas of an hour) of the position nearest to its liquidation price, the first of equals;
        None where none has one."""
        self.known(account)
        cdef Py_ssize_t i
        cdef Py_ssize_t best = -1
        cdef Position* p = &self.p[account, 0]
        for i in range(self.a[account].positions):
            if p[i].liquidation_price > 0.0 and (best < 0 or p[i].distance_percent < p[best].distance_percent):
                best = i
        return None if best < 0 else (p[best].market, p[best].distance_percent, p[best].distance_sigmas)

    def terms_of(self, int market):
        """(effective IMF ppm, base IMF ppm, maintenance fraction ppm, open interest QQ, trouble bits) of a market."""
        self.known(0, market)
        cdef const Terms* t = self.ask(market)
        return t.imf, t.base, t.fraction, whole(t.interest_quote), t.trouble

    def liquidation_price(self, int account, int market):
        """The exact price as (numerator, denominator) in USD, None where there is none (margin.md 5)."""
        cdef Position* p = self.one(account, market)
        cdef Account* a = &self.a[account]
        cdef const Terms* t = &self.terms[market]
        cdef object size = p.size
        cdef object over = <object> a.net - (<object> a.maintenance - p.maintenance)
        cdef object under
        # all in units of 10 ** -dec: maintenance fraction, then QQ and BQ
        under = abs(size) * t.maintenance - size * power(t.maintenance_dec)
        over *= power(t.maintenance_dec)
        if t.exponent >= 0:
            over -= size * t.num * power(t.exponent + t.maintenance_dec)
        else:
            over = over * power(-t.exponent) - size * t.num * power(t.maintenance_dec)
            under *= power(-t.exponent)
        if t.atomic + 6 >= 0:
            under *= power(t.atomic + 6)
        else:
            over *= power(-6 - t.atomic)
        if under < 0:
            over, under = -over, -under
        return (over, under) if over > 0 and under else None

    def factor(self, int account):
        """The factor on all oracle prices at which the account is liquidated, as (numerator, denominator), or None."""
        self.known(account)
        cdef Account* a = self.fresh(account)
        cdef object over = <object> a.usdc + a.unsettled
        cdef object under = <object> a.maintenance - (<object> a.net - over)
        if under < 0:
            over, under = -over, -under
        return (over, under) if over > 0 and under and not a.trouble else None

    cdef int ordered(self, Order* o, int account, int market, int side, int64_t ticks, int64_t fee_ppm) except -1:
        """Set up an order's test. 0: cannot be computed."""
        self.known(account, market)
        cdef Account* a = self.fresh(account)
        cdef Position* p = self.held(account, market)
        if side not in (0, 1) or ticks <= 0 or not -MILLION <= fee_ppm <= MILLION:
            raise ValueError(f"no such order: side {side}, {ticks} ticks, fee {fee_ppm} ppm")
        memset(o, 0, sizeof(Order))
        o.terms = self.ask(market)
        o.account = a
        o.ticks = ticks
        o.fee_ppm = fee_ppm
        o.custom = self.customs[account * self.markets_max + market]
        o.side = <uint8_t> side
        if p != NULL:
            o.size = p.size
            o.notional = p.notional
            o.initial = p.initial
            o.maintenance = p.maintenance
        return not a.trouble and not o.terms.trouble and o.terms.tradable

    def accepts(self, int account, int market, int side, int64_t size_quantums, int64_t price_ticks, int64_t fee_ppm,
                interest_change=None):
        """Whether the chain lets a fill through, and the rule (RULE_NAMES) that says so: (accepted, rule).

        interest_change: BQ by which the match changes the open interest. None: the most that it can, which is what
        it opens for this account (a counterparty that closes would lower it).
        """
        cdef Order o
        cdef After r
        cdef int rule
        if not 0 < size_quantums <= 2 * EXACT_MAX:
            raise ValueError(f"a fill of {size_quantums} BQ")
        if not self.ordered(&o, account, market, side, price_ticks, fee_ppm):
            return False, RULES[A_UNKNOWN]
        r = after(&o, size_quantums, opening(&o, size_quantums) if interest_change is None else <int64_t> interest_change)
        rule = judged(&o, &r)
        return rule <= A_NOT_RISKIER, RULES[rule]

    def largest(self, int account, int market, int side, int64_t price_ticks, int64_t fee_ppm):
        """The largest order in BQ, a whole number of steps, that `accepts` lets through; 0: none."""
        cdef Order o
        if not self.ordered(&o, account, market, side, price_ticks, fee_ppm):
            return 0
        # what `accepts` takes at most: no order of the chain comes near
        return min(most(&o), 2 * EXACT_MAX // o.terms.step) * o.terms.step

    def stress(self, int account, moves_ppm):
        """(net, maintenance, initial) if every market's price moved by so many ppm of its own; None: not computable.

        moves_ppm: int32, a place for every market. Open interest is revalued, so its scaling of the margin too.
        """
        cdef const int32_t[::1] moves = moves_ppm
        cdef int64_t net, maintenance, initial
        self.known(account)
        if moves.shape[0] < self.markets_max:
            raise ValueError(f"moves need {self.markets_max} places, not {moves.shape[0]}")
        cdef Account* a = self.fresh(account)
        if a.trouble or not thorough_scenario(a, &self.p[account, 0], self.terms, &moves[0], 1, &net, &maintenance,
                                              &initial):
            return None
        return net, maintenance, initial

    def grid(self, int account, moves_ppm):
        """Net collateral and maintenance margin in many scenarios: two int64 arrays.

        moves_ppm: int32 [scenarios, positions], one column for each position of the account in their order.
        ValueError where a price would be negative, or a result is not computable.
        """
        cdef const int32_t[:, ::1] moves = moves_ppm
        cdef int64_t[::1] net, maintenance
        cdef int64_t initial
        cdef Py_ssize_t s, count
        cdef uint32_t i
        cdef bint good = True
        self.known(account)
        cdef Account* a = self.fresh(account)
        cdef Position* rows = &self.p[account, 0]
        if a.trouble:
            raise ValueError(f"account {account} is not computable")
        if moves.shape[1] != a.positions:
            raise ValueError(f"moves for {moves.shape[1]} positions, the account has {a.positions}")
        count = moves.shape[0]
        nets = np.full(count, a.usdc + a.unsettled, np.int64)
        maintenances = np.zeros(count, np.int64)
        if not count or not a.positions:
            return nets, maintenances
        net = nets
        maintenance = maintenances
        cdef Column* columns = <Column*> calloc(a.positions, sizeof(Column))
        if columns == NULL:
            raise MemoryError
        for i in range(a.positions):
            prepare(&columns[i], &rows[i], &self.terms[rows[i].market])
        for s in range(count):
            if not quick_scenario(columns, a.positions, &moves[s, 0], &net[s], &maintenance[s]):
                good = thorough_scenario(a, rows, self.terms, &moves[s, 0], 0, &net[s], &maintenance[s], &initial)
                if not good:
                    break
        free(columns)
        if not good:
            raise ValueError(f"scenario {s}: a price below zero, or amounts beyond what is exact")
        return nets, maintenances

    def closing(self, int account, levels, ends, int64_t fee_ppm):
        """What closing every position against these levels brings: CLOSING_DTYPE, a row a position, in their order.

        levels: int64 [levels, 2] of (ticks, steps), best first, bids for longs and asks for shorts, those of the first
        position first; ends: int64, where the levels of each position end. ValueError where that is not computable.
        """
        cdef const int64_t[:, ::1] book = levels
        cdef const int64_t[::1] stop = ends
        cdef int64_t begun = 0
        cdef int64_t none = 0
        cdef uint32_t i
        cdef const Terms* t
        self.known(account)
        cdef Account* a = self.fresh(account)
        cdef Position* rows = &self.p[account, 0]
        if a.trouble:
            raise ValueError(f"account {account} is not computable")
        if book.shape[1] != 2 or stop.shape[0] != a.positions or not -MILLION <= fee_ppm <= MILLION:
            raise ValueError(f"levels are pairs, and ends has {a.positions} places")
        result = np.zeros(a.positions, CLOSING_DTYPE)
        cdef Closing[::1] out = result
        for i in range(a.positions):
            t = self.grid_of(<int> rows[i].market)
            if not begun <= stop[i] <= book.shape[0]:
                raise ValueError("ends do not ascend within the levels")
            if not close_out(&rows[i], t, &book[begun, 0] if begun < stop[i] else &none, stop[i] - begun, fee_ppm, &out[i]):
                raise ValueError(f"position {i}: a level that is not one, or amounts beyond what is exact")
            begun = stop[i]
        return result

    # ---- funding and liquidation, as the chain does them --------------------------------------------------------

    def funding_change(self, int market, int64_t rate8h_ppm):
        """By how much the funding index rises at the hour: trunc(trunc(3600 rate price) / 28800) (funding.md 1)."""
        self.known(0, market)
        cdef const Terms* t = self.ask(market)
        if t.trouble & (NO_ORACLE | NO_PARAMETERS):
            raise ValueError(f"market {market} has no oracle price")
        return toward_zero(quote_of(<object> 3600 * rate8h_ppm, t), 28800)

    def funding_due(self, int account, rates8h_ppm):
        """QQ that the account receives (negative: pays) at the next hour at these rates, rounded down.

        rates8h_ppm: int64, a place for every market, ppm of 8 hours. Unsettled funding is not part of it.
        """
        cdef const int64_t[::1] rates = rates8h_ppm
        cdef uint32_t i
        cdef int bad = 0
        cdef wide total = 0
        cdef object exact = 0
        cdef const Position* p
        cdef const Terms* t
        self.known(account)
        if rates.shape[0] < self.markets_max:
            raise ValueError(f"rates need {self.markets_max} places, not {rates.shape[0]}")
        if self.a[account].saturated:
            raise ValueError(f"account {account} is not computable")
        for i in range(self.a[account].positions):
            p = &self.p[account, i]
            t = &self.terms[p.market]
            bad |= <int> t.trouble
            total = minus(total, times(index_rise(t, rates[p.market], &bad), p.size, &bad))
            if beyond(total, INT64_MAX):
                break
        else:
            if not bad:
                return whole(millionth(total))
        for i in range(self.a[account].positions):
            p = &self.p[account, i]
            exact -= self.funding_change(<int> p.market, rates[p.market]) * p.size
        return exact // MILLION

    cdef Position* doomed(self, int account, int market) except NULL:
        """A position of an account that has maintenance margin to speak of."""
        cdef Position* p = self.one(account, market)
        if not self.a[account].maintenance:
            raise ValueError(f"account {account} has no maintenance margin: it cannot be liquidated")
        return p

    def bankruptcy(self, int account, int market, size_quantums):
        """QQ received (negative: paid) for closing so many BQ at which the account's share of equity is gone."""
        cdef Position* p = self.doomed(account, market)
        if not 0 < size_quantums <= abs(<object> p.size):
            raise ValueError(f"{size_quantums} BQ cannot be closed of {p.size}")
        return bankruptcy_quote(&self.a[account], p, &self.terms[market], -size_quantums if p.size > 0 else size_quantums)

    def fillable(self, int account, int market):
        """Limit of the liquidation order in ticks."""
        cdef Position* p = self.doomed(account, market)
        return fillable_ticks(&self.a[account], p, self.grid_of(market), &self.forced)

    def liquidation_size(self, int account, int market, notional_liquidated=0):
        """BQ that one block's liquidation order closes. notional_liquidated: QQ of this account in the block before."""
        cdef Position* p = self.doomed(account, market)
        return forced_size(p, self.grid_of(market), &self.forced, notional_liquidated)

    def insurance(self, int account, int market, size_quantums, quote_quantums):
        """QQ that a liquidation fill pays to the insurance fund: a fee; negative: what the fund has to pay.

        size_quantums, quote_quantums: of the fill, both positive.
        """
        cdef object surplus = self.bankruptcy(account, market, size_quantums)
        cdef object quote = abs(quote_quantums)
        surplus = (quote if self.held(account, market).size > 0 else -quote) - surplus
        return min(surplus, quote * self.forced.fee_ppm // MILLION) if surplus > 0 else surplus

    # ---- state --------------------------------------------------------------------------------------------------

    def digest(self):
        """The running 128-bit digest over every account that was computed, as two integers."""
        return self.d.a, self.d.b

    def save(self):
        """The state as bytes: balances, positions, chosen margins. The market table is the decoder's to save."""
        cdef Head head
        cdef Kept kept
        cdef Pair pair
        cdef list parts = [b""]
        cdef list customs
        cdef int account, market
        cdef Account* a
        cdef Py_ssize_t i
        memset(&head, 0, sizeof(Head))
        memcpy(head.magic, <const char*> MAGIC, 8)
        head.accounts_max = self.accounts_max
        head.markets_max = self.markets_max
        head.digest_a = self.d.a
        head.digest_b = self.d.b
        for account in range(self.accounts_max):
            a = &self.a[account]
            customs = []
            for market in range(self.markets_max):
                if self.customs[account * self.markets_max + market]:
                    pair.market = market
                    pair.value = self.customs[account * self.markets_max + market]
                    customs.append((<char*> &pair)[:sizeof(Pair)])
            kept.account = account
            kept.usdc = a.usdc
            kept.owed_high = <int64_t> (self.owed[account] >> 64)
            kept.owed_low = <uint64_t> self.owed[account]
            kept.marks = self.dirty[account >> 6] >> (account & 63) & 1
            kept.marks |= (self.blind[account >> 6] >> (account & 63) & 1) << 1
            kept.positions = a.positions
            kept.customs = len(customs)
            if not (kept.usdc or kept.owed_high or kept.owed_low or kept.marks or kept.positions or kept.customs):
                continue
            head.kept += 1
            parts.append((<char*> &kept)[:sizeof(Kept)])
            for i in range(a.positions):
                pair.market = self.p[account, i].market
                pair.value = self.p[account, i].size
                parts.append((<char*> &pair)[:sizeof(Pair)])
            parts.extend(customs)
        parts[0] = (<char*> &head)[:sizeof(Head)]
        return b"".join(parts)

    cdef void restart(self) noexcept:
        """Every account computed as it stands, without a trace in digest or counters."""
        cdef int account
        cdef uint64_t mark
        for account in range(self.accounts_max):
            self.compute(account, &mark)
            self.look(account)

    def load(self, bytes state not None):
        """Take over a state that `save` wrote. ValueError, and nothing changed, on anything else.

        The decoder's table must be that of the same moment: load the decoder first.
        """
        cdef Head head
        cdef Kept kept
        cdef Pair pair
        cdef const char* raw = state
        cdef const char* wrong = fault(raw, len(state), <const char*> MAGIC, self.accounts_max, self.positions_max,
                                       self.markets_max)
        cdef Py_ssize_t at = sizeof(Head)
        cdef Py_ssize_t behind
        cdef int64_t i
        if wrong != NULL:
            raise ValueError(f"margin state {wrong.decode()}")
        for i in range(self.accounts_max):
            self.clear(<int> i)
        memset(self.customs, 0, <size_t> self.accounts_max * self.markets_max * sizeof(uint32_t))
        memset(self.blind, 0, self.words * sizeof(uint64_t))
        memset(self.dirty, 0, self.words * sizeof(uint64_t))
        for i in range(self.markets_max):
            if self.terms[i].asked:
                derive(&self.table[i], &self.terms[i])
        memcpy(&head, raw, sizeof(Head))
        self.unknown = 0
        for _ in range(head.kept):
            memcpy(&kept, raw + at, sizeof(Kept))
            at += sizeof(Kept)
            behind = at + (kept.positions + kept.customs) * <Py_ssize_t> sizeof(Pair)
            # choices first: a position takes over what was chosen for its market
            for i in range(kept.positions + kept.customs - 1, -1, -1):
                memcpy(&pair, raw + at + i * <Py_ssize_t> sizeof(Pair), sizeof(Pair))
                if i < kept.positions:
                    self.set_position(<int> kept.account, <int> pair.market, pair.value)
                else:
                    self.customs[kept.account * self.markets_max + pair.market] = <uint32_t> pair.value
            at = behind
            self.set_usdc(<int> kept.account, kept.usdc)
            self.owe(<int> kept.account, joined(kept.owed_high, kept.owed_low))
            self.dirty[kept.account >> 6] &= ~(<uint64_t> 1 << (kept.account & 63))
            self.dirty[kept.account >> 6] |= <uint64_t> (kept.marks & 1) << (kept.account & 63)
            self.blind[kept.account >> 6] |= <uint64_t> (kept.marks >> 1) << (kept.account & 63)
            self.unknown += kept.marks >> 1
        self.restart()
        self.d.a = head.digest_a
        self.d.b = head.digest_b


cdef int margin_step(void* kernel, int64_t now_ns, Py_ssize_t n) except -1:
    (<Liquidation> kernel).apply(n)
    return S_FACTS if (<Liquidation> kernel).update() else 0
