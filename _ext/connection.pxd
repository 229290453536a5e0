# What one connection has said, and which of its message ids are missing.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset

from event cimport *

cdef enum:
    CONNECTIONS = 1024      # distinct connections of one run or recording
    MISSING = 256           # message ids under watch for each: subscribe replies of some 100 channels come late by design

cdef struct Connection:
    int64_t frames
    int64_t bytes
    int64_t opened_ns       # its last `connected`
    int64_t last_ns         # its last frame
    int64_t height          # its last block
    int64_t block_ns        # that block's own time
    int64_t block_recv_ns   # when it came
    int64_t next_id         # message id that comes next, -1: not known yet
    int64_t lost_ids        # ids that never came
    int64_t given_up        # of those, the ones dropped for lack of room and not reported yet
    int64_t[MISSING] missing_id
    int64_t[MISSING] missing_ns
    int32_t missing_n
    uint32_t id_length
    uint8_t[64] id          # connection_id


cdef inline void stray_id(Connection* link, int64_t message_id, int64_t recv_ns) noexcept nogil:
    """An id out of turn: ids before it are missing until they come (subscribe replies come late by design)."""
    cdef int i
    cdef int64_t first
    if link.next_id < 0:
        link.next_id = message_id + 1
        return
    if message_id > link.next_id:
        first = link.next_id
        if message_id - first > MISSING:
            link.lost_ids += message_id - first - MISSING
            link.given_up += message_id - first - MISSING
            first = message_id - MISSING
        while first < message_id:
            if link.missing_n == MISSING:   # the oldest is given up
                link.lost_ids += 1
                link.given_up += 1
                link.missing_n -= 1
                memmove(link.missing_id, &link.missing_id[1], link.missing_n * 8)
                memmove(link.missing_ns, &link.missing_ns[1], link.missing_n * 8)
            link.missing_id[link.missing_n] = first
            link.missing_ns[link.missing_n] = recv_ns
            link.missing_n += 1
            first += 1
        link.next_id = message_id + 1
        return
    for i in range(link.missing_n):
        if link.missing_id[i] == message_id:
            link.missing_n -= 1
            memmove(&link.missing_id[i], &link.missing_id[i + 1], (link.missing_n - i) * 8)
            memmove(&link.missing_ns[i], &link.missing_ns[i + 1], (link.missing_n - i) * 8)
            return


cdef inline void follow_id(Connection* link, int64_t message_id, int64_t recv_ns) noexcept nogil:
    if likely(message_id == link.next_id):
        link.next_id += 1
    else:
        stray_id(link, message_id, recv_ns)
