"""Reads the ticks of a journal out of its decompressed chunks. Format: docs/journal.md."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_SET_ITEM
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from event cimport REC_FRAME, REC_GAP, REC_LINK, REC_OPERATOR, REC_REST, REC_VENUE, unlikely
from message cimport CHANNEL_IDS, CONNECTIONS, HEAD, OP_CHANNEL, OP_MESSAGE, TICK_BYTES, load2, load4, load8

cdef extern from *:
    """
    /* An uninitialised instance of a subclass of tuple with five fields (a NamedTuple). */
    static PyObject *sniper_five(PyObject *type) {
        return ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, 5);
    }
    """
    tuple sniper_five(object type)

cdef enum:
    RECORDS_MAX = 1 << 20   # of one tick: a bound for what a damaged file may claim

# What a channel carries.
cdef enum:
    ROLE_UNKNOWN = 0
    ROLE_OTHER = 1
    ROLE_TICK = 2
    ROLE_DONE = 3
    ROLE_RECORD = 8         # + kind

_KINDS = {"frame": REC_FRAME, "rest": REC_REST, "gap": REC_GAP, "link": REC_LINK, "operator": REC_OPERATOR,
          "venue": REC_VENUE}


cdef class TickReader:
    """Yields the whole ticks of the chunks it is fed, as `tick_type` (a NamedTuple of five fields).

    The fields: number, now_ns, records [(recv_ns, connection, kind, data)], commands and digests (bytes, or
    None where the journal holds no `done` for the tick). Numbers go in steps of 1. Iterating stops at the end
    of the chunk; a tick that is not whole by then is carried into the next one; `finish` yields a last one
    without its done. Before
    the first tick message, and after `restart`, records and dones that belong to an earlier tick are skipped.
    ValueError says where bytes are not what a journal holds.
    """

    cdef object tick_type
    cdef bytes data
    cdef Py_ssize_t at, size
    cdef uint64_t number, floor
    cdef int64_t now_ns
    cdef uint32_t expected, got
    cdef bint active                # a tick message was read, its done not yet
    cdef bint synced                # a tick message was read since the start
    cdef bint skipping              # the tick is below the floor: do not build it
    cdef list records
    cdef uint8_t *role              # [channel id]
    cdef uint16_t *connection       # [channel id]

    def __cinit__(self):
        self.role = <uint8_t *> calloc(CHANNEL_IDS, sizeof(uint8_t))
        self.connection = <uint16_t *> calloc(CHANNEL_IDS, sizeof(uint16_t))
        if self.role == NULL or self.connection == NULL:
            raise MemoryError("no memory for the journal's channel tables")

    def __dealloc__(self):
        free(self.role)
        free(self.connection)

    def __init__(self, type tick_type not None):
        if not issubclass(tick_type, tuple) or len(getattr(tick_type, "_fields", ())) != 5:
            raise TypeError("tick_type must be a NamedTuple of five fields")
        self.tick_type = tick_type
        self.data = b""

    def restart(self, uint64_t floor=0):
        """Forget all ticks so far and the channels; yield only ticks of number >= floor from here on."""
        self.floor = floor
        self.active = self.synced = self.skipping = False
        self.records = None
        self.data = b""
        self.at = self.size = 0
        memset(self.role, 0, CHANNEL_IDS)

    def declare(self, int channel, str topic not None):
        """Say what the channel carries: /tick, /done, /<kind>/<connection>; anything else is skipped."""
        if not 0 <= channel < CHANNEL_IDS:
            raise ValueError(f"no channel {channel}")
        self.role[channel] = ROLE_OTHER
        if topic == "/tick":
            self.role[channel] = ROLE_TICK
        elif topic == "/done":
            self.role[channel] = ROLE_DONE
        else:
            _, _, rest = topic.partition("/")
            name, _, index = rest.partition("/")
            if name in _KINDS and index.isascii() and index.isdecimal() and int(index) < CONNECTIONS:
                self.role[channel] = ROLE_RECORD + <int> _KINDS[name]
                self.connection[channel] = int(index)

    def feed(self, bytes data not None):
        """Go on with the bytes of the next chunk, decompressed. Call it when iterating has stopped."""
        assert self.at >= self.size, "the chunk before was not read to its end"
        self.data = data
        self.at = 0
        self.size = PyBytes_GET_SIZE(data)

    def __iter__(self):
        return self

    def __next__(self):
        cdef const uint8_t *start = <const uint8_t *> PyBytes_AS_STRING(self.data)
        cdef const uint8_t *p
        cdef uint64_t length
        cdef uint16_t channel
        cdef uint8_t role
        while self.at < self.size:
            p = start + self.at
            if unlikely(self.size - self.at < 9):
                raise ValueError(f"cut record at byte {self.at} of the chunk")
            length = load8(p + 1)
            if unlikely(length > <uint64_t> (self.size - self.at - 9)):
                raise ValueError(f"cut record at byte {self.at} of the chunk")
            if p[0] == OP_MESSAGE:
                if unlikely(length < HEAD - 9):
                    raise ValueError(f"message of {length} bytes at byte {self.at} of the chunk")
                channel = load2(p + 9)
                role = self.role[channel]
                if role >= ROLE_RECORD:
                    self._record(p, role - ROLE_RECORD, self.connection[channel], length - (HEAD - 9))
                elif role == ROLE_TICK:
                    if unlikely(self.active):
                        last = self._take(None, None)       # the message is read again by the next call
                        if last is not None:
                            return last
                        continue
                    self._tick(p + HEAD, length - (HEAD - 9))
                elif role == ROLE_DONE:
                    tick = self._done(p + HEAD, length - (HEAD - 9))
                    if tick is not None:
                        self.at += 9 + <Py_ssize_t> length
                        return tick
                elif unlikely(role == ROLE_UNKNOWN):
                    raise ValueError(f"message of the undeclared channel {channel} at byte {self.at} of the chunk")
            elif p[0] == OP_CHANNEL:
                self._channel(p + 9, length)
            self.at += 9 + <Py_ssize_t> length
        raise StopIteration

    def finish(self):
        """The last tick if it came without its done, else None. Call it after the last chunk."""
        if not self.active or self.got != self.expected:
            self.active = False
            return None                                     # cut within its records: the tail is torn
        return self._take(None, None)

    cdef object _take(self, commands, digests):
        """The tick as it stands, or None when it is below the floor."""
        cdef tuple tick
        cdef object number, now_ns
        self.active = False
        if unlikely(self.got != self.expected):
            raise ValueError(f"tick {self.number} has {self.got} of {self.expected} records")
        if self.skipping:
            return None
        tick = sniper_five(self.tick_type)
        number = self.number
        now_ns = self.now_ns
        Py_INCREF(number)
        PyTuple_SET_ITEM(tick, 0, number)
        Py_INCREF(now_ns)
        PyTuple_SET_ITEM(tick, 1, now_ns)
        Py_INCREF(self.records)
        PyTuple_SET_ITEM(tick, 2, self.records)
        Py_INCREF(commands)
        PyTuple_SET_ITEM(tick, 3, commands)
        Py_INCREF(digests)
        PyTuple_SET_ITEM(tick, 4, digests)
        self.records = None
        return tick

    cdef int _tick(self, const uint8_t *p, Py_ssize_t length) except -1:
        cdef uint64_t number
        if unlikely(length < TICK_BYTES):
            raise ValueError(f"tick message of {length} bytes at byte {self.at} of the chunk")
        number = load8(p)
        if unlikely(self.synced and number != self.number + 1):
            raise ValueError(f"tick {number} follows tick {self.number}")
        self.number = number
        self.now_ns = load8(p + 8)
        self.expected = load4(p + 16)
        if unlikely(self.expected > RECORDS_MAX):
            raise ValueError(f"tick {self.number} claims {self.expected} records")
        self.got = 0
        self.active = self.synced = True
        self.skipping = self.number < self.floor
        if not self.skipping:
            self.records = PyList_New(self.expected)        # every place is filled before it is handed out
        return 0

    cdef int _record(self, const uint8_t *p, int kind, int connection, Py_ssize_t length) except -1:
        cdef int64_t recv_ns
        if unlikely(not self.active):
            if self.synced:
                raise ValueError(f"record outside a tick at byte {self.at} of the chunk")
            return 0
        if unlikely(self.got == self.expected):
            raise ValueError(f"tick {self.number} has more than its {self.expected} records")
        if not self.skipping:
            recv_ns = load8(p + 23)
            data = PyBytes_FromStringAndSize(<const char *> p + HEAD, length)
            record = (recv_ns, connection, kind, data)
            Py_INCREF(record)
            PyList_SET_ITEM(self.records, self.got, record)
        self.got += 1
        return 0

    cdef object _done(self, const uint8_t *p, Py_ssize_t length):
        cdef Py_ssize_t stages
        if unlikely(length < 9 or length < 9 + 16 * <Py_ssize_t> p[8]):
            raise ValueError(f"done message of {length} bytes at byte {self.at} of the chunk")
        if unlikely(not self.active):
            if self.synced:
                raise ValueError(f"done outside a tick at byte {self.at} of the chunk")
            return None
        if unlikely(load8(p) != self.number):
            raise ValueError(f"done of tick {load8(p)} in tick {self.number}")
        if self.skipping:
            return self._take(None, None)
        stages = p[8]
        return self._take(
            PyBytes_FromStringAndSize(<const char *> p + 9 + 16 * stages, length - 9 - 16 * stages),
            PyBytes_FromStringAndSize(<const char *> p + 9, 16 * stages),
        )

    cdef int _channel(self, const uint8_t *p, Py_ssize_t length) except -1:
        cdef Py_ssize_t topic
        if unlikely(length < 8):
            raise ValueError(f"channel record of {length} bytes at byte {self.at} of the chunk")
        topic = load4(p + 4)
        if unlikely(topic > length - 8):
            raise ValueError(f"channel record with a topic of {topic} bytes at byte {self.at} of the chunk")
        if self.role[load2(p)] == ROLE_UNKNOWN:
            self.declare(load2(p), PyBytes_FromStringAndSize(<const char *> p + 8, topic).decode("utf-8", "replace"))
        return 0
