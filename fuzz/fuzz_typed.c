/* Typed readers and the note store: the input is lines.

   Every line that is JSON goes through every reader: what a reader calls present is a view inside of the line. As a
   message or a note it also goes into two stores of different sizes, twice: after each step every text in a store is
   valid JSON with the id it was put under, and what was applied twice changed nothing the second time. */
#include "fuzz.h"

enum { TYPED_NOTES = 3, TYPED_SMALL = 256, TYPED_LARGE = 2048, TYPED_IDS = 8 };

typedef struct typed_store {
    uint64_t mem[MISSKEY_STORE_SIZE(TYPED_NOTES, TYPED_LARGE) / 8];
    misskey_store store;
} typed_store;

static void typed_inside(misskey_json line, const void *at, size_t len)
{
    const char *const p = (const char *)at;
    MUST(p == NULL || (p >= line.ptr && len <= line.len && p + len <= line.ptr + line.len));
}

static void typed_helpers(misskey_json value)
{
    const misskey_jstr text = misskey_json_str(value);
    char name[64], again[64];
    misskey_jstr part, host;
    misskey_decimal number;
    misskey_iter it = misskey_json_iter(value);
    misskey_move move;
    int64_t n;
    if (misskey_json_decimal(value, &number) && misskey_json_i64(value, &n)) MUST(number.exponent >= 0);
    (void)misskey_jstr_time(text, &n);
    (void)misskey_id_time(text, &n);
    if (misskey_reaction_split(text, &part, &host)) typed_inside(value, host.ptr, host.len);
    typed_inside(value, part.ptr, part.len);
    MUST(text.ptr == NULL || misskey_reaction_eq(text, text));
    if (misskey_reaction_copy(text, name, sizeof name) < sizeof name && text.ptr != NULL) {
        misskey_json quoted;
        char json[512];
        misskey_jw w;
        misskey_jw_init(&w, json, sizeof json);
        misskey_jw_str(&w, name, strlen(name));
        if (strlen(name) == misskey_reaction_copy(text, name, sizeof name) &&
            misskey_jw_done(&w, &quoted) == MISSKEY_ERR_OK) { /* the normal form of a normal form is itself */
            misskey_reaction_copy(misskey_json_str(quoted), again, sizeof again);
            MUST(strcmp(name, again) == 0);
        }
    }
    memset(&move, 0, sizeof move);
    while (misskey_reversi_logs_next(&it, &move)) {}
    it = misskey_json_iter(value);
    while (misskey_emojis_next(&it, &part, &host)) typed_inside(value, part.ptr, part.len);
}

/* Every reader on one value. */
static void typed_read(misskey_json value)
{
#define STR_(member) typed_inside(value, out.member.ptr, out.member.len);
#define JSON_(member) typed_inside(value, out.member.ptr, out.member.len);
#define OBJ_(member) JSON_(member) MUST(out.member.len == 0 || *out.member.ptr == '{');
#define ARR_(member) JSON_(member) MUST(out.member.len == 0 || *out.member.ptr == '[');
#define LIST_(member) JSON_(member) MUST(out.member.len == 0 || *out.member.ptr == '[' || *out.member.ptr == '{');
#define DEC_(member) typed_inside(value, out.member.text.ptr, out.member.text.len);
#define BOOL_(member) MUST(out.has.member == MISSKEY_PRESENT || !out.member);
#define INT_(member) MUST(out.has.member == MISSKEY_PRESENT || out.member == 0);
#define ROW(kind, member, name) kind##_(member)
#define INNER(kind, member, outer, name) kind##_(member)
#define NOTHING(kind, member, name)
#define ENTITY(entity, ENTITY) { \
        misskey_##entity out; \
        MUST(misskey_##entity##_read(value, &out) == (misskey_json_type(value) == MISSKEY_TYPE_OBJECT)); \
        MISSKEY_##ENTITY##_FIELDS(ROW, ROW, ROW, NOTHING, INNER) \
    }
    MISSKEY_ENTITY_LIST(ENTITY)
    typed_helpers(value);
#undef STR_
#undef JSON_
#undef OBJ_
#undef ARR_
#undef LIST_
#undef DEC_
#undef BOOL_
#undef INT_
#undef ROW
#undef INNER
#undef NOTHING
#undef ENTITY
}

static void typed_check_store(typed_store *s, char ids[TYPED_IDS][33])
{
    int i;
    for (i = 0; i < TYPED_IDS; i++) {
        const misskey_json text = misskey_store_get(&s->store, misskey_jstr_text(ids[i]));
        misskey_json whole;
        if (text.ptr == NULL) continue;
        MUST(misskey_json_check(text.ptr, text.len, &whole, NULL) == MISSKEY_ERR_OK && whole.len == text.len);
        MUST(misskey_jstr_eq(misskey_json_str(misskey_json_get(text, "id")), ids[i]));
    }
}

static void typed_init(typed_store *s, size_t note_size)
{
    misskey_store_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.mem.ptr = s->mem;
    desc.mem.size = MISSKEY_STORE_SIZE(TYPED_NOTES, note_size);
    desc.note_size = note_size;
    desc.me = "me";
    MUST(misskey_store_init(&s->store, &desc) == MISSKEY_ERR_OK);
}

static void typed_step(typed_store *s, misskey_json line, const misskey_message *m)
{
    uint32_t changed = 0;
    if (m->kind == MISSKEY_KIND_NOTE_UPDATED) {
        (void)misskey_store_update(&s->store, m);
        changed = misskey_store_update(&s->store, m);
    } else if (misskey_store_put(&s->store, line, NULL) == MISSKEY_ERR_OK) {
        MUST(misskey_store_put(&s->store, line, &changed) == MISSKEY_ERR_OK);
    }
    MUST((changed & ~(uint32_t)MISSKEY_CHANGED_CUT) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static typed_store small, large;
    const uint8_t *const end = data + size;
    char ids[TYPED_IDS][33];
    int last = 0;
    memset(ids, 0, sizeof ids);
    typed_init(&small, TYPED_SMALL);
    typed_init(&large, TYPED_LARGE);
    while (data < end) {
        const uint8_t *const lf = (const uint8_t *)memchr(data, '\n', (size_t)(end - data));
        const size_t len = (size_t)((lf == NULL ? end : lf) - data);
        char *const copy = (char *)malloc(len + 1); /* of this size, so that reading beyond it shows */
        misskey_json line;
        misskey_message m;
        memcpy(copy, data, len);
        if (misskey_json_check(copy, len, &line, NULL) == MISSKEY_ERR_OK) {
            const misskey_jstr id = misskey_json_str(misskey_json_get(line, "id"));
            (void)misskey_message_parse(line.ptr, line.len, &m);
            typed_read(line);
            if (m.body.ptr != NULL) typed_read(m.body);
            if (misskey_jstr_copy(id, ids[last], sizeof ids[0]) < sizeof ids[0]) last = (last + 1) % TYPED_IDS;
            else ids[last][0] = 0;
            typed_step(&small, line, &m);
            typed_step(&large, line, &m);
            typed_check_store(&small, ids);
            typed_check_store(&large, ids);
        }
        free(copy);
        data += len + (lf != NULL);
    }
    return 0;
}
