# How an MCAP message lies in memory: what the kernel that writes chunks and the one that reads them share.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    #  error "integers are copied as they lie in memory: this needs a little-endian machine"
    #endif
    """

cdef enum:
    OP_CHANNEL = 0x04
    OP_MESSAGE = 0x05
    OP_MESSAGE_INDEX = 0x07
    HEAD = 31               # opcode 1, length 8, channel 2, sequence 4, log_time 8, publish_time 8
    TICK_BYTES = 20         # number 8, now_ns 8, records 4
    RECORD_KINDS = 6
    CONNECTIONS = 4096
    CHANNEL_IDS = 65536


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
