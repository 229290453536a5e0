"""Journal chunks: MCAP message records into a preallocated buffer, and back out of it as whole ticks.

`ChunkWriter` is what a tick pays for the journal: it writes a tick's messages as MCAP records (31 bytes of
header and a copy of the data each, little-endian) into the buffer of the current chunk. `index_messages`
builds the MessageIndex records of a filled buffer, off the tick path and without the interpreter lock.
`TickReader` walks decompressed chunks and yields whole ticks. Format: docs/journal.md.

A payload is copied as it is. Which record it was (kind, connection) is said by its channel, so each chunk
declares the channels it uses and can be read alone.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE, PyList_New, PyList_SET_ITEM
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_Check, PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_SET_ITEM
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from event cimport REC_FRAME, REC_GAP, REC_LINK, REC_OPERATOR, REC_REST, unlikely

cdef extern from *:
    """
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    #  error "chunk.pyx copies integers as they lie in memory: it needs a little-endian machine"
    #endif
    /* An uninitialised instance of a subclass of tuple with five fields (a NamedTuple). */
    static PyObject *sniper_five(PyObject *type) {
        return ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, 5);
    }
    """
    tuple sniper_five(object type)

cdef enum:
    OP_CHANNEL = 0x04
    OP_MESSAGE = 0x05
    OP_MESSAGE_INDEX = 0x07
    HEAD = 31               # opcode 1, length 8, channel 2, sequence 4, log_time 8, publish_time 8
    TICK_BYTES = 20         # number 8, now_ns 8, records 4
    RECORD_KINDS = 5
    CONNECTIONS = 4096
    CHANNELS = 32768        # more than RECORD_KINDS * CONNECTIONS and the fixed ones
    CHANNEL_IDS = 65536
    CH_TICK = 1
    CH_DONE = 2
    CH_SNAPSHOT = 3
    RECORDS_MAX = 1 << 20   # of one tick, when reading: a bound for what a damaged file may claim

# What ChunkWriter.tick and .done answer.
cdef enum:
    C_OK = 0
    C_NO_ROOM = 1
    C_NEW_CHANNEL = 2
    C_STOPPED = 3

# What a channel carries, to TickReader.
cdef enum:
    ROLE_UNKNOWN = 0
    ROLE_OTHER = 1
    ROLE_TICK = 2
    ROLE_DONE = 3
    ROLE_RECORD = 8         # + kind

OK, NO_ROOM, NEW_CHANNEL, STOPPED = C_OK, C_NO_ROOM, C_NEW_CHANNEL, C_STOPPED
TICK_CHANNEL, DONE_CHANNEL, SNAPSHOT_CHANNEL = CH_TICK, CH_DONE, CH_SNAPSHOT
CONNECTIONS_MAX = CONNECTIONS
_KINDS = {"frame": REC_FRAME, "rest": REC_REST, "gap": REC_GAP, "link": REC_LINK, "operator": REC_OPERATOR}


cdef inline uint64_t load8(const uint8_t *p) noexcept nogil:
    cdef uint64_t x
    memcpy(&x, p, 8)
    return x


cdef inline uint32_t load4(const uint8_t *p) noexcept nogil:
    cdef uint32_t x
    memcpy(&x, p, 4)
    return x


cdef inline uint16_t load2(const uint8_t *p) noexcept nogil:
    cdef uint16_t x
    memcpy(&x, p, 2)
    return x


cdef inline void store8(uint8_t *p, uint64_t x) noexcept nogil:
    memcpy(p, &x, 8)


cdef inline void store4(uint8_t *p, uint32_t x) noexcept nogil:
    memcpy(p, &x, 4)


cdef inline void store2(uint8_t *p, uint16_t x) noexcept nogil:
    memcpy(p, &x, 2)


cdef class ChunkWriter:
    """Writes ticks into the buffer of the current chunk.

    buffer: a bytearray of the chunk's size. `tick` and `done` return OK, or say why nothing was written:
    NO_ROOM (`need` bytes do not fit: `swap` the buffer), NEW_CHANNEL (`declare` it), STOPPED (`begin`). A
    tick's own messages are never divided between two chunks; its `done` may lie in a later one. Ticks are
    numbered in steps of 1.

    Every method holds the interpreter lock from its first to its last step and runs no Python code in
    between, so another thread may call `swap` at any time.
    """

    cdef bytearray buffer
    cdef uint8_t[::1] held                  # an export of the buffer: so nobody can resize it
    cdef uint8_t *start
    cdef readonly Py_ssize_t used, capacity, need
    cdef readonly uint64_t last_tick        # the last one written, or the number given to `begin`
    cdef readonly bint in_tick              # its done is still to come
    cdef public bint stopped
    cdef int64_t now_ns
    cdef uint32_t epoch                     # of the chunk: a channel with another one is not declared in it
    cdef uint16_t *channel_of               # [kind][connection] -> channel id, 0: unknown
    cdef uint32_t *epoch_of                 # [channel id]
    cdef uint32_t *sequence_of              # [channel id]: messages so far
    cdef list declarations                  # [channel id] -> its Channel record

    def __cinit__(self):
        self.channel_of = <uint16_t *> calloc(RECORD_KINDS * CONNECTIONS, sizeof(uint16_t))
        self.epoch_of = <uint32_t *> calloc(CHANNELS, sizeof(uint32_t))
        self.sequence_of = <uint32_t *> calloc(CHANNELS, sizeof(uint32_t))
        if self.channel_of == NULL or self.epoch_of == NULL or self.sequence_of == NULL:
            raise MemoryError("no memory for the journal's channel tables")

    def __dealloc__(self):
        free(self.channel_of)
        free(self.epoch_of)
        free(self.sequence_of)

    def __init__(self, bytearray buffer not None, bytes tick_record not None, bytes done_record not None):
        """tick_record, done_record: the MCAP Channel records of /tick and /done."""
        self.declarations = [None] * CHANNELS
        self.declarations[CH_TICK] = tick_record
        self.declarations[CH_DONE] = done_record
        self.stopped = True
        self.swap(buffer)

    def swap(self, bytearray fresh not None):
        """Hand out the current buffer and go on in `fresh`: (buffer, bytes used, last tick in it)."""
        cdef uint8_t[::1] held = fresh
        cdef Py_ssize_t used = self.used
        cdef uint64_t last_tick = self.last_tick
        old = self.buffer
        # From reading `used` to here nothing allocates, so no finalizer and no other thread can come between.
        self.start = <uint8_t *> PyByteArray_AS_STRING(fresh)
        self.capacity = PyByteArray_GET_SIZE(fresh)
        self.used = 0
        self.epoch += 1
        self.buffer = fresh
        self.held = held
        return old, used, last_tick

    def drop(self):
        """Forget what the current buffer holds."""
        self.used = 0
        self.epoch += 1

    def begin(self, uint64_t number):
        """Write from here on: the next tick is number + 1. A new writer is stopped until then."""
        self.last_tick = number
        self.in_tick = self.stopped = False

    def declare(self, int kind, int connection, int channel, bytes record not None):
        """Make the channel of (kind, connection) known: its id, and its MCAP Channel record."""
        if not 0 <= kind < RECORD_KINDS or not 0 <= connection < CONNECTIONS or not CH_SNAPSHOT < channel < CHANNELS:
            raise ValueError(f"no channel {channel} for kind {kind} and connection {connection}")
        self.channel_of[kind * CONNECTIONS + connection] = channel
        self.declarations[channel] = record

    def knows(self, int kind, int connection):
        """Whether (kind, connection) has a channel. ValueError where it cannot have one."""
        if not 0 <= kind < RECORD_KINDS or not 0 <= connection < CONNECTIONS:
            raise ValueError(f"a record of kind {kind} on connection {connection} cannot be journalled: "
                             f"kinds are 0..{RECORD_KINDS - 1}, connections 0..{CONNECTIONS - 1}")
        return self.channel_of[kind * CONNECTIONS + connection] != 0

    cdef inline Py_ssize_t _declaration(self, uint16_t channel) noexcept:
        """Bytes that the chunk still needs to declare this channel."""
        if self.epoch_of[channel] == self.epoch:
            return 0
        return PyBytes_GET_SIZE(<object> PyList_GET_ITEM(self.declarations, channel))

    cdef inline uint8_t *_message(
        self, uint8_t *p, uint16_t channel, int64_t publish_ns, Py_ssize_t length
    ) noexcept:
        """Write the head of a message of `length` bytes, and its channel where the chunk has it not yet."""
        cdef Py_ssize_t declared
        if unlikely(self.epoch_of[channel] != self.epoch):
            record = <object> PyList_GET_ITEM(self.declarations, channel)
            declared = PyBytes_GET_SIZE(record)
            memcpy(p, PyBytes_AS_STRING(record), declared)
            p += declared
            self.epoch_of[channel] = self.epoch
        p[0] = OP_MESSAGE
        store8(p + 1, length + HEAD - 9)
        store2(p + 9, channel)
        store4(p + 11, self.sequence_of[channel])
        store8(p + 15, self.now_ns)
        store8(p + 23, publish_ns)
        self.sequence_of[channel] += 1
        return p + HEAD

    def tick(self, uint64_t number, int64_t now_ns, list records not None):
        """Write the tick message and one message for each record (recv_ns, connection, kind, data)."""
        cdef Py_ssize_t n = PyList_GET_SIZE(records), i, length
        cdef Py_ssize_t need = HEAD + TICK_BYTES + self._declaration(CH_TICK)
        cdef int64_t recv_ns
        cdef long kind, connection
        cdef uint16_t channel
        cdef uint8_t *p
        if self.stopped:
            self.in_tick = False
            return C_STOPPED
        if unlikely(number != self.last_tick + 1):
            raise ValueError(f"tick {number} does not follow tick {self.last_tick}")
        for i in range(n):
            record = <object> PyList_GET_ITEM(records, i)
            if unlikely(not PyTuple_Check(record) or PyTuple_GET_SIZE(record) != 4):
                raise TypeError(f"record {i} of tick {number} is not (recv_ns, connection, kind, data)")
            recv_ns = <object> PyTuple_GET_ITEM(record, 0)
            connection = <object> PyTuple_GET_ITEM(record, 1)
            kind = <object> PyTuple_GET_ITEM(record, 2)
            data = <object> PyTuple_GET_ITEM(record, 3)
            if unlikely(not PyBytes_CheckExact(data)):
                raise TypeError(f"the data of record {i} of tick {number} is {type(data).__name__}, not bytes")
            if unlikely(not 0 <= kind < RECORD_KINDS or not 0 <= connection < CONNECTIONS):
                return C_NEW_CHANNEL
            channel = self.channel_of[kind * CONNECTIONS + connection]
            if unlikely(channel == 0):
                return C_NEW_CHANNEL
            need += HEAD + PyBytes_GET_SIZE(data) + self._declaration(channel)
        if unlikely(need > self.capacity - self.used):
            self.need = need
            return C_NO_ROOM
        self.now_ns = now_ns
        p = self._message(self.start + self.used, CH_TICK, now_ns, TICK_BYTES)
        store8(p, number)
        store8(p + 8, now_ns)
        store4(p + 16, n)
        p += TICK_BYTES
        for i in range(n):
            record = <object> PyList_GET_ITEM(records, i)
            recv_ns = <object> PyTuple_GET_ITEM(record, 0)
            connection = <object> PyTuple_GET_ITEM(record, 1)
            kind = <object> PyTuple_GET_ITEM(record, 2)
            data = <object> PyTuple_GET_ITEM(record, 3)
            length = PyBytes_GET_SIZE(data)
            p = self._message(p, self.channel_of[kind * CONNECTIONS + connection], recv_ns, length)
            memcpy(p, PyBytes_AS_STRING(data), length)
            p += length
        self.used = p - self.start
        self.last_tick = number
        self.in_tick = True
        return C_OK

    def done(self, uint64_t number, bytes commands not None, bytes digests not None):
        """Write the done message of the tick that was written last: its commands and 16 bytes a stage."""
        cdef Py_ssize_t stages = PyBytes_GET_SIZE(digests) // 16
        cdef Py_ssize_t said = PyBytes_GET_SIZE(commands)
        cdef Py_ssize_t need = HEAD + 9 + 16 * stages + said + self._declaration(CH_DONE)
        cdef uint8_t *p
        if self.stopped:
            self.in_tick = False
            return C_STOPPED
        if unlikely(not self.in_tick or number != self.last_tick):
            raise ValueError(f"done({number}) does not follow tick({number})")
        if unlikely(16 * stages != PyBytes_GET_SIZE(digests) or stages > 255):
            raise ValueError(f"{PyBytes_GET_SIZE(digests)} bytes of digests are not 16 for each of up to 255 stages")
        if unlikely(need > self.capacity - self.used):
            self.need = need
            return C_NO_ROOM
        p = self._message(self.start + self.used, CH_DONE, self.now_ns, 9 + 16 * stages + said)
        store8(p, number)
        p[8] = <uint8_t> stages
        memcpy(p + 9, PyBytes_AS_STRING(digests), 16 * stages)
        memcpy(p + 9 + 16 * stages, PyBytes_AS_STRING(commands), said)
        self.used = p + 9 + 16 * stages + said - self.start
        self.in_tick = False
        return C_OK


def index_messages(const uint8_t[::1] data not None):
    """The MessageIndex records of a chunk: (first log_time, last log_time, records, channels).

    data: whole MCAP records (Schema, Channel, Message). channels: [(channel id, messages, offset of its
    MessageIndex record within `records`)] by id. ValueError when the bytes are not whole records.
    """
    cdef Py_ssize_t size = data.shape[0]
    cdef const uint8_t *p = &data[0] if size else NULL
    cdef uint32_t *count = <uint32_t *> calloc(CHANNEL_IDS, sizeof(uint32_t))
    cdef int64_t *cursor = <int64_t *> calloc(CHANNEL_IDS, sizeof(int64_t))
    cdef Py_ssize_t bad = -1, total = 0
    cdef int64_t first_ns = 0, last_ns = 0
    cdef int highest = -1, channel
    cdef uint8_t *out
    try:
        if count == NULL or cursor == NULL:
            raise MemoryError("no memory for the index of a chunk")
        with nogil:
            bad = _count(p, size, count, &highest, &first_ns, &last_ns)
        if bad >= 0:
            raise ValueError(f"no whole MCAP record at byte {bad} of the chunk")
        channels = []
        for channel in range(highest + 1):
            if count[channel]:
                channels.append((channel, count[channel], total))
                cursor[channel] = total + 15
                total += 15 + 16 * <Py_ssize_t> count[channel]
        records = PyBytes_FromStringAndSize(NULL, total)
        out = <uint8_t *> PyBytes_AS_STRING(records)
        with nogil:
            for channel in range(highest + 1):
                if count[channel]:
                    _index_head(out + cursor[channel] - 15, channel, count[channel])
            _fill(p, size, cursor, out)
        return first_ns, last_ns, records, channels
    finally:
        free(count)
        free(cursor)


cdef void _index_head(uint8_t *out, uint16_t channel, uint32_t count) noexcept nogil:
    out[0] = OP_MESSAGE_INDEX
    store8(out + 1, 6 + 16 * <uint64_t> count)
    store2(out + 9, channel)
    store4(out + 11, 16 * count)


cdef Py_ssize_t _count(
    const uint8_t *p, Py_ssize_t size, uint32_t *count, int *highest, int64_t *first_ns, int64_t *last_ns
) noexcept nogil:
    """Count the messages of each channel. Returns -1, or the position of what is not a whole record."""
    cdef Py_ssize_t at = 0
    cdef uint64_t length
    cdef int64_t log_ns
    cdef uint16_t channel
    cdef bint any = False
    while at < size:
        if size - at < 9:
            return at
        length = load8(p + at + 1)
        if length > <uint64_t> (size - at - 9):
            return at
        if p[at] == OP_MESSAGE:
            if length < HEAD - 9:
                return at
            channel = load2(p + at + 9)
            log_ns = load8(p + at + 15)
            count[channel] += 1
            if channel > highest[0]:
                highest[0] = channel
            if not any or log_ns < first_ns[0]:
                first_ns[0] = log_ns
            if not any or log_ns > last_ns[0]:
                last_ns[0] = log_ns
            any = True
        at += 9 + <Py_ssize_t> length
    return -1


cdef void _fill(const uint8_t *p, Py_ssize_t size, int64_t *cursor, uint8_t *out) noexcept nogil:
    """Write (log_time, offset) of each message at its channel's cursor. The bytes were checked by _count."""
    cdef Py_ssize_t at = 0
    cdef uint16_t channel
    while at < size:
        if p[at] == OP_MESSAGE:
            channel = load2(p + at + 9)
            memcpy(out + cursor[channel], p + at + 15, 8)
            store8(out + cursor[channel] + 8, at)
            cursor[channel] += 16
        at += 9 + <Py_ssize_t> load8(p + at + 1)


cdef class TickReader:
    """Yields the whole ticks of the chunks it is fed, as `tick_type` (a NamedTuple of five fields).

    The fields: number, now_ns, records [(recv_ns, connection, kind, data)], commands and digests (bytes, or
    None where the journal holds no `done` for the tick). Numbers go in steps of 1. Iterating stops at the end of the chunk; a tick that
    is not whole by then is carried into the next one; `finish` yields a last one without its done. Before
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
