/* cJSON (libcjson-dev). It does not check UTF-8. */
#include "../peer.h"

#include <cjson/cJSON.h>

#define QUOTE(x) #x
#define TEXT(x) QUOTE(x)

static void put(sum *s, int field, const cJSON *value)
{
    if (cJSON_IsString(value)) sum_str(s, field, value->valuestring, strlen(value->valuestring));
}

static const cJSON *get(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static int64_t integer(const cJSON *value) { return value != NULL ? (int64_t)value->valuedouble : 0; }

static int is(const cJSON *value, const char *text)
{
    return cJSON_IsString(value) && !strcmp(value->valuestring, text);
}

static void put_user(sum *s, const cJSON *user)
{
    put(s, FIELD_USER_ID, get(user, "id"));
    put(s, FIELD_USERNAME, get(user, "username"));
    put(s, FIELD_HOST, get(user, "host"));
    put(s, FIELD_USER_NAME, get(user, "name"));
}

static void put_reactions(sum *s, const cJSON *reactions)
{
    const cJSON *at;
    cJSON_ArrayForEach(at, reactions) {
        sum_str(s, FIELD_REACTIONS, at->string, strlen(at->string));
        sum_int(s, FIELD_REACTIONS, integer(at));
    }
}

static void put_files(sum *s, const cJSON *files)
{
    const cJSON *at;
    cJSON_ArrayForEach(at, files) {
        put(s, FIELD_FILE_ID, get(at, "id"));
        put(s, FIELD_FILE_URL, get(at, "url"));
        put(s, FIELD_FILE_TYPE, get(at, "type"));
    }
}

static void put_poll(sum *s, const cJSON *poll)
{
    const cJSON *at;
    cJSON_ArrayForEach(at, get(poll, "choices")) {
        put(s, FIELD_POLL, get(at, "text"));
        sum_int(s, FIELD_POLL, integer(get(at, "votes")));
    }
}

/* One pass over the note: looking up each name from the front is slower. */
static void put_note(sum *s, const cJSON *note)
{
    static const struct { const char *name; int field; } strings[] = {
        { "id", FIELD_NOTE_ID }, { "createdAt", FIELD_CREATED_AT }, { "text", FIELD_TEXT }, { "cw", FIELD_CW },
        { "visibility", FIELD_VISIBILITY }, { "renoteId", FIELD_RENOTE_ID }, { "replyId", FIELD_REPLY_ID }
    };
    const cJSON *at;
    size_t i;
    cJSON_ArrayForEach(at, note) {
        const char *const name = at->string;
        if (cJSON_IsString(at)) {
            for (i = 0; i < sizeof strings / sizeof strings[0]; i++) {
                if (name[0] == strings[i].name[0] && !strcmp(name, strings[i].name)) put(s, strings[i].field, at);
            }
        } else if (!strcmp(name, "user")) {
            put_user(s, at);
        } else if (!strcmp(name, "reactions")) {
            put_reactions(s, at);
        } else if (!strcmp(name, "files")) {
            put_files(s, at);
        } else if (!strcmp(name, "poll")) {
            put_poll(s, at);
        }
    }
}

static void put_message(sum *s, const cJSON *message, int typed)
{
    const cJSON *const type = get(message, "type"), *const body = get(message, "body");
    const cJSON *const event = get(body, "type"), *const inner = get(body, "body");
    put(s, FIELD_TYPE, type);
    put(s, FIELD_ID, get(body, "id"));
    put(s, FIELD_EVENT, event);
    if (inner != NULL) sum_found(s, FIELD_BODY);
    if (!typed) return;
    if (is(type, "noteUpdated")) {
        put(s, FIELD_UPDATE_REACTION, get(inner, "reaction"));
        put(s, FIELD_UPDATE_USER_ID, get(inner, "userId"));
    } else if (is(type, "channel") && is(event, "note")) {
        put_note(s, inner);
    }
}

static int read_message(const char *text, size_t len, sum *s, int typed)
{
    cJSON *const message = cJSON_ParseWithLengthOpts(text, len + 1, NULL, 1);
    if (message == NULL) return 1;
    put_message(s, message, typed);
    cJSON_Delete(message);
    return 0;
}

static int w1(char *text, size_t len, size_t cap, sum *s) { (void)cap; return read_message(text, len, s, 0); }
static int w2(char *text, size_t len, size_t cap, sum *s) { (void)cap; return read_message(text, len, s, 1); }

EXPORT extern const peer peers[];
const peer peers[] = {
    { "cJSON " TEXT(CJSON_VERSION_MAJOR) "." TEXT(CJSON_VERSION_MINOR) "." TEXT(CJSON_VERSION_PATCH) ", no UTF-8 check",
      1, NULL, w1, w2 },
    { NULL, 0, NULL, NULL, NULL }
};
