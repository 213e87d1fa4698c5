/* One path of the library, see agree.h. AGREE_PATH: its name; what else makes it one are options of the compiler. */
#include "agree.h"

#define MISSKEY_STATIC 1
#define MISSKEY_MAX_DEPTH AGREE_DEPTH
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../misskey_stream.h"

#include "entities.h"
#include "verdict.h"

#if MSKI_VECTOR && defined(__SSE2__)
#define AGREE_VECTORS "SSE2"
#elif MSKI_VECTOR
#define AGREE_VECTORS "NEON"
#elif MSKI_FAST
#define AGREE_VECTORS "words of 64 bits"
#else
#define AGREE_VECTORS "bytes"
#endif
#define AGREE_NAME (MSKI_FAST ? "fast, " AGREE_VECTORS : "small, " AGREE_VECTORS)

static struct {
    const agree_input *in;
    uint64_t hash;
    FILE *trace;
    uint32_t turn;      /* counts what is done in turns */
} now;

static void fail(const char *what) { agree_fail(AGREE_NAME, what); }

/* ---- what was found ---- */

static void put(const char *name, uint64_t value)
{
    now.hash = (now.hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    now.hash ^= now.hash >> 29;
    if (now.trace != NULL) fprintf(now.trace, "%s %llu\n", name, (unsigned long long)value);
}

static uint64_t bytes_hash(const void *bytes, size_t len)
{
    const uint8_t *const p = (const uint8_t *)bytes;
    uint64_t a = len, b = ~(uint64_t)len, word;
    size_t i = 0;
    for (; len - i >= 16; i += 16) {
        memcpy(&word, p + i, 8);
        a = (a ^ word) * UINT64_C(0xD6E8FEB86659FD93);
        memcpy(&word, p + i + 8, 8);
        b = (b ^ word) * UINT64_C(0xD6E8FEB86659FD93);
        a ^= a >> 31;
        b ^= b >> 31;
    }
    for (; i < len; i++) a = (a ^ p[i]) * UINT64_C(0x100000001B3);
    return a ^ (b << 7 | b >> 57);
}

static void put_bytes(const char *name, const void *bytes, size_t len)
{
    put(name, bytes_hash(bytes, len));
    if (now.trace != NULL) fprintf(now.trace, "    %s: %.*s\n", name, (int)len, (const char *)bytes);
}

static bool is_within(const char *p, size_t len, const char *begin, const char *end)
{
    return (uintptr_t)p >= (uintptr_t)begin && (uintptr_t)p <= (uintptr_t)end && len <= (size_t)(end - p);
}

/* A view: into the text, or into the memory where parts of it are moved to, or to a constant of the library. */
static void put_view(const char *name, const char *ptr, size_t len)
{
    const agree_input *const in = now.in;
    if (ptr == NULL) put(name, len == 0 ? 0 : 1);
    else if (is_within(ptr, len, in->text, in->text + in->len)) put(name, 2 + ((uint64_t)(ptr - in->text) << 32 | len));
    else if (is_within(ptr, len, in->room, in->room_end)) put(name, ~((uint64_t)(in->room_end - ptr) << 32 | len));
    else put_bytes(name, ptr, len);
}

static void put_message(const misskey_message *m)
{
    put("kind", (uint64_t)m->kind);
    put("flags", (uint64_t)m->alias << 4 | (uint64_t)m->pong << 3 | (uint64_t)m->read << 2 |
                 (uint64_t)m->id_number << 1 | (uint64_t)m->deep);
    put_view("type", m->type.ptr, m->type.len);
    put_view("id", m->id.ptr, m->id.len);
    put_view("channel", m->channel.ptr, m->channel.len);
    put_view("event", m->event.ptr, m->event.len);
    put_view("body", m->body.ptr, m->body.len);
    put_view("raw", m->raw.ptr, m->raw.len);
}

static void trace_entity(const struct entity *e, const void *object)
{
    size_t i;
    for (i = 0; i < e->num_fields; i++) {
        const struct value v = value_in(&e->fields[i], object);
        if (e->fields[i].alias || v.presence == MISSKEY_ABSENT) continue;
        fprintf(now.trace, "    %s.%s: %d %lld %ld %.*s\n", e->name, e->fields[i].member, v.presence,
                (long long)v.number, (long)v.exponent, (int)v.len, v.ptr == NULL ? "" : v.ptr);
    }
}

/* The views in an entity point into the text and nowhere else, so its bytes are compared as they are. */
static void put_entity(unsigned which, const void *object, size_t size)
{
    put(entities[which].name, bytes_hash(object, size));
    if (now.trace != NULL) trace_entity(&entities[which], object);
}

/* ---- reading in the same pass, and on demand ---- */

static bool is_note_event(misskey_jstr event)
{
    return misskey_jstr_eq(event, "note") || misskey_jstr_eq(event, "mention") || misskey_jstr_eq(event, "reply") ||
           misskey_jstr_eq(event, "renote") || misskey_jstr_eq(event, "edited");
}

static void same(const char *what, const void *a, const void *b, size_t size)
{
    if (memcmp(a, b, size) != 0) fail(what);
}

/* The elements of an array; of anything else none. */
static misskey_iter elements(misskey_json value)
{
    if (misskey_json_type(value) != MISSKEY_TYPE_ARRAY) value.len = 0;
    return misskey_json_iter(value);
}

#define DEMAND(entity, value, out) do { \
        if (!misskey_##entity##_read(value, out)) memset(out, 0, sizeof *(out)); \
        put_entity(ENTITY_##entity, out, sizeof *(out)); \
    } while (0)

/* What misskey_message_read has to have found in m. */
static void put_reading(const misskey_message *m, const misskey_reading *reading)
{
    static misskey_reading want;
    misskey_iter it;
    misskey_reads what = MISSKEY_READS_NOTHING;
    if (misskey_json_type(m->body) == MISSKEY_TYPE_OBJECT) {
        if (m->kind == MISSKEY_KIND_NOTE_UPDATED) what = MISSKEY_READS_NOTE_UPDATE;
        if (m->kind == MISSKEY_KIND_CHANNEL && is_note_event(m->event)) what = MISSKEY_READS_NOTE;
    }
    if (reading->what != what) fail("misskey_message_read reads the body as something else");
    if (what == MISSKEY_READS_NOTE_UPDATE) {
        DEMAND(note_update, m->body, &want.update);
        same("misskey_message_read and misskey_note_update_read differ", &reading->update, &want.update,
             sizeof want.update);
    }
    if (what != MISSKEY_READS_NOTE) return;
    DEMAND(note, m->body, &want.note);
    same("misskey_message_read and misskey_note_read differ", &reading->note, &want.note, sizeof want.note);
    DEMAND(user, want.note.user, &want.user);
    same("misskey_message_read and misskey_user_read differ", &reading->user, &want.user, sizeof want.user);
    DEMAND(poll, want.note.poll, &want.poll);
    same("misskey_message_read and misskey_poll_read differ", &reading->poll, &want.poll, sizeof want.poll);
    want.num_files = want.num_choices = 0;
    it = elements(want.note.files);
    while (want.num_files < 16 && misskey_json_next(&it)) {
        DEMAND(file, it.value, &want.files[want.num_files]);
        want.num_files++;
    }
    if (reading->num_files != want.num_files) fail("misskey_message_read has another number of files");
    same("misskey_message_read and misskey_file_read differ", reading->files, want.files,
         want.num_files * sizeof want.files[0]);
    it = elements(want.poll.choices);
    while (want.num_choices < 10 && misskey_json_next(&it)) {
        DEMAND(poll_choice, it.value, &want.choices[want.num_choices]);
        want.num_choices++;
    }
    if (reading->num_choices != want.num_choices) fail("misskey_message_read has another number of choices");
    same("misskey_message_read and misskey_poll_choice_read differ", reading->choices, want.choices,
         want.num_choices * sizeof want.choices[0]);
}

/* ---- values ---- */

/* n bytes in memory that ends where they end. */
static const char *move(const char *p, size_t n)
{
    char *const to = now.in->room_end - n;
    if (n > (size_t)(now.in->room_end - now.in->room)) return p;
    memmove(to, p, n);
    return to;
}

/* Decoding into memory of this size. Copies are compared, also what stands behind them. */
static size_t put_copy(misskey_jstr s, char *dst, size_t cap)
{
    size_t len;
    dst[cap] = '~';
    len = misskey_jstr_copy(s, dst, cap);
    if (dst[cap] != '~') fail("misskey_jstr_copy writes beyond the end");
    put("decoded length", len);
    if (cap == 0) return 0;
    if (len >= cap) len = strlen(dst); /* the rest was cut; a U+0000 hides what is behind it, too */
    if (len >= cap || dst[len] != 0) fail("misskey_jstr_copy leaves out the NUL");
    put_bytes("decoded", dst, len);
    return len;
}

static void put_string(misskey_jstr s)
{
    static char dst[65536];
    misskey_str plain;
    size_t cap = 0, len;
    int64_t ms = -1;
    if (s.len + 1 >= sizeof dst) return;
    if ((++now.turn & 3) == 0 || now.in->all) s.ptr = move(s.ptr, s.len);
    cap = now.in->all && (now.turn & 7) == 0 ? 0 : s.len;
    for (; cap < s.len && cap < 70; cap++) (void)put_copy(s, dst, cap);
    len = put_copy(s, dst, s.len + 1);
    put("equal", misskey_jstr_eq(s, dst));
    if (len > 0 && (now.turn & 7) == 1) {
        (void)put_copy(s, dst, (now.in->choice + now.turn) % (len + 1));
        dst[len - 1] ^= 1;
        put("other", misskey_jstr_eq(s, dst));
    }
    cap = (now.turn & 1) != 0 ? s.len + 1 : s.len / 2;
    plain = misskey_jstr_plain(s, dst, cap);
    put("plain", plain.ptr == s.ptr);
    put_bytes("plain", plain.ptr, plain.len);
    if (s.len < 40) put("time", misskey_jstr_time(s, &ms) ? (uint64_t)ms : 0);
}

static void put_number(misskey_json value)
{
    misskey_decimal decimal = { 7, 7, { NULL, 0 } };
    int64_t n = 7;
    if ((++now.turn & 3) == 0) value.ptr = move(value.ptr, value.len);
    put("i64", misskey_json_i64(value, &n));
    put("i64", (uint64_t)n);
    put("decimal", misskey_json_decimal(value, &decimal));
    put("decimal", (uint64_t)decimal.mantissa + ((uint64_t)(uint32_t)decimal.exponent << 40));
    put_view("decimal", decimal.text.ptr, decimal.text.len);
}

static void put_value(misskey_json value)
{
    bool yes = false;
    const misskey_type type = misskey_json_type(value);
    put("type", (uint64_t)type);
    if (type == MISSKEY_TYPE_STRING && (now.in->all || (++now.turn & 3) == 0)) put_string(misskey_json_str(value));
    if (type == MISSKEY_TYPE_NUMBER) put_number(value);
    if (type == MISSKEY_TYPE_BOOL) put("bool", misskey_json_bool(value, &yes) + 2u * yes);
}

static void put_entities(misskey_json value)
{
    static union any out;
    unsigned which = now.in->choice % NUM_ENTITIES;
    const unsigned end = now.in->all ? which + NUM_ENTITIES : which + 1;
    size_t size;
    for (; which < end; which++) {
        const struct entity *const e = &entities[which % NUM_ENTITIES];
        switch (which % NUM_ENTITIES) {
#define X(name, NAME) case ENTITY_##name: size = sizeof(misskey_##name); break;
        MISSKEY_ENTITY_LIST(X)
#undef X
        default: size = 0; break;
        }
        put(e->name, e->read(value, &out));
        put_entity(which % NUM_ENTITIES, &out, size);
    }
}

/* Every value in a value. */
static void put_walk(misskey_json value)
{
    misskey_iter open[MISSKEY_MAX_DEPTH + 1];
    unsigned depth = 0;
    put_value(value);
    open[0] = misskey_json_iter(value);
    for (;;) {
        misskey_iter *const it = &open[depth];
        if (!misskey_json_next(it)) {
            if (depth-- == 0) return;
            continue;
        }
        put_view("key", it->key.ptr, it->key.len);
        put_view("value", it->value.ptr, it->value.len);
        if (it->key.ptr != NULL && (now.turn & 7) == 0) put_string(it->key);
        put_value(it->value);
        if (*it->value.ptr != '{' && *it->value.ptr != '[') continue;
        if (depth == MISSKEY_MAX_DEPTH) fail("misskey_json_check lets pass what is too deep");
        open[++depth] = misskey_json_iter(it->value);
    }
}

/* ---- a text ---- */

/* As a session has it, which knows that a text is UTF-8; and as the beginning of a message that is left out. */
static void put_otherwise(misskey_err err, const misskey_message *m)
{
    static misskey_reading reading;
    static uint8_t beginning[4096];
    const uint8_t *const text = (const uint8_t *)now.in->text;
    size_t n = now.in->len < sizeof beginning ? now.in->len : sizeof beginning;
    misskey_message other;
    memcpy(beginning, text, n);
    n = mski_close_beginning(beginning, n);
    put("beginning", bytes_hash(beginning, n));
    if (err != MISSKEY_ERR_OK) return;
    reading.body_ = NULL;
    (void)mski_parse(text, now.in->len, false, &other, &reading);
    mski_finish_reading(true, &other, &reading);
    same("a message is another one if it is known to be UTF-8", m, &other, sizeof other);
    put_reading(&other, &reading);
}

#if !MSKI_WIDE
static bool mski_find_wide(void) { return false; }
#endif

/* The validators of whole texts and of pieces, and the mask: their twins are in the same places. */
static void put_raw(void)
{
    static uint8_t room[4096 + 15]; /* the payload of a frame may begin anywhere */
    const agree_input *const in = now.in;
    const uint8_t *const p = (const uint8_t *)in->text;
    const uint32_t mask = in->choice * 0x9E3779B9u | 1;
    const size_t cut = in->len > 0 ? in->choice % in->len : 0, n = in->len < 4096 ? in->len : 4096;
    uint8_t *const masked = room + (in->choice >> 2 & 15);
    const bool wide = (in->choice & 0x40) != 0 && mski_find_wide();
    uint8_t state[3] = { 0, 0, 0 }, key[4];
    bool right = mski_utf8_feed(state, p, cut, wide);
    memcpy(key, &mask, 4);
    put("utf8", mski_utf8_valid(p, in->len, wide));
    put("pieces", right && mski_utf8_feed(state, p + cut, in->len - cut, wide));
    put("pieces", right ? state[0] : 0);
    mski_mask(masked, p, n, key, in->choice & 3);
    put("mask", bytes_hash(masked, n));
    mski_mask(masked, masked, n, key, in->choice & 3);
    if (memcmp(masked, p, n) != 0) fail("a mask on top of the same does not undo it");
}

static bool has_type(misskey_json root)
{
    return misskey_json_str(misskey_json_get(root, "type")).ptr != NULL;
}

/* Also of the beginning of a message that is left out: the whole of one gives the same message. */
static bool is_right(const char *text, size_t len)
{
    const size_t white = strspn(text, " \t\r\n");
    misskey_json root = { text + white, len - white };
    static uint8_t copy[1 << 16];
    misskey_message m, beginning;
    size_t at;
    const misskey_err verdict = expected_verdict(text, len, &at);
    const bool is_message = (verdict == MISSKEY_ERR_OK || verdict == MISSKEY_ERR_DEPTH) && has_type(root);
    if (!verdict_is_right(text, len)) return false;
    if (misskey_message_parse(text, len, &m) != MISSKEY_ERR_OK) return !ref_utf8(text, len);
    if ((m.kind < MISSKEY_KIND_TEXT_PING) != is_message) return false;
    if (!is_message || len > sizeof copy) return true;
    memcpy(copy, text, len);
    (void)mski_parse(copy, mski_close_beginning(copy, len), false, &beginning, NULL);
    return beginning.kind == m.kind && beginning.id.len == m.id.len && beginning.event.len == m.event.len &&
           beginning.type.len == m.type.len && beginning.body.len == m.body.len && beginning.raw.len == m.raw.len;
}

static uint64_t digest(const agree_input *in, FILE *trace)
{
    static misskey_reading reading; /* what is left of the text before must not show */
    misskey_message m, parsed;
    misskey_json root = { NULL, 0 };
    size_t at = 0;
    misskey_err err;
    if (entities[0].name == NULL) entities_init();
    now.in = in;
    now.hash = 0;
    now.trace = trace;
    now.turn = in->choice >> 8;
    memset(&m, 0xAA, sizeof m);
    if ((in->choice & 1) != 0 || in->all) {
        put("check", (uint64_t)misskey_json_check(in->text, in->len, &root, &at));
        put("error at", at);
        put_view("root", root.ptr, root.len);
    }
    err = misskey_message_read(in->text, in->len, &m, &reading);
    put("parse", (uint64_t)err);
    put_message(&m);
    memset(&parsed, 0x55, sizeof parsed);
    if ((in->choice & 96) == 0 || in->all) {
        if (misskey_message_parse(in->text, in->len, &parsed) != err) fail("misskey_message_parse: another error");
        same("misskey_message_read and misskey_message_parse differ", &m, &parsed, sizeof m);
    }
    put_reading(&m, &reading);
    if ((in->choice & 14) == 0 || in->all) {
        put_raw();
        put_otherwise(err, &m);
    }
    if (root.ptr != NULL && ((in->choice & 6) == 0 || in->all)) put_walk(root);
    if (misskey_json_type(m.body) != MISSKEY_TYPE_OBJECT) m.body = root;
    if (m.body.ptr != NULL && (in->choice & 16) != 0) m.body.ptr = move(m.body.ptr, m.body.len);
    put_entities(m.body);
    return now.hash;
}

#define EXPORT_(name) const agree_path agree_##name = { AGREE_NAME, digest, is_right }
#define EXPORT(name) EXPORT_(name)
EXPORT(AGREE_PATH);
