"""Candles as the Indexer's own messages.

Numbers are whole: a price is number * 10 ** -decimals. A message is written once into a buffer and becomes a bytes
object; its form is the one that the decoder reads by comparing literals.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

from event cimport REC_FRAME
from written cimport POWERS, Calendar, put_decimal, put_hex, put_text, put_time, put_whole

cdef extern from *:
    """
    typedef __int128 sniper_wide;
    """
    ctypedef long long wide "sniper_wide"

cdef enum:
    ROOM = 2048         # of one message: a fixed part below 1,200 bytes and at most 30 numbers of 20 digits

    AFTER_OPEN_NS = 1000000

cdef int64_t WHOLE_PPM = 1000000


@cython.final
cdef class BarFrames:
    """The messages of one candle file: for each bar its trades, a book of one level a side, and the oracle price.

    columns: start_ns, open, high, low, close, volume (int64 arrays of equal length). tick, step: numbers of the grid
    with their decimals. spread_ppm: between the two levels, of the close, at least one tick. depth_usd: what rests on
    each. place: number of the market among the files, below 2^16; it makes trade ids distinct.
    """

    cdef const int64_t[::1] _start, _open, _high, _low, _close, _volume
    cdef int64_t _step_ns, _num, _den, _step, _tick, _spread_ppm
    cdef int _price_decimals, _size_decimals, _tick_decimals, _step_decimals
    cdef uint32_t _place
    cdef double _depth
    cdef bytes _head, _batch, _trades, _book, _oracle
    cdef int64_t _old_bid, _old_ask
    cdef Calendar _day
    cdef uint8_t[ROOM] _room

    def __init__(self, str ticker, str connection_id, tuple columns, int64_t step_ns, int price_decimals,
                 int volume_decimals, int64_t tick, int tick_decimals, int64_t step, int step_decimals,
                 int64_t spread_ppm, double depth_usd, int place):
        if len(ticker) > 100 or not 0 <= price_decimals <= 16 or not 0 <= volume_decimals <= 16:
            raise ValueError("a ticker of at most 100 characters and at most 16 decimals are needed")
        if tick <= 0 or step <= 0 or step_ns < 1000000 or not 0 <= spread_ppm < WHOLE_PPM or not depth_usd > 0:
            raise ValueError("tick, step, time step and depth must be positive, the spread below 1")
        if not -18 <= step_decimals <= 18 or not 0 <= tick_decimals <= 18:
            raise ValueError("at most 18 decimals of tick and step")
        self._start, self._open, self._high, self._low, self._close, self._volume = columns
        for column in columns:
            if len(column) != len(columns[0]):
                raise ValueError("columns of equal length are needed")
        self._step_ns = step_ns
        self._price_decimals, self._size_decimals = price_decimals, volume_decimals + 2
        self._tick, self._tick_decimals = tick, tick_decimals
        self._step, self._step_decimals = step, step_decimals
        # close * num / den is the close in ticks
        self._num = POWERS[max(0, tick_decimals - price_decimals)]
        self._den = tick * POWERS[max(0, price_decimals - tick_decimals)]
        self._spread_ppm = spread_ppm
        self._depth = depth_usd * 10.0 ** (price_decimals + step_decimals) / step
        self._place = place
        head = '{"type":"channel_data","connection_id":"' + connection_id + '","message_id":'
        self._head = head.encode("ascii")
        self._batch = head.replace("channel_data", "channel_batch_data").encode("ascii")
        named = ',"id":"' + ticker + '","channel":"'
        self._trades = (named + 'v4_trades","version":"1.1.0","contents":{"trades":[').encode("ascii")
        self._book = (named + 'v4_orderbook","version":"1.0.0","contents":[{"').encode("ascii")
        self._oracle = (',"channel":"v4_markets","version":"1.0.0","contents":{"oraclePrices":{"' + ticker
                        + '":{"oraclePrice":"').encode("ascii")
        self._old_bid = self._old_ask = 0
        self._day.number = -1

    cpdef int64_t put(self, list records, Py_ssize_t i, int64_t now_ns, int64_t message_id) except -1:
        """Append the messages of bar i as records of that moment; returns the next message id. Bars come in turn."""
        if not 0 <= i < self._start.shape[0]:
            raise IndexError("no such bar")
        if self._volume[i] > 0:
            records.append((now_ns, 0, REC_FRAME, self._trades_of(i, message_id)))
            message_id += 1
        records.append((now_ns, 0, REC_FRAME, self._book_of(self._close[i], message_id)))
        records.append((now_ns, 0, REC_FRAME, self._oracle_of(self._close[i], now_ns, message_id + 1)))
        return message_id + 2

    cpdef int64_t open(self, list records, Py_ssize_t i, int64_t now_ns, int64_t message_id) except -1:
        """The same for the moment at which bar i opens: book and oracle price, no trades."""
        if not 0 <= i < self._start.shape[0]:
            raise IndexError("no such bar")
        records.append((now_ns, 0, REC_FRAME, self._book_of(self._open[i], message_id)))
        records.append((now_ns, 0, REC_FRAME, self._oracle_of(self._open[i], now_ns, message_id + 1)))
        return message_id + 2

    cdef uint8_t* _begin(self, bytes head, int64_t message_id):
        cdef uint8_t* p = put_text(self._room, <const uint8_t*> head, len(head))
        return put_whole(p, message_id)

    cdef bytes _trades_of(self, Py_ssize_t i, int64_t message_id):
        cdef uint8_t* p = self._begin(self._head, message_id)
        cdef int64_t o = self._open[i]
        cdef int64_t first = self._low[i]
        cdef int64_t second = self._high[i]
        cdef int64_t third_ns = self._step_ns // 3
        cdef int64_t price, at_ns
        cdef uint8_t[16] name       # what the ids of all four begin with
        cdef uint8_t[40] size       # of each of them, as text
        cdef Py_ssize_t length = put_decimal(size, self._volume[i] * 25, self._size_decimals) - size
        cdef int k
        put_hex(put_hex(name, <uint32_t> (i + 1)), self._place + 2)
        if second - o < o - first:
            first, second = second, first
        p = put_text(p, <const uint8_t*> self._trades, len(self._trades))
        for k in range(4):
            price = o if k == 0 else first if k == 1 else second if k == 2 else self._close[i]
            at_ns = self._start[i] + (k * third_ns if k < 3 else self._step_ns - 1000000)
            p = put_text(p, b'{"id":"', 7)
            p = put_text(p, name, 16)
            memcpy(p, b'00000000","size":"', 18)
            p[7] += k
            p += 18
            p = put_text(p, size, length)
            p = put_text(p, b'","price":"', 11)
            p = put_decimal(p, price, self._price_decimals)
            if price > o or price == o and self._close[i] >= o:
                p = put_text(p, b'","side":"BUY', 13)
            else:
                p = put_text(p, b'","side":"SELL', 14)
            p = put_text(p, b'","createdAt":"', 15)
            p = put_time(p, at_ns, &self._day)
            p = put_text(p, b'","type":"LIMIT"},', 18)
        p = put_text(p - 1, b']}}', 3)
        return PyBytes_FromStringAndSize(<char*> self._room, p - self._room)

    cdef uint8_t* _level(self, uint8_t* p, int64_t ticks, int64_t steps):
        p = put_text(p, b'["', 2)
        p = put_decimal(p, ticks * self._tick, self._tick_decimals)
        p = put_text(p, b'","', 3)
        p = put_decimal(p, steps * self._step, self._step_decimals if steps else 0)
        return put_text(p, b'"]', 2)

    cdef uint8_t* _side(self, uint8_t* p, const char* name, int64_t old, int64_t new, int64_t steps):
        p = put_text(p, <const uint8_t*> name, 4)
        p = put_text(p, b'":[', 3)
        if old != new and old:
            p = self._level(p, old, 0)
            p = put_text(p, b',', 1)
        p = self._level(p, new, steps)
        return put_text(p, b']', 1)

    cdef bytes _book_of(self, int64_t price, int64_t message_id):
        cdef uint8_t* p = self._begin(self._batch, message_id)
        cdef wide close = <wide> price * self._num
        cdef wide whole = <wide> self._den * 2 * WHOLE_PPM
        cdef int64_t bid = <int64_t> (close * (2 * WHOLE_PPM - self._spread_ppm) // whole)
        cdef int64_t ask = <int64_t> ((close * (2 * WHOLE_PPM + self._spread_ppm) + whole - 1) // whole)
        cdef double steps = self._depth / <double> price
        cdef int64_t size = <int64_t> min(max(steps, 1.0), 1e12)
        bid = max(bid, 1)
        ask = max(ask, bid + 1)
        p = put_text(p, <const uint8_t*> self._book, len(self._book))
        # the side that moves away goes first: a book that crosses for a moment would be a fault
        if ask > self._old_ask:
            p = self._side(p, b"asks", self._old_ask, ask, size)
            p = put_text(p, b'},{"', 4)
            p = self._side(p, b"bids", self._old_bid, bid, size)
        else:
            p = self._side(p, b"bids", self._old_bid, bid, size)
            p = put_text(p, b'},{"', 4)
            p = self._side(p, b"asks", self._old_ask, ask, size)
        p = put_text(p, b'}]}', 3)
        self._old_bid, self._old_ask = bid, ask
        return PyBytes_FromStringAndSize(<char*> self._room, p - self._room)

    cdef bytes _oracle_of(self, int64_t price, int64_t now_ns, int64_t message_id):
        cdef uint8_t* p = self._begin(self._head, message_id)
        p = put_text(p, <const uint8_t*> self._oracle, len(self._oracle))
        p = put_decimal(p, price, self._price_decimals)
        p = put_text(p, b'","effectiveAt":"', 17)
        p = put_time(p, now_ns, &self._day)
        p = put_text(p, b'"}}}}', 5)
        return PyBytes_FromStringAndSize(<char*> self._room, p - self._room)


@cython.final
cdef class BlockFrames:
    """The message of a block."""

    cdef bytes _head
    cdef Calendar _day
    cdef uint8_t[ROOM] _room

    def __init__(self, str connection_id):
        self._day.number = -1
        head = '{"type":"channel_data","connection_id":"' + connection_id + '","message_id":'
        self._head = head.encode("ascii")

    cpdef tuple frame(self, int64_t now_ns, int64_t message_id, int64_t height):
        """The record of a block of that moment."""
        cdef uint8_t* p = put_text(self._room, <const uint8_t*> self._head, len(self._head))
        p = put_whole(p, message_id)
        p = put_text(p, b',"id":"v4_block_height","channel":"v4_block_height","version":"1.0.0",', 70)
        p = put_text(p, b'"contents":{"blockHeight":"', 27)
        p = put_whole(p, height)
        p = put_text(p, b'","time":"', 10)
        p = put_time(p, now_ns, &self._day)
        p = put_text(p, b'"}}', 3)
        return now_ns, 0, REC_FRAME, PyBytes_FromStringAndSize(<char*> self._room, p - self._room)


def merged(list frames not None, BlockFrames block not None, order, int64_t step_ns, int64_t message_id, int64_t height,
           due):
    """The ticks of the bars of all files: an iterator of (now_ns, records).

    order: returns int64 arrays (begin of bar, place of its file, number in it), by time. message_id, height: the next
    message id, and the block before. due: as for `BarFeed.ticks`, which says when what comes.
    """
    cdef const int64_t[::1] starts, places, numbers
    cdef Py_ssize_t i, behind
    cdef Py_ssize_t at = 0
    cdef int64_t end_ns, now_ns
    cdef BarFrames one
    cdef list records
    starts, places, numbers = order()
    now_ns = starts[0]
    while at < starts.shape[0]:
        end_ns = starts[at] + step_ns
        behind = at + 1
        while behind < starts.shape[0] and starts[behind] == starts[at]:
            behind += 1
        due_ns = due(now_ns)
        if due_ns is not None and due_ns < end_ns:
            now_ns = starts[at] + AFTER_OPEN_NS
            records = []
            for i in range(at, behind):
                one = frames[places[i]]
                message_id = one.open(records, numbers[i], now_ns, message_id)
            yield now_ns, records
            while True:
                due_ns = due(now_ns)
                if due_ns is None or due_ns >= end_ns:
                    break
                now_ns = max(now_ns, <int64_t> due_ns)
                yield now_ns, []
        now_ns = end_ns
        records = []
        for i in range(at, behind):
            one = frames[places[i]]
            message_id = one.put(records, numbers[i], now_ns, message_id)
        height += 1
        records.append(block.frame(now_ns, message_id, height))
        message_id += 1
        yield now_ns, records
        at = behind
