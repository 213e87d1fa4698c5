/* The section params: the params of every channel and the body of every operation, member by member; and the bodies
   that recorded clients sent. check_vocabulary.sh runs this with every option that leaves vocabulary out. */
#include "../misskey_stream.h"
#include "greatest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])

/* ---- the lists as tables ---- */

enum list { NOW, OLD, FORK };
enum need { MUST, MAY, EITHER };
enum kind { STR, FLAG, INT, TAGS };

static bool present(enum list list)
{
    return !(list == OLD && MISSKEY_NO_HISTORIC) && !(list == FORK && MISSKEY_NO_FORKS);
}

static const struct { const char *name; enum list list; } channels[] = {
#define X(kind, name, ...) { name, NOW },
#define X_OLD(kind, name, ...) { name, OLD },
#define X_FORK(kind, name, ...) { name, FORK },
    MISSKEY_CHANNEL_LIST(X, X_OLD, X_FORK)
#undef X
#undef X_OLD
#undef X_FORK
};

static const struct { const char *name; enum kind kind; size_t at, size; } param_rows[] = {
#define X(kind, member, name, unless) \
    { name, kind, offsetof(misskey_params, member), sizeof ((misskey_params *)0)->member },
    MISSKEY_PARAM_LIST(X, X, X)
#undef X
};

enum {
#define X(kind, member, name, unless) PARAM_##member,
    MISSKEY_PARAM_LIST(X, X, X)
#undef X
    PARAMS
};

static const struct { misskey_channel_kind channel; unsigned param; enum need need; enum list list; } takes[] = {
#define TAKES(list, channel, member, need) { MISSKEY_CHANNEL_##channel, PARAM_##member, need, list },
#define X(channel, member, need, ...) TAKES(NOW, channel, member, need)
#define X_OLD(channel, member, need, ...) TAKES(OLD, channel, member, need)
#define X_FORK(channel, member, need, ...) TAKES(FORK, channel, member, need)
    MISSKEY_CHANNEL_PARAM_LIST(X, X_OLD, X_FORK)
#undef X
#undef X_OLD
#undef X_FORK
};

static const struct { const char *name; enum list list; } operations[] = {
#define X(kind, name, ...) { name, NOW },
#define X_OLD(kind, name, ...) { name, OLD },
#define X_FORK(kind, name, ...) { name, FORK },
    MISSKEY_OPERATION_LIST(X, X_OLD, X_FORK)
#undef X
#undef X_OLD
#undef X_FORK
};

enum part { PART_id, PART_key, PART_text, PART_value, PART_number, PART_yes, NUM_PARTS };

static const struct body_part {
    misskey_operation_kind operation;
    enum part part;
    enum need need;
    const char *name;
    enum list list;
} parts[] = {
#define PART(list, operation, part, need, name) { MISSKEY_OPERATION_##operation, PART_##part, need, name, list },
#define X(operation, part, need, name) PART(NOW, operation, part, need, name)
#define X_OLD(operation, part, need, name) PART(OLD, operation, part, need, name)
#define X_FORK(operation, part, need, name) PART(FORK, operation, part, need, name)
    MISSKEY_BODY_PART_LIST(X, X_OLD, X_FORK)
#undef X
#undef X_OLD
#undef X_FORK
};

/* ---- texts ---- */

static char doing[200], problem[400];
#define CASE(...) snprintf(doing, sizeof doing, __VA_ARGS__)
#define CHECK(COND) do { if (!(COND)) { \
        snprintf(problem, sizeof problem, "%s [%s]", doing, #COND); \
        FAILm(problem); } } while (0)

static const char *const bad_utf8[] = { "\xFF", "a\xC0\xAF", "\xED\xA0\x80", "b\xE3\x81", "\x80", "\xF4\x90\x80\x80" };
static const char hard[] = "\"\\/\b\f\n\r\t\x01\x1F\x7F a\xC3\xA9\xE3\x81\x82\xF0\x9F\x98\x80<>'";
static const char hard_json[] =
    "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7F a\xC3\xA9\xE3\x81\x82\xF0\x9F\x98\x80<>'\"";

struct text { char at[2000]; size_t len; };

static void put(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    t->len += (size_t)vsnprintf(t->at + t->len, sizeof t->at - t->len, format, args);
    va_end(args);
    if (t->len >= sizeof t->at) abort();
}

/* A writer, what it is to write being set beforehand; and what it did. */
typedef misskey_err writer(char *dst, size_t cap, size_t *len);
struct written { misskey_err err; size_t len; char at[2000]; };

/* With room for cap bytes, where those behind must stay; room for none is no memory at all. */
static void write_to(struct written *w, size_t cap, writer *call)
{
    memset(w->at, '~', sizeof w->at);
    w->err = call(cap == 0 ? NULL : w->at, cap, &w->len);
}

static struct { misskey_channel_kind channel; const misskey_params *params; } asked;
static misskey_err call_params(char *dst, size_t cap, size_t *len)
{
    return misskey_params_write(asked.channel, asked.params, dst, cap, len);
}

static const misskey_operation *asked_operation;
static misskey_err call_operation(char *dst, size_t cap, size_t *len)
{
    return misskey_operation_write(asked_operation, dst, cap, len);
}

/* Is it written so, NUL-terminated, whatever the room; and refused without enough, with the length that it has? */
static bool writes(writer *call, const char *text)
{
    static struct written w;
    const size_t len = strlen(text);
    size_t cap;
    for (cap = 0; cap <= len + 3; cap++) {
        write_to(&w, cap, call);
        if (w.len != len || w.at[cap] != '~' || w.err != (cap > len ? MISSKEY_ERR_OK : MISSKEY_ERR_TOO_SMALL)) break;
        if (cap > len && memcmp(w.at, text, len + 1) != 0) break;
        if (cap > len && (call(w.at, cap, NULL) != MISSKEY_ERR_OK || memcmp(w.at, text, len + 1) != 0)) break;
    }
    if (cap > len + 3) return true;
    printf("with room for %lu: error %d, length %lu, %.*s\nexpected length %lu, %s\n", (unsigned long)cap, (int)w.err,
           (unsigned long)w.len, w.err == MISSKEY_ERR_OK ? (int)w.len : 0, w.at, (unsigned long)len, text);
    return false;
}

/* Is it refused, with room and without? */
static bool refuses(writer *call, misskey_err err)
{
    static struct written w;
    write_to(&w, sizeof w.at, call);
    if (w.err == err) {
        write_to(&w, 0, call);
        if (w.err == err && call(NULL, 0, NULL) == err) return true;
    }
    printf("error %d, expected %d\n", (int)w.err, (int)err);
    return false;
}

/* ---- params ---- */

static bool writes_params(misskey_channel_kind channel, const misskey_params *params, const char *text)
{
    asked.channel = channel;
    asked.params = params;
    return writes(call_params, text);
}

static bool refuses_params(misskey_channel_kind channel, const misskey_params *params, misskey_err err)
{
    asked.channel = channel;
    asked.params = params;
    return refuses(call_params, err);
}

/* Text for each parameter, different from those of the others. */
static char strings[PARAMS][16];
static const char *const two_tags[] = { "a", NULL, hard };

static void *member_of(misskey_params *p, unsigned param) { return (char *)p + param_rows[param].at; }

static void set_param(misskey_params *p, unsigned param, misskey_flag flag)
{
    void *const at = member_of(p, param);
    switch (param_rows[param].kind) {
    case STR: *(const char **)at = strings[param]; break;
    case FLAG: *(misskey_flag *)at = flag; break;
    case INT: *(int64_t *)at = flag == MISSKEY_YES ? INT64_MAX : INT64_MIN; break;
    default:
        ((misskey_tags *)at)->tag = two_tags;
        ((misskey_tags *)at)->num = COUNT(two_tags);
    }
}

static void clear_param(misskey_params *p, unsigned param) { memset(member_of(p, param), 0, param_rows[param].size); }

static void put_param(struct text *t, unsigned param, misskey_flag flag)
{
    put(t, "%s\"%s\":", t->len > 1 ? "," : "", param_rows[param].name);
    switch (param_rows[param].kind) {
    case STR: put(t, "\"%s\"", strings[param]); break;
    case FLAG: put(t, flag == MISSKEY_YES ? "true" : "false"); break;
    case INT: put(t, flag == MISSKEY_YES ? "9223372036854775807" : "-9223372036854775808"); break;
    default: put(t, "[[\"a\"],[%s]]", hard_json);
    }
}

static bool is_param_of(unsigned channel, unsigned param)
{
    size_t i;
    for (i = 0; i < COUNT(takes); i++) {
        if (takes[i].channel == (misskey_channel_kind)channel && takes[i].param == param && present(takes[i].list))
            return true;
    }
    return false;
}

/* All parameters of the channel, of those of which it takes one only that number which; and their text. Returns how
   many of these there are. */
static unsigned set_all(unsigned channel, unsigned which, misskey_flag flag, misskey_params *p, struct text *t)
{
    unsigned eithers = 0;
    size_t i;
    memset(p, 0, sizeof *p);
    t->len = 0;
    put(t, "{");
    for (i = 0; i < COUNT(takes); i++) {
        if (takes[i].channel != (misskey_channel_kind)channel || !present(takes[i].list)) continue;
        if (takes[i].need == EITHER && eithers++ != which) continue;
        set_param(p, takes[i].param, flag);
        put_param(t, takes[i].param, flag);
    }
    put(t, "}");
    return eithers;
}

/* The session takes it, with a slot and a token. */
static bool opens(const char *name, const char *params)
{
    misskey_channel_slot slot;
    misskey_session_desc desc;
    misskey_session session;
    misskey_channel channel;
    memset(&desc, 0, sizeof desc);
    desc.channels = &slot;
    desc.num_channels = 1;
    return misskey_session_init(&session, &desc) == MISSKEY_ERR_OK &&
           misskey_channel_open(&session, name, params, NULL, &channel) == MISSKEY_ERR_OK;
}

/* The types of the members: what they are, not how they are written. */
static bool types_are_right(const char *text)
{
    static const misskey_type types[] = {
        MISSKEY_TYPE_STRING, MISSKEY_TYPE_BOOL, MISSKEY_TYPE_NUMBER, MISSKEY_TYPE_ARRAY
    };
    misskey_json json;
    misskey_iter it;
    unsigned i;
    if (misskey_json_check(text, strlen(text), &json, NULL) != MISSKEY_ERR_OK) return false;
    it = misskey_json_iter(json);
    while (misskey_json_next(&it)) {
        for (i = 0; i < PARAMS && !misskey_jstr_eq(it.key, param_rows[i].name); i++) {}
        if (i == PARAMS || misskey_json_type(it.value) != types[param_rows[i].kind]) return false;
    }
    return true;
}

TEST all_params_are_written(unsigned channel)
{
    const misskey_channel_kind kind = (misskey_channel_kind)channel;
    misskey_params params;
    struct text t;
    unsigned which = 0, eithers;
    do {
        int flag;
        for (flag = MISSKEY_YES; flag <= MISSKEY_NO; flag++) {
            CASE("%s, switches %s", channels[channel].name, flag == MISSKEY_YES ? "on" : "off");
            eithers = set_all(channel, which, (misskey_flag)flag, &params, &t);
            if (!present(channels[channel].list)) CHECK(refuses_params(kind, &params, MISSKEY_ERR_BAD_ARG));
            else {
                CHECK(writes_params(kind, &params, t.at));
                CHECK(types_are_right(t.at));
                CHECK(opens(channels[channel].name, t.at));
            }
        }
    } while (++which < eithers);
    PASS();
}

TEST params_that_must_be_there_are_asked_for(unsigned channel)
{
    const misskey_channel_kind kind = (misskey_channel_kind)channel;
    misskey_params params, none;
    struct text t;
    size_t i;
    bool needs = !present(channels[channel].list);
    memset(&none, 0, sizeof none);
    for (i = 0; i < COUNT(takes); i++) {
        const char *const name = param_rows[takes[i].param].name;
        if (takes[i].channel != kind || !present(takes[i].list) || takes[i].need == MAY) continue;
        CASE("%s", name);
        needs = true;
        set_all(channel, 0, MISSKEY_YES, &params, &t);
        if (takes[i].need == EITHER && strstr(t.at, name) != NULL) continue;
        if (takes[i].need == EITHER) set_param(&params, takes[i].param, MISSKEY_YES); /* one too many */
        else clear_param(&params, takes[i].param);
        CHECK(refuses_params(kind, &params, MISSKEY_ERR_BAD_ARG));
    }
    CASE("none");
    if (needs) {
        CHECK(refuses_params(kind, &none, MISSKEY_ERR_BAD_ARG));
        CHECK(refuses_params(kind, NULL, MISSKEY_ERR_BAD_ARG));
    } else {
        CHECK(writes_params(kind, &none, "{}"));
        CHECK(writes_params(kind, NULL, "{}"));
    }
    PASS();
}

TEST params_of_others_are_refused(unsigned channel)
{
    misskey_params params;
    struct text t;
    unsigned param, flag;
    for (param = 0; param < PARAMS; param++) {
        for (flag = MISSKEY_YES; flag <= MISSKEY_NO; flag++) {
            set_all(channel, 0, MISSKEY_YES, &params, &t);
            set_param(&params, param, (misskey_flag)flag);
            if (is_param_of(channel, param)) continue;
            CASE("%s", param_rows[param].name);
            CHECK(refuses_params((misskey_channel_kind)channel, &params, MISSKEY_ERR_BAD_ARG));
        }
    }
    PASS();
}

TEST values_are_checked(unsigned channel)
{
    misskey_params params;
    struct text t;
    unsigned param;
    size_t i;
    for (param = 0; param < PARAMS && present(channels[channel].list); param++) {
        set_all(channel, 0, MISSKEY_YES, &params, &t);
        if (!is_param_of(channel, param) || strstr(t.at, param_rows[param].name) == NULL) continue;
        CASE("%s", param_rows[param].name);
        if (param_rows[param].kind == STR) {
            for (i = 0; i < COUNT(bad_utf8); i++) {
                *(const char **)member_of(&params, param) = bad_utf8[i];
                CHECK(refuses_params((misskey_channel_kind)channel, &params, MISSKEY_ERR_BAD_UTF8));
            }
            *(const char **)member_of(&params, param) = "";
            CHECK(refuses_params((misskey_channel_kind)channel, &params, MISSKEY_ERR_BAD_ARG));
        }
        if (param_rows[param].kind == FLAG) {
            *(misskey_flag *)member_of(&params, param) = (misskey_flag)(MISSKEY_NO + 1);
            CHECK(refuses_params((misskey_channel_kind)channel, &params, MISSKEY_ERR_BAD_ARG));
        }
    }
    PASS();
}

TEST unknown_channels_take_nothing(void)
{
    static const int wrong[] = {
        MISSKEY_CHANNEL_OTHER, MISSKEY_CHANNEL_OTHER + 1, 256, 65536, MISSKEY_CHANNEL_FORCE32_
    };
    misskey_params params;
    size_t i;
    memset(&params, 0, sizeof params);
    for (i = 0; i < COUNT(wrong); i++) {
        CASE("channel %d", wrong[i]);
        CHECK(refuses_params((misskey_channel_kind)wrong[i], &params, MISSKEY_ERR_BAD_ARG));
        CHECK(refuses_params((misskey_channel_kind)wrong[i], NULL, MISSKEY_ERR_BAD_ARG));
    }
    PASS();
}

TEST strings_are_escaped(void)
{
    misskey_params params;
    struct text t = { "", 0 };
    put(&t, "{\"listId\":%s,\"withFiles\":true}", hard_json);
    CASE("%s", hard);
    memset(&params, 0, sizeof params);
    params.list_id = hard;
    params.with_files = MISSKEY_YES;
    CHECK(writes_params(MISSKEY_CHANNEL_USER_LIST, &params, t.at));
    PASS();
}

TEST tags_are_alternatives_of_tags(void)
{
    static const char a[] = "a", *const one[] = { a }, *const both[] = { a, "b" }, *const or_[] = { a, NULL, "b" },
        *const doc[] = { a, "b", NULL, "c" }, *const three[] = { a, NULL, "b#", NULL, "\xE7\x8C\xAB" },
        *const empty[] = { "" }, *const later_empty[] = { a, NULL, "b", "" }, *const hash[] = { "#a" },
        *const later_hash[] = { a, "#b" }, *const only[] = { NULL }, *const leading[] = { NULL, a },
        *const trailing[] = { a, NULL }, *const twice[] = { a, NULL, NULL, "b" }, *const bad[] = { a, "\xC3" };
#define TAGS_OF(ARRAY) { ARRAY, COUNT(ARRAY) }
    static const struct { misskey_tags tags; const char *q; misskey_err err; } cases[] = {
        { TAGS_OF(one), "[[\"a\"]]", MISSKEY_ERR_OK }, { TAGS_OF(both), "[[\"a\",\"b\"]]", MISSKEY_ERR_OK },
        { TAGS_OF(or_), "[[\"a\"],[\"b\"]]", MISSKEY_ERR_OK },
        { TAGS_OF(doc), "[[\"a\",\"b\"],[\"c\"]]", MISSKEY_ERR_OK },
        { TAGS_OF(three), "[[\"a\"],[\"b#\"],[\"\xE7\x8C\xAB\"]]", MISSKEY_ERR_OK },
        { { both, 1 }, "[[\"a\"]]", MISSKEY_ERR_OK },
        { { one, 0 }, "", MISSKEY_ERR_BAD_ARG }, { { NULL, 0 }, "", MISSKEY_ERR_BAD_ARG },
        { TAGS_OF(empty), "", MISSKEY_ERR_BAD_ARG }, { TAGS_OF(later_empty), "", MISSKEY_ERR_BAD_ARG },
        { TAGS_OF(hash), "", MISSKEY_ERR_BAD_ARG }, { TAGS_OF(later_hash), "", MISSKEY_ERR_BAD_ARG },
        { TAGS_OF(only), "", MISSKEY_ERR_BAD_ARG }, { TAGS_OF(leading), "", MISSKEY_ERR_BAD_ARG },
        { TAGS_OF(trailing), "", MISSKEY_ERR_BAD_ARG }, { TAGS_OF(twice), "", MISSKEY_ERR_BAD_ARG },
        { TAGS_OF(bad), "", MISSKEY_ERR_BAD_UTF8 }
    };
    size_t i;
    for (i = 0; i < COUNT(cases); i++) {
        misskey_params params;
        struct text t = { "", 0 };
        put(&t, "{\"q\":%s}", cases[i].q);
        memset(&params, 0, sizeof params);
        params.q = cases[i].tags;
        CASE("case %u", (unsigned)i);
        if (cases[i].err == MISSKEY_ERR_OK) CHECK(writes_params(MISSKEY_CHANNEL_HASHTAG, &params, t.at));
        else CHECK(refuses_params(MISSKEY_CHANNEL_HASHTAG, &params, cases[i].err));
    }
    PASS();
}

/* ---- operations ---- */

static bool writes_operation(const misskey_operation *operation, const char *text)
{
    asked_operation = operation;
    return writes(call_operation, text);
}

static bool refuses_operation(const misskey_operation *operation, misskey_err err)
{
    asked_operation = operation;
    return refuses(call_operation, err);
}

static const char **string_of(misskey_operation *operation, enum part part)
{
    switch (part) {
    case PART_id: return &operation->id;
    case PART_key: return &operation->key;
    case PART_text: return &operation->text;
    case PART_value: return &operation->value;
    default: return NULL;
    }
}

static void set_part(misskey_operation *operation, enum part part)
{
    static const char *const values[] = { "i", "k", "t", "{\"v\":[1]}" };
    const char **const string = string_of(operation, part);
    if (string != NULL) *string = values[part];
    else if (part == PART_number) operation->number = -7;
    else operation->yes = true;
}

static bool has_part(misskey_operation_kind kind, enum part part)
{
    size_t i;
    for (i = 0; i < COUNT(parts); i++) if (parts[i].operation == kind && parts[i].part == part) return true;
    return false;
}

static misskey_operation all_set(misskey_operation_kind kind)
{
    misskey_operation operation;
    size_t i;
    memset(&operation, 0, sizeof operation);
    operation.kind = kind;
    for (i = 0; i < COUNT(parts); i++) if (parts[i].operation == kind) set_part(&operation, parts[i].part);
    return operation;
}

/* The body of each operation: with all its parts, and with none; NULL = it needs some. */
static const struct body { misskey_operation_kind kind; const char *all, *none; } operation_bodies[] = {
    { MISSKEY_OPERATION_REQUEST_LOG, "{\"id\":\"i\",\"length\":-7}", NULL },
    { MISSKEY_OPERATION_READY, "true", "false" },
    { MISSKEY_OPERATION_UPDATE_SETTINGS, "{\"key\":\"k\",\"value\":{\"v\":[1]}}", NULL },
    { MISSKEY_OPERATION_PUT_STONE, "{\"pos\":-7,\"id\":\"i\"}", NULL },
    { MISSKEY_OPERATION_CANCEL, "{}", "{}" },
    { MISSKEY_OPERATION_CLAIM_TIME_IS_UP, "{}", "{}" },
    { MISSKEY_OPERATION_READ, "{\"id\":\"i\"}", "{}" },
    { MISSKEY_OPERATION_PING, "{\"id\":\"i\"}", NULL },
    { MISSKEY_OPERATION_ACCEPT, "{}", "{}" },
    { MISSKEY_OPERATION_CANCEL_ACCEPT, "{}", "{}" },
    { MISSKEY_OPERATION_INIT_FORM, "{\"v\":[1]}", NULL },
    { MISSKEY_OPERATION_UPDATE_FORM, "{\"id\":\"i\",\"value\":{\"v\":[1]}}", NULL },
    { MISSKEY_OPERATION_MESSAGE, "{\"v\":[1]}", NULL },
    { MISSKEY_OPERATION_SET, "{\"pos\":-7}", "{\"pos\":0}" },
    { MISSKEY_OPERATION_CHECK, "{\"crc32\":\"t\"}", NULL },
    { MISSKEY_OPERATION_UPDATE_SETTINGS_V10, "{\"settings\":{\"v\":[1]}}", NULL },
    { MISSKEY_OPERATION_REACTION, "\"t\"", NULL },
    { MISSKEY_OPERATION_MSG, "{\"text\":\"t\",\"fileId\":\"k\",\"replyId\":\"i\"}", "{}" },
    { MISSKEY_OPERATION_REACT, "{\"messageId\":\"i\",\"reaction\":\"t\"}", NULL },
    { MISSKEY_OPERATION_UNREACT, "{\"messageId\":\"i\",\"reaction\":\"t\"}", NULL },
    { MISSKEY_OPERATION_DELETE, "{\"messageId\":\"i\"}", NULL },
    { MISSKEY_OPERATION_CLEAR_MESSAGES, "{}", "{}" },
    { MISSKEY_OPERATION_HISTORY, "{\"limit\":-7,\"untilId\":\"k\",\"reqId\":\"i\"}", "{}" },
    { MISSKEY_OPERATION_USER_SHOW, "{\"reqId\":\"i\"}", "{}" },
    { MISSKEY_OPERATION_ROOM_SHOW, "{\"reqId\":\"i\"}", "{}" },
    { MISSKEY_OPERATION_MEMBERS, "{\"reqId\":\"i\"}", "{}" },
    { MISSKEY_OPERATION_E2EE_KEY_GET, "{\"reqId\":\"i\"}", "{}" },
    { MISSKEY_OPERATION_E2EE_KEY_SET, "{\"reqId\":\"i\",\"publicKey\":\"t\"}", NULL },
    { MISSKEY_OPERATION_NOTIFICATIONS, "{\"limit\":-7,\"reqId\":\"i\"}", "{}" },
    { MISSKEY_OPERATION_REQUEST_NOTIFICATIONS, "{\"limit\":-7}", "{}" },
    { MISSKEY_OPERATION_PAT, "{\"noteId\":\"i\",\"clientId\":\"t\"}", NULL },
    { MISSKEY_OPERATION_MUTE, "true", "false" },
    { MISSKEY_OPERATION_SPEAKING, "true", "false" },
    { MISSKEY_OPERATION_HEARTBEAT, "{\"connectionId\":\"i\",\"generation\":-7}", NULL },
    { MISSKEY_OPERATION_CALL_READY, "{\"connectionId\":\"i\",\"generation\":-7}", NULL }
};

TEST every_operation_has_a_body(void)
{
    size_t i;
    ASSERT_EQ(MISSKEY_OPERATION_OTHER, (int)COUNT(operation_bodies));
    for (i = 0; i < COUNT(operation_bodies); i++) ASSERT_EQ(i, (size_t)operation_bodies[i].kind);
    for (i = 0; i < COUNT(parts); i++) ASSERT_EQ(operations[parts[i].operation].list, parts[i].list);
    PASS();
}

/* The message that carries the body gives it back. */
static bool travels(misskey_operation_kind kind, const char *body)
{
    misskey_message message, back;
    char text[400];
    size_t len;
    memset(&message, 0, sizeof message);
    message.kind = MISSKEY_KIND_CHANNEL;
    message.id = misskey_jstr_text("1");
    message.event = misskey_jstr_text(misskey_operation_name(kind));
    message.body = misskey_json_text(body);
    if (misskey_message_write(&message, text, sizeof text, &len) != MISSKEY_ERR_OK) return false;
    if (misskey_message_parse(text, len, &back) != MISSKEY_ERR_OK) return false;
    return back.kind == MISSKEY_KIND_CHANNEL && misskey_jstr_eq(back.event, operations[kind].name) &&
           back.body.len == strlen(body) && memcmp(back.body.ptr, body, back.body.len) == 0;
}

TEST bodies_are_written(const struct body *body)
{
    misskey_operation all = all_set(body->kind), none;
    CASE("%s", body->all);
    memset(&none, 0, sizeof none);
    none.kind = body->kind;
    if (!present(operations[body->kind].list)) {
        CHECK(refuses_operation(&all, MISSKEY_ERR_BAD_ARG));
        CHECK(refuses_operation(&none, MISSKEY_ERR_BAD_ARG));
        PASS();
    }
    CHECK(writes_operation(&all, body->all));
    CHECK(travels(body->kind, body->all));
    if (body->none == NULL) CHECK(refuses_operation(&none, MISSKEY_ERR_BAD_ARG));
    else CHECK(writes_operation(&none, body->none));
    PASS();
}

TEST parts_are_there_or_not(const struct body *body)
{
    const misskey_operation all = all_set(body->kind);
    misskey_operation operation;
    char text[200];
    size_t i;
    int part;
    for (i = 0; i < COUNT(parts) && present(operations[body->kind].list); i++) {
        const char **const string = string_of(&operation, parts[i].part);
        operation = all;
        if (parts[i].operation != body->kind || (string == NULL && parts[i].part == PART_yes)) continue;
        CASE("without %s", parts[i].name);
        if (string != NULL) *string = NULL;
        else operation.number = 0;
        if (parts[i].need == MUST && string != NULL) CHECK(refuses_operation(&operation, MISSKEY_ERR_BAD_ARG));
        else {
            snprintf(text, sizeof text, "\"%s\":", parts[i].name);
            CHECK(strstr(body->all, text) != NULL);
            CHECK(misskey_operation_write(&operation, text, sizeof text, NULL) == MISSKEY_ERR_OK);
            CHECK((strstr(text, parts[i].name) != NULL) == (parts[i].need == MUST));
        }
    }
    for (part = 0; part < NUM_PARTS; part++) {
        if (has_part(body->kind, (enum part)part)) continue;
        CASE("with part %d that it has not", part);
        operation = all;
        set_part(&operation, (enum part)part);
        CHECK(refuses_operation(&operation, MISSKEY_ERR_BAD_ARG));
    }
    PASS();
}

static bool strings_are_checked(misskey_operation_kind kind, enum part part, const char *all)
{
    misskey_operation operation = all_set(kind);
    const char **const string = string_of(&operation, part);
    char before[4], expected[400];
    const char *at;
    size_t i;
    for (i = 0; i < COUNT(bad_utf8); i++) {
        *string = bad_utf8[i];
        if (!refuses_operation(&operation, MISSKEY_ERR_BAD_UTF8)) return false;
    }
    *string = "";
    if (misskey_operation_write(&operation, expected, sizeof expected, NULL) != MISSKEY_ERR_OK) return false;
    snprintf(before, sizeof before, "\"%c\"", "ikt"[part]);
    at = strstr(all, before);
    snprintf(expected, sizeof expected, "%.*s%s%s", (int)(at - all), all, hard_json, at + 3);
    *string = hard;
    return writes_operation(&operation, expected);
}

static bool values_of_operations_are_checked(misskey_operation_kind kind)
{
    static const char *const bad[] = {
        "", " ", "{", "}", "[1,]", "{\"a\"}", "1 2", "{}x", "nul", "truee", "01", "'a'", "\"\\x\"", "[]]", "NaN"
    };
    static const char *const good[] = { "null", "false", "-0.5e1", "\"\\ud800\"", "[]", "{\"a\":[{}]}" };
    static char deep[2 * (MISSKEY_MAX_DEPTH + 1) + 1];
    misskey_operation operation = all_set(kind);
    char text[200];
    size_t i;
    for (i = 0; i < COUNT(bad); i++) {
        operation.value = bad[i];
        if (!refuses_operation(&operation, MISSKEY_ERR_BAD_JSON)) return false;
    }
    for (i = 0; i < COUNT(good); i++) {
        operation.value = good[i];
        if (misskey_operation_write(&operation, text, sizeof text, NULL) != MISSKEY_ERR_OK) return false;
        if (strstr(text, good[i]) == NULL) return false;
    }
    operation.value = "\"\xC3\"";
    if (!refuses_operation(&operation, MISSKEY_ERR_BAD_UTF8)) return false;
    memset(deep, '[', MISSKEY_MAX_DEPTH + 1);
    memset(deep + MISSKEY_MAX_DEPTH + 1, ']', MISSKEY_MAX_DEPTH + 1);
    operation.value = deep;
    return refuses_operation(&operation, MISSKEY_ERR_DEPTH);
}

TEST parts_are_checked(const struct body *body)
{
    size_t i;
    for (i = 0; i < COUNT(parts) && present(operations[body->kind].list); i++) {
        if (parts[i].operation != body->kind) continue;
        CASE("%s", parts[i].name);
        if (parts[i].part == PART_value) CHECK(values_of_operations_are_checked(body->kind));
        else if (parts[i].part < PART_value) CHECK(strings_are_checked(body->kind, parts[i].part, body->all));
    }
    PASS();
}

TEST unknown_operations_have_no_body(void)
{
    static const int wrong[] = {
        MISSKEY_OPERATION_OTHER, MISSKEY_OPERATION_OTHER + 1, 256, 65536, MISSKEY_OPERATION_FORCE32_
    };
    misskey_operation operation;
    size_t i;
    memset(&operation, 0, sizeof operation);
    for (i = 0; i < COUNT(wrong); i++) {
        CASE("operation %d", wrong[i]);
        operation.kind = (misskey_operation_kind)wrong[i];
        CHECK(refuses_operation(&operation, MISSKEY_ERR_BAD_ARG));
    }
    PASS();
}

TEST numbers_are_exact(void)
{
    static const struct { int64_t number; const char *text; } cases[] = {
        { INT64_MAX, "{\"id\":\"\",\"length\":9223372036854775807}" }, { 0, "{\"id\":\"\",\"length\":0}" },
        { INT64_MIN, "{\"id\":\"\",\"length\":-9223372036854775808}" }, { -1, "{\"id\":\"\",\"length\":-1}" }
    };
    misskey_operation operation;
    size_t i;
    memset(&operation, 0, sizeof operation);
    operation.kind = MISSKEY_OPERATION_REQUEST_LOG;
    operation.id = "";
    for (i = 0; i < COUNT(cases); i++) {
        CASE("%s", cases[i].text);
        operation.number = cases[i].number;
        CHECK(writes_operation(&operation, cases[i].text));
    }
    PASS();
}

/* ---- what recorded clients sent ---- */

/* Takes one part out of a recorded value. False if it has another type. */
static bool take_part(misskey_operation *operation, enum part part, misskey_json value, char *text, size_t size)
{
    const char **const string = string_of(operation, part);
    if (part == PART_number) return misskey_json_i64(value, &operation->number);
    if (part == PART_yes) return misskey_json_bool(value, &operation->yes);
    *string = text;
    if (part != PART_value) {
        return misskey_json_str(value).ptr != NULL && misskey_jstr_copy(misskey_json_str(value), text, size) < size;
    }
    if (value.ptr == NULL || value.len >= size) return false;
    memcpy(text, value.ptr, value.len);
    text[value.len] = 0;
    return true;
}

/* The recorded body as an operation; false if it has not the form that it should have, as some have on purpose. */
static bool take_body(misskey_operation_kind kind, misskey_json body, misskey_operation *operation)
{
    static char texts[NUM_PARTS][500];
    unsigned taken = 0, members = 0;
    misskey_iter it = misskey_json_iter(body);
    size_t i;
    while (misskey_json_next(&it)) members++;
    memset(operation, 0, sizeof *operation);
    operation->kind = kind;
    for (i = 0; i < COUNT(parts); i++) {
        const bool bare = *parts[i].name == 0;
        const misskey_json value = bare ? body : misskey_json_get(body, parts[i].name);
        if (parts[i].operation != kind || (value.ptr == NULL && parts[i].need == MAY)) continue;
        if (!take_part(operation, parts[i].part, value, texts[parts[i].part], sizeof texts[0])) return false;
        if (bare) return true;
        taken++;
    }
    return taken == members && misskey_json_type(body) == MISSKEY_TYPE_OBJECT;
}

/* Counts the bodies of the recording that can be made with the library; -1 if one of these comes out differently. */
static int compare_recording(const char *path, unsigned counts[MISSKEY_OPERATION_OTHER])
{
    static char line[70000], text[70000];
    char body[2000];
    FILE *const file = fopen(path, "r");
    bool same = file != NULL;
    while (same && fgets(line, sizeof line, file) != NULL) {
        misskey_operation operation;
        misskey_message message;
        misskey_operation_kind kind;
        misskey_json json;
        size_t len;
        if (misskey_json_check(line, strlen(line), &json, NULL) != MISSKEY_ERR_OK) continue;
        if (!misskey_jstr_eq(misskey_json_str(misskey_json_get(json, "dir")), "send")) continue;
        len = misskey_jstr_copy(misskey_json_str(misskey_json_get(json, "data")), text, sizeof text);
        if (misskey_message_parse(text, len, &message) != MISSKEY_ERR_OK) continue;
        kind = misskey_operation_find(message.event);
        if (message.kind != MISSKEY_KIND_CHANNEL || kind == MISSKEY_OPERATION_OTHER) continue;
        if (!take_body(kind, message.body, &operation)) continue;
        same = misskey_operation_write(&operation, body, sizeof body, &len) == MISSKEY_ERR_OK &&
               len == message.body.len && memcmp(body, message.body.ptr, len) == 0;
        if (!same) printf("%s: %.*s, written as %s\n", path, (int)message.body.len, message.body.ptr, body);
        counts[kind]++;
    }
    if (file != NULL) fclose(file);
    return same ? 0 : -1;
}

/* cancel was sent with null, which servers take as well as {}. */
TEST recorded_bodies_are_written_alike(void)
{
    static const char *const folders[] = {
        "reversi-player-1", "reversi-player-2", "reversi-spectator", "official-client", "admin-queue",
        "queue-stats-anonymous", "chat-user-a", "chat-room-owner"
    };
    static const misskey_operation_kind all[] = {
        MISSKEY_OPERATION_REQUEST_LOG, MISSKEY_OPERATION_READY, MISSKEY_OPERATION_UPDATE_SETTINGS,
        MISSKEY_OPERATION_PUT_STONE, MISSKEY_OPERATION_CLAIM_TIME_IS_UP, MISSKEY_OPERATION_READ
    };
    unsigned counts[MISSKEY_OPERATION_OTHER] = { 0 };
    char path[200];
    size_t i;
    for (i = 0; i < COUNT(folders); i++) {
        snprintf(path, sizeof path, "tests/recordings/%s/messages.jsonl", folders[i]);
        if (compare_recording(path, counts) != 0) FAILm(folders[i]);
    }
    for (i = 0; i < COUNT(all); i++) if (counts[all[i]] == 0) FAILm(operations[all[i]].name);
    PASS();
}

SUITE(params_of_channels)
{
    unsigned i;
    for (i = 0; i < PARAMS; i++) snprintf(strings[i], sizeof strings[i], "text %u", i);
    for (i = 0; i < COUNT(channels); i++) {
        greatest_set_test_suffix(channels[i].name);
        RUN_TESTp(all_params_are_written, i);
        greatest_set_test_suffix(channels[i].name);
        RUN_TESTp(params_that_must_be_there_are_asked_for, i);
        greatest_set_test_suffix(channels[i].name);
        RUN_TESTp(params_of_others_are_refused, i);
        greatest_set_test_suffix(channels[i].name);
        RUN_TESTp(values_are_checked, i);
    }
    RUN_TEST(unknown_channels_take_nothing);
    RUN_TEST(strings_are_escaped);
    RUN_TEST(tags_are_alternatives_of_tags);
}

SUITE(bodies_of_operations)
{
    size_t i;
    RUN_TEST(every_operation_has_a_body);
    for (i = 0; i < COUNT(operation_bodies); i++) {
        greatest_set_test_suffix(operations[i].name);
        RUN_TESTp(bodies_are_written, &operation_bodies[i]);
        greatest_set_test_suffix(operations[i].name);
        RUN_TESTp(parts_are_there_or_not, &operation_bodies[i]);
        greatest_set_test_suffix(operations[i].name);
        RUN_TESTp(parts_are_checked, &operation_bodies[i]);
    }
    RUN_TEST(unknown_operations_have_no_body);
    RUN_TEST(numbers_are_exact);
    RUN_TEST(recorded_bodies_are_written_alike);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(params_of_channels);
    RUN_SUITE(bodies_of_operations);
    GREATEST_MAIN_END();
}
