/* Calls of the note store in any order, on a store of few small notes whose session has few captures. Checked after
   each: every text is one valid JSON object with its id; what an update counted is never less after a put; a call that
   was refused changed nothing; the store holds and captures what the application holds and what that repeats, nothing
   else. At the end all is released, and after the grace nothing is captured. The first bytes of an input choose the
   sizes. */
#include "fuzz.h"

enum { STORE_NAMES = 6, STORE_SLOTS = 5, STORE_LARGEST = 1024, STORE_CAPTURES = 4, STORE_TEXTS = 4096 };

typedef struct store_calls {
    fuzz_input in;
    misskey_session session;
    misskey_capture_slot captures[STORE_CAPTURES];
    misskey_store store;
    uint64_t mem[MISSKEY_STORE_SIZE(STORE_SLOTS, STORE_LARGEST) / 8 + 1];
    unsigned holds[STORE_NAMES];              /* by the application */
    int64_t counted[STORE_NAMES];             /* what updates have counted of the reaction p; -1: nothing */
    uint32_t now;
} store_calls;

static const char *const store_names[STORE_NAMES] = { "a", "b", "c", "d", "e", "0123456789abcdef0123456789abcdef" };

static misskey_jstr store_name_of(unsigned i) { return misskey_jstr_text(store_names[i]); }

/* --- texts --- */

static size_t store_add(char *text, size_t at, const char *part)
{
    const size_t len = strlen(part);
    MUST(at + len < STORE_TEXTS);
    memcpy(text + at, part, len + 1);
    return at + len;
}

/* Members that mean something, in spellings that mean the same, with values that servers send and others. */
static size_t store_add_member(store_calls *c, char *text, size_t at)
{
    static const char *const keys[] = {
        "reactions", "reaction\\u0073", "reactionCount", "reactionEmojis", "myReaction", "text", "cw", "poll", "user",
        "reply", "files", "updatedAt", "deletedAt", "reactionAndUserPairCache", "x", "\\u0078", ""
    };
    static const char *const values[] = {
        "{}", "{\"p\":1}", "{\"p\":3,\"\\u0071\":2}", "{\"choices\":[{\"votes\":1},{\"votes\":2,\"isVoted\":true}]}",
        "{\"choices\":[0,{\"id\":1}],\"a\":{}}", "null", "5", "\"p\"", "\"2026-11-24T00:00:00.000Z\"", "[]",
        "[\"u1/p\"]",
        "\"a longer text, so that others must move, and this one a little more than they like\"", " {  \"a\" : 1 } "
    };
    at = store_add(text, at, ",\"");
    at = store_add(text, at, keys[fuzz_byte(&c->in) % (sizeof keys / sizeof *keys)]);
    at = store_add(text, at, "\" : ");
    return store_add(text, at, values[fuzz_byte(&c->in) % (sizeof values / sizeof *values)]);
}

static size_t store_add_note(store_calls *c, char *text, size_t at, unsigned name, int depth)
{
    const unsigned form = fuzz_byte(&c->in);
    unsigned i;
    at = store_add(text, at, "{\"id\":\"");
    at = store_add(text, at, store_names[name]);
    at = store_add(text, at, "\"");
    if ((form & 1) == 0) at = store_add(text, at, ",\"createdAt\":\"2026-11-24T00:00:00.000Z\",\"userId\":\"u\"");
    for (i = form >> 4; i > 8; i--) at = store_add_member(c, text, at);
    if ((form & 2) != 0 && depth < 3) {
        const unsigned inner = fuzz_byte(&c->in) % STORE_NAMES;
        at = store_add(text, at, ",\"renoteId\":\"");
        at = store_add(text, at, store_names[inner]);
        at = store_add(text, at, "\",\"renote\":");
        at = store_add_note(c, text, at, (form & 8) != 0 ? fuzz_byte(&c->in) % STORE_NAMES : inner, depth + 1);
    }
    return store_add(text, at, "}");
}

/* --- what must hold --- */

static int64_t store_count_of(store_calls *c, unsigned name)
{
    int64_t n = -1;
    const misskey_json note = misskey_store_get(&c->store, store_name_of(name));
    misskey_json_i64(misskey_json_get(misskey_json_get(note, "reactions"), "p"), &n);
    return n;
}

static misskey_note_slot *store_slot_of(store_calls *c, unsigned name)
{
    const uint16_t i = mski_find_note_of(&c->store, store_name_of(name));
    return i == MSKI_NONE ? NULL : mski_slot(&c->store, i);
}

static void store_check_texts(store_calls *c)
{
    unsigned i;
    for (i = 0; i < STORE_NAMES; i++) {
        const misskey_note_slot *const slot = store_slot_of(c, i);
        misskey_json note, whole;
        if (slot == NULL) continue;
        note = mski_note_text(store_slot_of(c, i));
        MUST(misskey_json_check(note.ptr, note.len, &whole, NULL) == MISSKEY_ERR_OK && whole.len == note.len);
        MUST(misskey_json_type(note) == MISSKEY_TYPE_OBJECT);
        MUST(misskey_jstr_eq(misskey_json_str(misskey_json_get(note, "id")), store_names[i]));
    }
}

static bool store_is_captured(const store_calls *c, const char *id)
{
    unsigned i;
    for (i = 0; i < STORE_CAPTURES; i++) {
        if ((c->captures[i].refs_ & MSKI_REFS) > 0 && strncmp(c->captures[i].id_, id, 32) == 0) return true;
    }
    return false;
}

/* Holds are the application's and those along with them; what is held is there. */
static void store_check_holds(store_calls *c)
{
    unsigned i, along[STORE_SLOTS] = { 0 }, listed = 0, held = 0;
    uint16_t at;
    for (i = 0; i < c->store.num_; i++) {
        const misskey_note_slot *const slot = mski_slot(&c->store, (uint16_t)i);
        if (slot->holds_ > 0 && slot->inner_ != MSKI_NONE) along[slot->inner_]++;
        held += slot->holds_ > 0;
    }
    for (i = 0; i < c->store.num_; i++) MUST(mski_slot(&c->store, (uint16_t)i)->along_ == along[i]);
    for (at = c->store.newest_; at != MSKI_NONE; at = mski_slot(&c->store, at)->older_) listed++;
    MUST(listed + held == c->store.num_);
    for (i = 0; i < STORE_NAMES; i++) {
        misskey_note_slot *const slot = store_slot_of(c, i);
        MUST(slot != NULL || c->holds[i] == 0);
        if (slot == NULL) c->counted[i] = -1;
        if (slot != NULL) MUST(mski_holds(slot) == c->holds[i]);
        MUST(store_is_captured(c, store_names[i]) == (slot != NULL && (slot->flags_ & MSKI_CAPTURED) != 0));
    }
}

/* --- calls --- */

typedef struct store_image {
    uint64_t mem[MISSKEY_STORE_SIZE(STORE_SLOTS, STORE_LARGEST) / 8 + 1];
    misskey_store store;
} store_image;

static void store_call_put(store_calls *c, bool fetched)
{
    char text[STORE_TEXTS];
    static store_image before;
    const unsigned name = fuzz_byte(&c->in) % STORE_NAMES;
    misskey_json note;
    misskey_err err;
    uint32_t changed = 0;
    unsigned i;
    MUST(misskey_json_check(text, store_add_note(c, text, 0, name, 0), &note, NULL) == MISSKEY_ERR_OK);
    if ((fuzz_byte(&c->in) & 7) == 0) { /* a view into the store */
        misskey_json own = misskey_store_get(&c->store, store_name_of(name));
        if (own.ptr != NULL) note = own;
        own = misskey_json_get(note, "renote");
        if (own.ptr != NULL) note = own;
    }
    memcpy(before.mem, c->mem, sizeof c->mem);
    before.store = c->store;
    err = fetched ? misskey_store_put_fetched(&c->store, note, &changed) : misskey_store_put(&c->store, note, &changed);
    if (err != MISSKEY_ERR_OK) MUST(memcmp(before.mem, c->mem, sizeof c->mem) == 0);
    store_check_holds(c);
    for (i = 0; i < STORE_NAMES; i++) {
        if (fetched) c->counted[i] = -1;
        if (c->counted[i] < 0 || (store_slot_of(c, i)->flags_ & MSKI_DELETED) != 0) continue;
        MUST(store_count_of(c, i) >= c->counted[i]);
        c->counted[i] = store_count_of(c, i);
    }
}

static void store_call_update(store_calls *c)
{
    static const char *const bodies[] = {
        "\"reacted\",\"body\":{\"reaction\":\"p\",\"userId\":\"u%u\"}",
        "\"unreacted\",\"body\":{\"reaction\":\"p\",\"userId\":\"u%u\"}",
        "\"reacted\",\"body\":{\"reaction\":\":n@h:\",\"userId\":\"u%u\","
            "\"emoji\":{\"name\":\"\\u006e@h\",\"url\":\"z\"}}",
        "\"pollVoted\",\"body\":{\"choice\":%u,\"userId\":\"me\"}", "\"updated\",\"body\":{\"text\":\"%u\"}",
        "\"updated\",\"body\":{\"unknown\":%u}", "\"deleted\",\"body\":{\"deletedAt\":\"%u\"}"
    };
    const unsigned name = fuzz_byte(&c->in) % STORE_NAMES, what = fuzz_byte(&c->in) % (sizeof bodies / sizeof *bodies);
    char text[STORE_TEXTS], body[200];
    misskey_message m;
    size_t len;
    if (what == 6 && fuzz_byte(&c->in) > 20) return; /* deletions are the end of everything */
    snprintf(body, sizeof body, bodies[what], fuzz_byte(&c->in) % 3u);
    len = (size_t)snprintf(text, sizeof text, "{\"type\":\"noteUpdated\",\"body\":{\"id\":\"%s\",\"type\":%s}}",
                           store_names[name], body);
    MUST(misskey_message_parse(text, len, &m) == MISSKEY_ERR_OK);
    (void)misskey_store_update(&c->store, &m);
    if (store_slot_of(c, name) == NULL || what > 1) return;
    c->counted[name] = (store_slot_of(c, name)->flags_ & MSKI_COMPLETE) != 0 ? store_count_of(c, name) : -1;
}

static void store_call_hold(store_calls *c, bool hold)
{
    static store_image before;
    const unsigned name = fuzz_byte(&c->in) % STORE_NAMES;
    misskey_err err;
    memcpy(before.mem, c->mem, sizeof c->mem);
    before.store = c->store;
    err = hold ? misskey_store_hold(&c->store, store_name_of(name), 0)
               : misskey_store_release(&c->store, store_name_of(name));
    if (err == MISSKEY_ERR_OK) c->holds[name] += hold ? 1u : 0u - 1u;
    else MUST(memcmp(before.mem, c->mem, sizeof c->mem) == 0 && memcmp(&before.store, &c->store, sizeof c->store) == 0);
    MUST(err == MISSKEY_ERR_OK || err == MISSKEY_ERR_STALE || (hold && err == MISSKEY_ERR_FULL));
}

static void store_begin(store_calls *c)
{
    misskey_session_desc session;
    misskey_store_desc desc;
    unsigned i;
    memset(&session, 0, sizeof session);
    session.captures = c->captures;
    session.num_captures = (uint16_t)(fuzz_byte(&c->in) % (STORE_CAPTURES + 1));
    if (session.num_captures == 0) session.captures = NULL;
    MUST(misskey_session_init(&c->session, &session) == MISSKEY_ERR_OK);
    memset(&desc, 0, sizeof desc);
    desc.note_size = 256 + fuzz_byte(&c->in) * 3u;
    desc.mem.ptr = c->mem;
    desc.mem.size = MISSKEY_STORE_SIZE(2 + fuzz_byte(&c->in) % (STORE_SLOTS - 1), desc.note_size);
    desc.me = "me";
    if (session.num_captures > 0) desc.session = &c->session;
    MUST(misskey_store_init(&c->store, &desc) == MISSKEY_ERR_OK);
    for (i = 0; i < STORE_NAMES; i++) c->counted[i] = -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static store_calls c;
    unsigned i;
    memset(&c, 0, sizeof c);
    c.in.p = data;
    c.in.left = len;
    store_begin(&c);
    while (c.in.left > 0) {
        switch (fuzz_byte(&c.in) % 10) {
        case 0: case 1: case 2: store_call_put(&c, false); break;
        case 3: store_call_put(&c, true); break;
        case 4: case 5: case 6: store_call_update(&c); break;
        case 7: store_call_hold(&c, true); break;
        case 8: store_call_hold(&c, false); break;
        default:
            c.now += fuzz_byte(&c.in) * 97u;
            misskey_store_tick(&c.store, c.now - fuzz_byte(&c.in) % 8u);
        }
        store_check_texts(&c);
        store_check_holds(&c);
    }
    for (i = 0; i < STORE_NAMES; i++) while (c.holds[i] > 0) {
        MUST(misskey_store_release(&c.store, store_name_of(i)) == MISSKEY_ERR_OK);
        c.holds[i]--;
    }
    store_check_holds(&c);
    misskey_store_tick(&c.store, c.now);
    misskey_store_tick(&c.store, c.now + 10000);
    misskey_store_tick(&c.store, c.now + 20000);
    for (i = 0; i < STORE_NAMES; i++) MUST(!store_is_captured(&c, store_names[i]));
    MUST(misskey_store_timeout(&c.store) == MISSKEY_FOREVER);
    return 0;
}
