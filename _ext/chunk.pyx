"""Journal chunks: a tick's messages as MCAP records in a preallocated buffer.

`ChunkWriter` is what a tick pays for the journal: it writes MCAP message records (31 bytes of header and a copy
of the data each, little-endian) into the buffer of the current chunk. `index_messages` builds the MessageIndex
records of a filled buffer, off the tick path and without the interpreter lock. Format: docs/journal.md.

A payload is copied as it is. Which record it was (kind, connection) is said by its channel, so each chunk
declares the channels it uses and can be read alone.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.tuple cimport PyTuple_Check, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from event cimport unlikely
from message cimport (
    CONNECTIONS, HEAD, OP_MESSAGE, OP_MESSAGE_INDEX, RECORD_KINDS, TICK_BYTES, load2, load8, store2,
    store4, store8,
)

cdef enum:
    CHANNELS = 32768        # more than RECORD_KINDS * CONNECTIONS and the fixed ones
    CH_TICK = 1
    CH_DONE = 2
    CH_SNAPSHOT = 3

# What ChunkWriter.tick and .done answer.
cdef enum:
    C_OK = 0
    C_NO_ROOM = 1
    C_NEW_CHANNEL = 2
    C_STOPPED = 3

OK, NO_ROOM, NEW_CHANNEL, STOPPED = C_OK, C_NO_ROOM, C_NEW_CHANNEL, C_STOPPED
TICK_CHANNEL, DONE_CHANNEL, SNAPSHOT_CHANNEL = CH_TICK, CH_DONE, CH_SNAPSHOT
CONNECTIONS_MAX = CONNECTIONS


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
    cdef uint32_t *count = NULL
    cdef int64_t *cursor = NULL
    cdef Py_ssize_t bad = -1, total = 0
    cdef int64_t first_ns = 0, last_ns = 0
    cdef int highest = -1, channel
    cdef uint8_t *out
    try:
        with nogil:
            bad = _survey(p, size, &highest, &first_ns, &last_ns)
        if bad >= 0:
            raise ValueError(f"no whole MCAP record at byte {bad} of the chunk")
        # Of the channels that occur, which are few: tables of all ids would be 768 KB, cleared for every chunk.
        count = <uint32_t *> calloc(highest + 2, sizeof(uint32_t))
        cursor = <int64_t *> calloc(highest + 2, sizeof(int64_t))
        if count == NULL or cursor == NULL:
            raise MemoryError("no memory for the index of a chunk")
        with nogil:
            _count(p, size, count)
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


cdef Py_ssize_t _survey(
    const uint8_t *p, Py_ssize_t size, int *highest, int64_t *first_ns, int64_t *last_ns
) noexcept nogil:
    """Highest channel and span of the messages. Returns -1, or the position of what is not a whole record."""
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
            if channel > highest[0]:
                highest[0] = channel
            if not any or log_ns < first_ns[0]:
                first_ns[0] = log_ns
            if not any or log_ns > last_ns[0]:
                last_ns[0] = log_ns
            any = True
        at += 9 + <Py_ssize_t> length
    return -1


cdef void _count(const uint8_t *p, Py_ssize_t size, uint32_t *count) noexcept nogil:
    """Count the messages of each channel. The bytes were checked by _survey."""
    cdef Py_ssize_t at = 0
    while at < size:
        if p[at] == OP_MESSAGE:
            count[load2(p + at + 9)] += 1
        at += 9 + <Py_ssize_t> load8(p + at + 1)


cdef void _fill(const uint8_t *p, Py_ssize_t size, int64_t *cursor, uint8_t *out) noexcept nogil:
    """Write (log_time, offset) of each message at its channel's cursor. The bytes were checked by _survey."""
    cdef Py_ssize_t at = 0
    cdef uint16_t channel
    while at < size:
        if p[at] == OP_MESSAGE:
            channel = load2(p + at + 9)
            memcpy(out + cursor[channel], p + at + 15, 8)
            store8(out + cursor[channel] + 8, at)
            cursor[channel] += 16
        at += 9 + <Py_ssize_t> load8(p + at + 1)
