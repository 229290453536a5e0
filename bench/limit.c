/* What plain C needs for the same work: a reference to measure against, no product.
 *
 * It reads exactly the frames that bench/frames.py writes in server style (fixed key order, no blanks, no escapes)
 * into fixed-point books of two sorted arrays a market, and counts trades. Lengths that never change are skipped,
 * next to nothing is validated, nothing is kept but the books: whoever checks more, or knows more, has to pay more.
 *
 *     limit FRAMES TABLE REPEAT     TABLE: lines "ticker price_decimals size_decimals"
 *
 * Prints one JSON document: ns of processor time per frame of each repetition, and the books at the end.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MARKETS_MAX = 16, LEVELS_MAX = 4096 };

typedef struct { int64_t price, size; } Level;

/* The best level stands last: bids rise, asks fall. */
typedef struct { int count; Level level[LEVELS_MAX]; } Side;

typedef struct {
    char ticker[24];
    size_t ticker_length;
    int price_decimals, size_decimals;
    Side side[2];
    int64_t trades, last_price, volume[2];
} Market;

typedef struct { const char *text; size_t length; } Frame;

static Market markets[MARKETS_MAX];
static int markets_count;
static int64_t levels_seen;
static int64_t touch;                   /* folds the best prices, so that nothing is optimised away */
static int64_t power[19];

static void stop(const char *why, const char *at) {
    fprintf(stderr, "limit: %s at: %.60s\n", why, at);
    exit(1);
}

/* A decimal as a whole number of 10 ** -decimals; p at its first digit; returns behind the closing quote. */
static inline const char *number(const char *p, int decimals, int64_t *out) {
    int64_t value = 0;
    for (; *p >= '0'; p++) value = value * 10 + (*p - '0');
    if (*p == '.') {
        for (p++; *p >= '0'; p++, decimals--) value = value * 10 + (*p - '0');
    }
    *out = value * power[decimals];
    return p + 1;
}

static inline void put(Side *side, int is_ask, int64_t price, int64_t size) {
    Level *level = side->level;
    int at = side->count;
    /* most changes are near the touch, so look from there */
    if (is_ask) while (at > 0 && level[at - 1].price < price) at--;
    else while (at > 0 && level[at - 1].price > price) at--;
    int behind = side->count - at;
    if (at > 0 && level[at - 1].price == price) {
        if (size) { level[at - 1].size = size; return; }
        memmove(level + at - 1, level + at, (size_t)behind * sizeof(Level));
        side->count--;
        return;
    }
    if (size == 0) return;
    if (side->count == LEVELS_MAX) stop("a side is full", "");
    memmove(level + at + 1, level + at, (size_t)behind * sizeof(Level));
    level[at].price = price;
    level[at].size = size;
    side->count++;
}

static inline Market *find(const char *ticker, size_t length) {
    for (int i = 0; i < markets_count; i++)
        if (markets[i].ticker_length == length && memcmp(markets[i].ticker, ticker, length) == 0) return &markets[i];
    stop("unknown market", ticker);
    return NULL;
}

/* p behind `"id":"`; leaves it behind the closing quote. */
static inline Market *ticker(const char **p) {
    const char *start = *p, *end = start;
    while (*end != '"') end++;
    *p = end + 1;
    return find(start, (size_t)(end - start));
}

#define SKIP(p, literal) ((p) += sizeof(literal) - 1)

/* p at `[{"bids":[["1","2"],...]},...]` */
static inline void changes(const char *p, Market *m) {
    do {
        p++;                                            /* [ or , */
        int is_ask = p[2] == 'a';
        SKIP(p, "{\"bids\":");
        do {
            int64_t price, size;
            SKIP(p, "[[\"");
            p = number(p, m->price_decimals, &price);
            SKIP(p, ",\"");
            p = number(p, m->size_decimals, &size);
            put(&m->side[is_ask], is_ask, price, size);
            levels_seen++;
            p++;                                        /* ] */
        } while (*p == ',');
        SKIP(p, "]}");
    } while (*p == ',');
    if (*p != ']') stop("a book update does not end here", p);
}

/* p at `{"bids":[{"price":"1","size":"2"},...],"asks":[...]}` */
static inline void snapshot(const char *p, Market *m) {
    for (int is_ask = 0; is_ask < 2; is_ask++) {
        SKIP(p, "{\"bids\":");
        m->side[is_ask].count = 0;
        do {
            int64_t price, size;
            SKIP(p, "[{\"price\":\"");
            p = number(p, m->price_decimals, &price);
            SKIP(p, ",\"size\":\"");
            p = number(p, m->size_decimals, &size);
            put(&m->side[is_ask], is_ask, price, size);
            levels_seen++;
            p++;                                        /* } */
        } while (*p == ',');
        p++;                                            /* ] */
    }
    if (*p != '}') stop("a snapshot does not end here", p);
}

/* p at `{"trades":[{"id":"..24..","size":"1","price":"2","side":"BUY","createdAt":"..24..","type":"LIMIT"},...]}` */
static inline void trades(const char *p, Market *m) {
    SKIP(p, "{\"trades\":");
    do {
        int64_t price, size;
        SKIP(p, "[{\"id\":\"000000000000000000000000\",\"size\":\"");
        p = number(p, m->size_decimals, &size);
        SKIP(p, ",\"price\":\"");
        p = number(p, m->price_decimals, &price);
        SKIP(p, ",\"side\":\"");
        int sells = *p == 'S';
        p += sells ? 4 : 3;
        m->trades++;
        m->last_price = price;
        m->volume[sells] += size;
        SKIP(p, "\",\"createdAt\":\"2026-11-21T00:00:00.000Z\",\"type\":\"LIMIT\"}");
    } while (*p == ',');
    if (*p != ']') stop("a list of trades does not end here", p);
}

static inline void read_frame(const char *p) {
    Market *m;
    char kind = p[sizeof("{\"type\":\"channel_") - 1];   /* b channel_batch_data, d channel_data, else subscribed */
    if (kind == 'b') SKIP(p, "{\"type\":\"channel_batch_data");
    else if (kind == 'd') SKIP(p, "{\"type\":\"channel_data");
    else SKIP(p, "{\"type\":\"subscribed");
    SKIP(p, "\",\"connection_id\":\"00000000-0000-0000-0000-000000000000\",\"message_id\":");
    while (*p != ',') p++;
    if (kind == 'b') {
        SKIP(p, ",\"id\":\"");
        m = ticker(&p);
        SKIP(p, ",\"channel\":\"v4_orderbook\",\"version\":\"1.0.0\",\"contents\":");
        changes(p, m);
    } else if (kind == 'd') {
        SKIP(p, ",\"id\":\"");
        m = ticker(&p);
        SKIP(p, ",\"channel\":\"v4_trades\",\"version\":\"2.1.0\",\"contents\":");
        trades(p, m);
    } else {
        SKIP(p, ",\"channel\":\"v4_");
        if (*p != 'o') return;                          /* the market table: TABLE has told us */
        SKIP(p, "orderbook\",\"id\":\"");
        m = ticker(&p);
        SKIP(p, ",\"contents\":");
        snapshot(p, m);
    }
    Side *bids = &m->side[0], *asks = &m->side[1];
    if (bids->count && asks->count)
        touch = touch * 31 + bids->level[bids->count - 1].price - asks->level[asks->count - 1].price;
}

static void read_table(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) stop("cannot open", path);
    Market *m = markets;
    while (markets_count < MARKETS_MAX
           && fscanf(file, "%23s %d %d", m->ticker, &m->price_decimals, &m->size_decimals) == 3) {
        m->ticker_length = strlen(m->ticker);
        m++;
        markets_count++;
    }
    fclose(file);
}

static Frame *read_frames(const char *path, size_t *count) {
    FILE *file = fopen(path, "rb");
    if (!file) stop("cannot open", path);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(size + 1);
    if (!text || fread(text, 1, size, file) != size) stop("cannot read", path);
    text[size] = 0;
    fclose(file);
    size_t lines = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    Frame *frames = malloc((lines + 1) * sizeof(Frame));
    if (!frames) stop("no memory for", path);
    char *start = text;
    for (size_t i = 0; i < lines; i++) {
        char *end = strchr(start, '\n');
        frames[i].text = start;
        frames[i].length = (size_t)(end - start);
        start = end + 1;
    }
    *count = lines;
    return frames;
}

static void print_side(const Side *side) {
    printf("[");
    for (int i = side->count - 1; i >= 0; i--)
        printf("%s[%" PRId64 ",%" PRId64 "]", i == side->count - 1 ? "" : ",", side->level[i].price, side->level[i].size);
    printf("]");
}

int main(int argc, char **argv) {
    if (argc != 4) { fprintf(stderr, "usage: limit FRAMES TABLE REPEAT\n"); return 2; }
    size_t count;
    power[0] = 1;
    for (int i = 1; i < 19; i++) power[i] = power[i - 1] * 10;
    read_table(argv[2]);
    Frame *frames = read_frames(argv[1], &count);
    int repeat = atoi(argv[3]);
    printf("{\"frames\":%zu,\"ns_per_frame\":[", count);
    for (int r = 0; r < repeat; r++) {
        struct timespec begun, ended;
        for (int i = 0; i < markets_count; i++) {
            Market *m = &markets[i];
            m->side[0].count = m->side[1].count = 0;
            m->trades = m->last_price = m->volume[0] = m->volume[1] = 0;
        }
        levels_seen = 0;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
        for (size_t i = 0; i < count; i++) read_frame(frames[i].text);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ended);
        double ns = (double)(ended.tv_sec - begun.tv_sec) * 1e9 + (double)(ended.tv_nsec - begun.tv_nsec);
        printf("%s%.2f", r ? "," : "", ns / (double)count);
    }
    printf("],\"level_updates\":%" PRId64 ",\"touch\":%" PRId64 ",\"markets\":{", levels_seen, touch);
    for (int i = 0; i < markets_count; i++) {
        Market *m = &markets[i];
        printf("%s\"%s\":{\"bids\":", i ? "," : "", m->ticker);
        print_side(&m->side[0]);
        printf(",\"asks\":");
        print_side(&m->side[1]);
        printf(",\"trades\":[%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "]}", m->trades, m->last_price, m->volume[0],
               m->volume[1]);
    }
    printf("}}\n");
    return 0;
}
