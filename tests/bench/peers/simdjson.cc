/* simdjson (libsimdjson-dev): its DOM, with the widest kernel that the machine has. On-Demand is not here: it does not
   check what it skips, which is not the same work. */
#include "../peer.h"

#include <cstdio>
#include <cstdlib>
#include <simdjson.h>

using namespace simdjson;

static dom::parser *parser;

static void init(size_t longest)
{
    delete parser;
    parser = new dom::parser(longest + 256);
    if (parser->allocate(longest + 256)) abort();
}

static void put(sum *s, int field, dom::element value)
{
    std::string_view text;
    if (!value.get(text)) sum_str(s, field, text.data(), text.size());
}

static void put(sum *s, int field, simdjson_result<dom::element> found)
{
    dom::element value;
    if (!found.get(value)) put(s, field, value);
}

static void put_user(sum *s, dom::element value)
{
    dom::object user;
    if (value.get(user)) return;
    for (auto member : user) {
        switch (member.key.size()) {
        case 2: if (member.key == "id") put(s, FIELD_USER_ID, member.value); break;
        case 4:
            if (member.key == "host") put(s, FIELD_HOST, member.value);
            else if (member.key == "name") put(s, FIELD_USER_NAME, member.value);
            break;
        case 8: if (member.key == "username") put(s, FIELD_USERNAME, member.value); break;
        }
    }
}

template <typename value> static int64_t integer(value found)
{
    int64_t n;
    return found.get(n) ? 0 : n;
}

static void put_reactions(sum *s, dom::element value)
{
    dom::object reactions;
    if (value.get(reactions)) return;
    for (auto member : reactions) {
        sum_str(s, FIELD_REACTIONS, member.key.data(), member.key.size());
        sum_int(s, FIELD_REACTIONS, integer(member.value));
    }
}

static void put_files(sum *s, dom::element value)
{
    dom::array files;
    if (value.get(files)) return;
    for (auto file : files) {
        put(s, FIELD_FILE_ID, file["id"]);
        put(s, FIELD_FILE_URL, file["url"]);
        put(s, FIELD_FILE_TYPE, file["type"]);
    }
}

static void put_poll(sum *s, dom::element value)
{
    dom::array choices;
    if (value["choices"].get(choices)) return;
    for (auto choice : choices) {
        put(s, FIELD_POLL, choice["text"]);
        sum_int(s, FIELD_POLL, integer(choice["votes"]));
    }
}

static void put_member(sum *s, std::string_view key, dom::element value)
{
    switch (key.size()) {
    case 2:
        if (key == "id") put(s, FIELD_NOTE_ID, value);
        else if (key == "cw") put(s, FIELD_CW, value);
        break;
    case 4:
        if (key == "text") put(s, FIELD_TEXT, value);
        else if (key == "user") put_user(s, value);
        else if (key == "poll") put_poll(s, value);
        break;
    case 5: if (key == "files") put_files(s, value); break;
    case 7: if (key == "replyId") put(s, FIELD_REPLY_ID, value); break;
    case 8: if (key == "renoteId") put(s, FIELD_RENOTE_ID, value); break;
    case 9:
        if (key == "createdAt") put(s, FIELD_CREATED_AT, value);
        else if (key == "reactions") put_reactions(s, value);
        break;
    case 10: if (key == "visibility") put(s, FIELD_VISIBILITY, value); break;
    }
}

static int read_message(const char *text, size_t len, sum *s, bool typed)
{
    dom::element message, body, inner;
    dom::object note;
    std::string_view type, event;
    if (parser->parse(reinterpret_cast<const uint8_t *>(text), len, false).get(message)) return 1;
    if (!message["type"].get(type)) sum_str(s, FIELD_TYPE, type.data(), type.size());
    if (message["body"].get(body) || !body.is_object()) return 0;
    put(s, FIELD_ID, body["id"]);
    if (!body["type"].get(event)) sum_str(s, FIELD_EVENT, event.data(), event.size());
    if (body["body"].get(inner)) return 0;
    sum_found(s, FIELD_BODY);
    if (!typed) return 0;
    if (type == "noteUpdated") {
        put(s, FIELD_UPDATE_REACTION, inner["reaction"]);
        put(s, FIELD_UPDATE_USER_ID, inner["userId"]);
    } else if (type == "channel" && event == "note" && !inner.get(note)) {
        for (auto member : note) put_member(s, member.key, member.value);
    }
    return 0;
}

static int w1(char *text, size_t len, size_t, sum *s) { return read_message(text, len, s, false); }
static int w2(char *text, size_t len, size_t, sum *s) { return read_message(text, len, s, true); }

static char name[80];
extern "C" { EXPORT extern peer peers[]; }
peer peers[] = { { name, 1, init, w1, w2 }, { nullptr, 0, nullptr, nullptr, nullptr } };

__attribute__((constructor)) static void set_name()
{
    std::snprintf(name, sizeof name, "simdjson %d.%d.%d DOM, %s", SIMDJSON_VERSION_MAJOR, SIMDJSON_VERSION_MINOR,
                  SIMDJSON_VERSION_REVISION, get_active_implementation()->name().c_str());
}
