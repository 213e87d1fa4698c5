/* RapidJSON (rapidjson-dev): its DOM built in place, in memory kept for it, with and without its check of UTF-8. */
#define RAPIDJSON_SSE2
#include "../peer.h"

#include <cstdlib>
#include <rapidjson/document.h>

using namespace rapidjson;

typedef GenericDocument<UTF8<>, MemoryPoolAllocator<>, MemoryPoolAllocator<>> document;

static char *values, *stack;
static size_t room;

static void init(size_t longest)
{
    room = 32 * longest + 65536;
    std::free(values);
    std::free(stack);
    values = static_cast<char *>(std::malloc(room));
    stack = static_cast<char *>(std::malloc(room));
}

static const Value *get(const Value *object, const char *key)
{
    if (!object || !object->IsObject()) return nullptr;
    const auto found = object->FindMember(key);
    return found == object->MemberEnd() ? nullptr : &found->value;
}

static void put(sum *s, int field, const Value *value)
{
    if (value && value->IsString()) sum_str(s, field, value->GetString(), value->GetStringLength());
}

static int64_t integer(const Value *value) { return value && value->IsInt64() ? value->GetInt64() : 0; }

static bool is(const Value *value, const char *text) { return value && value->IsString() && *value == text; }

static void put_user(sum *s, const Value &user)
{
    put(s, FIELD_USER_ID, get(&user, "id"));
    put(s, FIELD_USERNAME, get(&user, "username"));
    put(s, FIELD_HOST, get(&user, "host"));
    put(s, FIELD_USER_NAME, get(&user, "name"));
}

static void put_reactions(sum *s, const Value &reactions)
{
    if (!reactions.IsObject()) return;
    for (const auto &member : reactions.GetObject()) {
        put(s, FIELD_REACTIONS, &member.name);
        sum_int(s, FIELD_REACTIONS, integer(&member.value));
    }
}

static void put_files(sum *s, const Value &files)
{
    if (!files.IsArray()) return;
    for (const auto &file : files.GetArray()) {
        put(s, FIELD_FILE_ID, get(&file, "id"));
        put(s, FIELD_FILE_URL, get(&file, "url"));
        put(s, FIELD_FILE_TYPE, get(&file, "type"));
    }
}

static void put_poll(sum *s, const Value &poll)
{
    const Value *const choices = get(&poll, "choices");
    if (!choices || !choices->IsArray()) return;
    for (const auto &choice : choices->GetArray()) {
        put(s, FIELD_POLL, get(&choice, "text"));
        sum_int(s, FIELD_POLL, integer(get(&choice, "votes")));
    }
}

static void put_member(sum *s, const Value &key, const Value &value)
{
    const char *const name = key.GetString();
    const auto equal = [name](const char *text, size_t len) { return std::memcmp(name, text, len) == 0; };
    switch (key.GetStringLength()) {
    case 2:
        if (equal("id", 2)) put(s, FIELD_NOTE_ID, &value);
        else if (equal("cw", 2)) put(s, FIELD_CW, &value);
        break;
    case 4:
        if (equal("text", 4)) put(s, FIELD_TEXT, &value);
        else if (equal("user", 4)) put_user(s, value);
        else if (equal("poll", 4)) put_poll(s, value);
        break;
    case 5: if (equal("files", 5)) put_files(s, value); break;
    case 7: if (equal("replyId", 7)) put(s, FIELD_REPLY_ID, &value); break;
    case 8: if (equal("renoteId", 8)) put(s, FIELD_RENOTE_ID, &value); break;
    case 9:
        if (equal("createdAt", 9)) put(s, FIELD_CREATED_AT, &value);
        else if (equal("reactions", 9)) put_reactions(s, value);
        break;
    case 10: if (equal("visibility", 10)) put(s, FIELD_VISIBILITY, &value); break;
    }
}

template <unsigned flags> static int read_message(char *text, sum *s, bool typed)
{
    MemoryPoolAllocator<> value_pool(values, room), stack_pool(stack, room);
    document message(&value_pool, room / 2, &stack_pool);
    message.ParseInsitu<flags>(text);
    if (message.HasParseError()) return 1;
    const Value *const type = get(&message, "type"), *const body = get(&message, "body");
    const Value *const event = get(body, "type"), *const inner = get(body, "body");
    put(s, FIELD_TYPE, type);
    put(s, FIELD_ID, get(body, "id"));
    put(s, FIELD_EVENT, event);
    if (!inner) return 0;
    sum_found(s, FIELD_BODY);
    if (!typed) return 0;
    if (is(type, "noteUpdated")) {
        put(s, FIELD_UPDATE_REACTION, get(inner, "reaction"));
        put(s, FIELD_UPDATE_USER_ID, get(inner, "userId"));
    } else if (is(type, "channel") && is(event, "note") && inner->IsObject()) {
        for (const auto &member : inner->GetObject()) put_member(s, member.name, member.value);
    }
    return 0;
}

enum { PLAIN = kParseInsituFlag, CHECKED = kParseInsituFlag | kParseValidateEncodingFlag };

static int w1(char *text, size_t, size_t, sum *s) { return read_message<CHECKED>(text, s, false); }
static int w2(char *text, size_t, size_t, sum *s) { return read_message<CHECKED>(text, s, true); }
static int w1_plain(char *text, size_t, size_t, sum *s) { return read_message<PLAIN>(text, s, false); }
static int w2_plain(char *text, size_t, size_t, sum *s) { return read_message<PLAIN>(text, s, true); }

extern "C" { EXPORT extern const peer peers[]; }
const peer peers[] = {
    { "RapidJSON " RAPIDJSON_VERSION_STRING " in place", 1, init, w1, w2 },
    { "RapidJSON " RAPIDJSON_VERSION_STRING " in place, no UTF-8 check", 1, nullptr, w1_plain, w2_plain },
    { nullptr, 0, nullptr, nullptr, nullptr }
};
