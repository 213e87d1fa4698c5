/* Messages: the input is a text, or after a zero byte the parts of a message.

   A text must be parsed to what the generic reader of JSON finds in it, also where it is read along; what was parsed is
   written, and parsed and written again without a change. Of parts the writer makes a text that gives the same parts,
   or it refuses them. */
#include "fuzz.h"

#define MESSAGE_MAX 16384

enum { FORM_EVENT, FORM_ID, FORM_CONNECT, FORM_NAME, FORM_PARTNER, FORM_API, FORM_RAW, FORM_EMPTY, FORM_TEXT };

static const struct { const char *type; misskey_kind kind; uint8_t alias, form; } message_types[] = {
#define KIND(name, type, form) { type, MISSKEY_KIND_##name, 0, FORM_##form },
    MISSKEY_KIND_LIST(KIND)
#undef KIND
#define ALIAS(name, alias, type) { type, MISSKEY_KIND_##name, alias, FORM_TEXT },
    MISSKEY_ALIAS_LIST(ALIAS)
#undef ALIAS
};

static bool message_is_missing(misskey_json value) { return value.ptr == NULL; }

static bool message_is_string(misskey_json value) { return misskey_json_type(value) == MISSKEY_TYPE_STRING; }

/* Is a value nested too deep that stands in so many containers? */
static bool message_is_deep(misskey_json value, size_t outside)
{
    ref_text r;
    return value.len > 0 && ref_check(&r, value.ptr, value.len, MISSKEY_MAX_DEPTH - outside) && r.deep_at < value.len;
}

static bool message_flag(misskey_json value, bool *flag)
{
    *flag = false;
    return message_is_missing(value) || misskey_json_type(value) == MISSKEY_TYPE_NULL || misskey_json_bool(value, flag);
}

/* An id that is neither string nor number counts as absent; false then. */
static bool message_id(misskey_json value, misskey_message *m)
{
    m->id = misskey_json_str(value);
    m->id_number = misskey_json_type(value) == MISSKEY_TYPE_NUMBER;
    if (m->id_number) {
        m->id.ptr = value.ptr;
        m->id.len = value.len;
    }
    return message_is_missing(value) || m->id.ptr != NULL;
}

/* The last part, where it may be too deep. */
static void message_body(misskey_json value, size_t outside, misskey_message *m)
{
    m->deep = message_is_deep(value, outside);
    if (!m->deep) {
        m->body = value;
    } else {
        m->raw.ptr = value.ptr;
        m->raw.len = value.len;
    }
}

/* Takes the body apart. False: it does not have the form. */
static bool message_parts(unsigned form, misskey_json body, misskey_message *m)
{
    const misskey_json id = misskey_json_get(body, "id"), channel = misskey_json_get(body, "channel");
    misskey_json part;
    if (misskey_json_type(body) != MISSKEY_TYPE_OBJECT) return false;
    switch (form) {
    case FORM_EVENT:
        (void)message_id(id, m);
        m->event = misskey_json_str(misskey_json_get(body, "type"));
        part = misskey_json_get(body, "body");
        message_body(message_is_missing(part) ? misskey_json_text("null") : part, 2, m);
        return true;
    case FORM_ID:
        return message_id(id, m) && message_flag(misskey_json_get(body, "read"), &m->read) &&
               (!m->read || m->kind == MISSKEY_KIND_SUB_NOTE);
    case FORM_CONNECT:
        part = misskey_json_get(body, "params");
        if (message_is_missing(part)) part = misskey_json_text("{}");
        m->channel = misskey_json_str(channel);
        message_body(part, 2, m);
        return message_id(id, m) && message_is_string(channel) && misskey_json_type(part) == MISSKEY_TYPE_OBJECT &&
               message_flag(misskey_json_get(body, "pong"), &m->pong);
    case FORM_NAME:
        m->channel = misskey_json_str(channel);
        return message_is_string(channel);
    case FORM_PARTNER:
        part = misskey_json_get(body, "partner");
        m->alias = message_is_missing(part);
        if (message_is_missing(part)) part = misskey_json_get(body, "group");
        m->id = misskey_json_str(part);
        return message_is_string(part);
    default:
        part = misskey_json_get(body, "endpoint");
        m->alias = message_is_missing(part);
        if (message_is_missing(part)) part = misskey_json_get(body, "ep");
        m->event = misskey_json_str(part);
        message_body(misskey_json_get(body, "data"), 2, m);
        return message_id(id, m) && message_is_string(part);
    }
}

/* The kind and alias of a type; the form is that of the kind. */
static unsigned message_find(misskey_jstr type, misskey_message *m)
{
    size_t i, k;
    for (i = 0; i < sizeof message_types / sizeof message_types[0]; i++) {
        const char *const name = message_types[i].type;
        const size_t len = strlen(name);
        k = (size_t)message_types[i].kind;
        if (k >= MISSKEY_KIND_OTHER) continue;
        m->kind = message_types[i].kind;
        m->alias = message_types[i].alias;
        if (k != MISSKEY_KIND_API_RESULT && misskey_jstr_eq(type, name)) return message_types[k].form;
        if (k == MISSKEY_KIND_API_RESULT && type.len >= len && memcmp(type.ptr, name, len) == 0) {
            m->id.ptr = type.ptr + len;
            m->id.len = type.len - len;
            return FORM_RAW;
        }
    }
    m->kind = MISSKEY_KIND_OTHER;
    m->alias = 0;
    m->type = type;
    return FORM_RAW;
}

/* What a valid JSON text means, by looking members up one by one. */
static misskey_message message_expected(misskey_json root, misskey_str text)
{
    const misskey_json type = misskey_json_get(root, "type"), body = misskey_json_get(root, "body");
    misskey_message m, empty;
    unsigned form;
    memset(&empty, 0, sizeof empty);
    m = empty;
    if (!message_is_string(type)) {
        m.kind = MISSKEY_KIND_TEXT;
        m.raw = text;
        return m;
    }
    form = message_find(misskey_json_str(type), &m);
    if (form < FORM_RAW && message_parts(form, body, &m)) {
        if (!m.deep) m.raw = empty.raw;
        return m;
    }
    if (form < FORM_RAW || (form == FORM_EMPTY && !message_is_missing(body))) {
        m = empty;
        m.kind = MISSKEY_KIND_OTHER;
        m.type = misskey_json_str(type);
    }
    message_body(body, 1, &m);
    return m;
}

/* m came from a text, or the writer accepts it: writing gives a text that means the same and is written the same. */
static void message_round_trip(const misskey_message *m)
{
    size_t len = 0, again = 0, cap;
    misskey_message back;
    char *first, *second;
    ref_text r;
    const misskey_err measured = misskey_message_write(m, NULL, 0, &len);
    MUST(measured == (len > 0 ? MISSKEY_ERR_TOO_SMALL : MISSKEY_ERR_OK));
    first = (char *)malloc(len + 1);
    second = (char *)malloc(len + 1);
    MUST(first != NULL && second != NULL);
    for (cap = 0; cap < len; cap += 1 + cap / 2) {
        MUST(misskey_message_write(m, first, cap, &again) == MISSKEY_ERR_TOO_SMALL && again == len);
    }
    MUST(misskey_message_write(m, first, len, &again) == MISSKEY_ERR_OK && again == len);
    if (m->kind < MISSKEY_KIND_TEXT_PING) MUST(ref_check(&r, first, len, MISSKEY_MAX_DEPTH) && r.deep_at == len);
    MUST(misskey_message_parse(first, len, &back) == MISSKEY_ERR_OK && same_message(m, &back));
    MUST(misskey_message_write(&back, second, len, &again) == MISSKEY_ERR_OK && again == len);
    MUST(memcmp(first, second, len) == 0);
    free(first);
    free(second);
}

static void message_text(const char *text, size_t len)
{
    static misskey_reading reading; /* what is left of the text before must not show */
    misskey_message m, expected, along;
    misskey_str whole;
    misskey_json root;
    ref_text r;
    size_t written;
    const misskey_err err = misskey_message_parse(text, len, &m);
    MUST(err == (ref_utf8(text, len) ? MISSKEY_ERR_OK : MISSKEY_ERR_BAD_UTF8));
    MUST(misskey_message_read(text, len, &along, &reading) == err);
    MUST(same_message(&m, &along) && same_reading(&m, &reading));
    if (err != MISSKEY_ERR_OK) return;
    whole.ptr = text;
    whole.len = len;
    root.ptr = text;
    root.len = len;
    if (ref_check(&r, text, len, MISSKEY_MAX_DEPTH)) {
        while (strchr(" \t\r\n", *root.ptr) != NULL) root.ptr++, root.len--;
        while (strchr(" \t\r\n", root.ptr[root.len - 1]) != NULL) root.len--;
        expected = message_expected(root, whole);
        MUST(same_message(&expected, &m));
    } else {
        MUST(m.kind >= MISSKEY_KIND_TEXT_PING);
    }
    if (m.deep) MUST(misskey_message_write(&m, NULL, 0, &written) == MISSKEY_ERR_BAD_ARG);
    else message_round_trip(&m);
}

/* One part: a length and so many bytes, or nothing. */
static misskey_jstr message_part(fuzz_input *in)
{
    misskey_jstr part = { NULL, 0 };
    const unsigned size = fuzz_byte(in);
    if (size == 0) return part;
    part.len = size - 1 < in->left ? size - 1 : in->left;
    part.ptr = (const char *)in->p;
    in->p += part.len;
    in->left -= part.len;
    return part;
}

/* Parts that nobody has checked. Whatever the writer makes of them can be read, or it refuses and says why. */
static void message_from_parts(fuzz_input in)
{
    static char out[6 * 256 + 256];
    misskey_message m;
    misskey_jstr part;
    unsigned flags;
    size_t len, needed;
    misskey_err err;
    memset(&m, 0, sizeof m);
    m.kind = (misskey_kind)(fuzz_byte(&in) % (MISSKEY_KIND_TEXT + 2));
    m.alias = (uint8_t)fuzz_byte(&in);
    flags = fuzz_byte(&in);
    m.pong = (flags & 1) != 0;
    m.read = (flags & 2) != 0;
    m.id_number = (flags & 4) != 0;
    m.deep = (flags & 8) != 0;
    m.type = message_part(&in);
    m.id = message_part(&in);
    m.channel = message_part(&in);
    m.event = message_part(&in);
    part = message_part(&in);
    m.body.ptr = part.ptr;
    m.body.len = part.len;
    part = message_part(&in);
    m.raw.ptr = part.ptr;
    m.raw.len = part.len;
    err = misskey_message_write(&m, out, sizeof out, &len);
    MUST(len <= sizeof out && (m.kind <= MISSKEY_KIND_TEXT || err == MISSKEY_ERR_BAD_ARG));
    if (err == MISSKEY_ERR_OK) {
        message_round_trip(&m);
        return;
    }
    MUST(err >= MISSKEY_ERR_BAD_ARG && err <= MISSKEY_ERR_DEPTH && err != MISSKEY_ERR_BAD_STATE);
    MUST(misskey_message_write(&m, NULL, 0, &needed) != MISSKEY_ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in;
    void *copy;
    if (size > MESSAGE_MAX) return 0;
    copy = fuzz_copy(data, size);
    in.p = (const uint8_t *)copy;
    in.left = size;
    if (size > 0 && fuzz_byte(&in) == 0) message_from_parts(in);
    else message_text((const char *)copy, size);
    free(copy);
    return 0;
}
