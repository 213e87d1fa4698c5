/* The sections message and url: every kind and alias of the Misskey stream, read and written, in both directions. */
#include "../misskey_stream.h"
#include "greatest.h"

#include <stdio.h>
#include <stdlib.h>

static char where[700];
#define CHECK(COND) do { if (!(COND)) { \
        snprintf(where + strlen(where), sizeof where - strlen(where), " [line %d: %s]", __LINE__, #COND); \
        FAILm(where); } } while (0)
#define CASE(...) snprintf(where, sizeof where / 2, __VA_ARGS__)

#define X(kind, type, form) #kind,
static const char *const kind_names[] = { MISSKEY_KIND_LIST(X) };
#undef X

static uint32_t seed = 1;
static uint32_t rnd(uint32_t below) { seed = seed * 1664525u + 1013904223u; return (seed >> 8) % below; }

/* ---- a message as one line, so that two of them can be compared and shown ---- */

#define VIEW 2048

static void append(char *line, const char *name, const char *ptr, size_t len)
{
    if (ptr != NULL) snprintf(line + strlen(line), VIEW - strlen(line), " %s=%.*s", name, (int)len, ptr);
}

static const char *describe(const misskey_message *m, char line[VIEW])
{
    snprintf(line, VIEW, "%s%s%s%s", kind_names[m->kind], m->pong ? " pong" : "", m->read ? " read" : "",
             m->deep ? " deep" : "");
    if (m->alias > 0) snprintf(line + strlen(line), VIEW - strlen(line), " alias=%d", m->alias);
    append(line, "type", m->type.ptr, m->type.len);
    append(line, m->id_number ? "number" : "id", m->id.ptr, m->id.len);
    append(line, "channel", m->channel.ptr, m->channel.len);
    append(line, "event", m->event.ptr, m->event.len);
    append(line, "body", m->body.ptr, m->body.len);
    append(line, "raw", m->raw.ptr, m->raw.len);
    return line;
}

/* Text in memory of exactly its length, so that the sanitizers see every byte read behind it. */
static char *exact(const char *text, size_t len)
{
    char *const copy = malloc(len > 0 ? len : 1);
    if (copy == NULL) abort();
    memcpy(copy, text, len);
    return copy;
}

static misskey_message parse(const char *text)
{
    misskey_message m;
    if (misskey_message_parse(text, strlen(text), &m) != MISSKEY_ERR_OK) memset(&m, 0x55, sizeof m);
    return m;
}

/* The text of m in buffer, NUL-terminated; "" if it was refused. */
static const char *write_to(const misskey_message *m, char buffer[VIEW])
{
    size_t len;
    if (misskey_message_write(m, buffer, VIEW - 1, &len) != MISSKEY_ERR_OK) len = 0;
    buffer[len] = '\0';
    return buffer;
}

/* ---- the vocabulary ---- */

/* JSON with ' for ", which reads better in C. */
static const char *json(const char *text, char *out)
{
    size_t i;
    for (i = 0; text[i] != '\0'; i++) out[i] = text[i];
    out[i] = '\0';
    for (i = 0; out[i] != '\0'; i++) if (out[i] == '\'') out[i] = '"';
    return out;
}

typedef struct { const char *text, *view, *canonical; } wire; /* canonical: what write gives; NULL = the text */

static const wire client_to_server[] = {
    { "{'type':'connect','body':{'channel':'main','id':'1','params':{},'pong':true}}",
      "CONNECT pong id=1 channel=main body={}", NULL },
    { "{'type':'connect','body':{'channel':'userList','id':'u','params':{'listId':'9'}}}",
      "CONNECT id=u channel=userList body={'listId':'9'}", NULL },
    { "{'type':'connect','body':{'channel':'main','id':'1'}}", "CONNECT id=1 channel=main body={}",
      "{'type':'connect','body':{'channel':'main','id':'1','params':{}}}" },
    { "{'type':'connect','body':{'channel':'main','params':{},'pong':true}}",
      "CONNECT pong channel=main body={}", NULL },
    { "{'type':'connect','body':{'channel':'main','id':7,'params':{}}}", "CONNECT number=7 channel=main body={}",
      NULL },
    { "{'type':'connect','body':{'channel':'main','id':'1','pong':false}}",
      "CONNECT id=1 channel=main body={}", "{'type':'connect','body':{'channel':'main','id':'1','params':{}}}" },
    { "{'type':'connect','body':{'channel':'main','id':'1','pong':null,'later':[1]}}",
      "CONNECT id=1 channel=main body={}", "{'type':'connect','body':{'channel':'main','id':'1','params':{}}}" },
    { "{'type':'disconnect','body':{'id':'1'}}", "DISCONNECT id=1", NULL },
    { "{'type':'channel','body':{'id':'1','type':'read','body':{'id':'9'}}}",
      "CHANNEL id=1 event=read body={'id':'9'}", NULL },
    { "{'type':'ch','body':{'id':'1','type':'cancel','body':null}}",
      "CHANNEL alias=1 id=1 event=cancel body=null", NULL },
    { "{'type':'ch','body':{'id':'1','type':'cancel'}}", "CHANNEL alias=1 id=1 event=cancel body=null",
      "{'type':'ch','body':{'id':'1','type':'cancel','body':null}}" },
    { "{'type':'subNote','body':{'id':'9abc'}}", "SUB_NOTE id=9abc", NULL },
    { "{'type':'subNote','body':{'id':'9abc','read':true}}", "SUB_NOTE read id=9abc", NULL },
    { "{'type':'s','body':{'id':'9abc'}}", "SUB_NOTE alias=1 id=9abc", NULL },
    { "{'type':'sr','body':{'id':'9abc'}}", "SUB_NOTE alias=2 id=9abc", NULL },
    { "{'type':'sn','body':{'id':'9abc','read':true}}", "SUB_NOTE read alias=3 id=9abc", NULL },
    { "{'type':'unsubNote','body':{'id':'9abc'}}", "UNSUB_NOTE id=9abc", NULL },
    { "{'type':'un','body':{'id':'9abc'}}", "UNSUB_NOTE alias=1 id=9abc", NULL },
    { "{'type':'readNotification','body':{'id':'9'}}", "READ_NOTIFICATION id=9", NULL },
    { "{'type':'readNotification','body':{}}", "READ_NOTIFICATION", NULL },
    { "{'type':'typingOnChannel','body':{'channel':'c'}}", "TYPING_ON_CHANNEL channel=c", NULL },
    { "{'type':'typingOnMessaging','body':{'partner':'p'}}", "TYPING_ON_MESSAGING id=p", NULL },
    { "{'type':'typingOnMessaging','body':{'group':'g'}}", "TYPING_ON_MESSAGING alias=1 id=g", NULL },
    { "{'type':'api','body':{'id':'7','endpoint':'notes/show','data':{'noteId':'9'}}}",
      "API id=7 event=notes/show body={'noteId':'9'}", NULL },
    { "{'type':'api','body':{'id':'7','ep':'i','data':{}}}", "API alias=1 id=7 event=i body={}", NULL },
    { "{'type':'api','body':{'id':'7','endpoint':'i'}}", "API id=7 event=i", NULL },
    { "{'type':'alive'}", "ALIVE", NULL },
    { "{'type':'pong','body':{}}", "PONG body={}", NULL },
    { "ping", "TEXT_PING", NULL },
    { "{'type':'h'}", "H", NULL },
    { "h", "TEXT_H", NULL }
};

static const wire server_to_client[] = {
    { "{'type':'channel','body':{'id':'1','type':'note','body':{'id':'9','text':null}}}",
      "CHANNEL id=1 event=note body={'id':'9','text':null}", NULL },
    { "{'type':'channel','body':{'id':'1','type':'fileDeleted','body':'9'}}",
      "CHANNEL id=1 event=fileDeleted body='9'", NULL },
    { "{'type':'channel','body':{'id':'1','type':'statsLog','body':[]}}",
      "CHANNEL id=1 event=statsLog body=[]", NULL },
    { "{'type':'channel','body':{'type':'note','body':1.5e3}}", "CHANNEL event=note body=1.5e3", NULL },
    { "{'type':'channel','body':{'id':-7,'type':'note','body':true}}", "CHANNEL number=-7 event=note body=true",
      NULL },
    { "{'type':'channel','body':{'id':'1'}}", "CHANNEL id=1 body=null",
      "{'type':'channel','body':{'id':'1','body':null}}" },
    { "{'type':'connected','body':{'id':'1'}}", "CONNECTED id=1", NULL },
    { "{'type':'connected','body':{'id':12}}", "CONNECTED number=12", NULL },
    { "{'type':'noteUpdated','body':{'id':'9','type':'reacted','body':{'reaction':':a.b@.:'}}}",
      "NOTE_UPDATED id=9 event=reacted body={'reaction':':a.b@.:'}", NULL },
    { "{'type':'noteUpdated','body':{'type':'updated','id':'9','body':{}}}",
      "NOTE_UPDATED id=9 event=updated body={}",
      "{'type':'noteUpdated','body':{'id':'9','type':'updated','body':{}}}" },
    { "{'type':'emojiAdded','body':{'emoji':{}}}", "EMOJI_ADDED body={'emoji':{}}", NULL },
    { "{'type':'emojiUpdated','body':{'emojis':[]}}", "EMOJI_UPDATED body={'emojis':[]}", NULL },
    { "{'type':'emojiDeleted','body':{'emojis':[]}}", "EMOJI_DELETED body={'emojis':[]}", NULL },
    { "{'type':'announcementCreated','body':{}}", "ANNOUNCEMENT_CREATED body={}", NULL },
    { "{'type':'announcementCreated'}", "ANNOUNCEMENT_CREATED", NULL },
    { "{'type':'api:7','body':{'res':{}}}", "API_RESULT id=7 body={'res':{}}", NULL },
    { "{'type':'api:a:b\\n','body':{'e':{}}}", "API_RESULT id=a:b\\n body={'e':{}}", NULL },
    { "{'type':'api:','body':{}}", "API_RESULT id= body={}", NULL },
    { "{'type':'api-res:7','body':{}}", "API_RESULT alias=1 id=7 body={}", NULL },
    { "{'type':'ping','body':{}}", "PING body={}", NULL },
    { "{'type':'ping'}", "PING", NULL },
    { "{'type':'userUpdated','body':{}}", "USER_UPDATED body={}", NULL },
    { "{'type':'loggedIn','body':[1,2]}", "OTHER type=loggedIn body=[1,2]", NULL },
    { "{'type':''}", "OTHER type=", NULL },
    { "pong", "TEXT_PONG", NULL }
};

/* The view, the canonical text, and that this text gives the same view and itself again. */
static enum greatest_test_res check_wire(const wire *w, size_t num)
{
    char given[VIEW], want[VIEW], canonical[VIEW], view[VIEW], text[VIEW], again[VIEW];
    size_t i;
    for (i = 0; i < num; i++) {
        const size_t len = strlen(w[i].text);
        char *const copy = exact(json(w[i].text, given), len);
        misskey_message m, back;
        CASE("%s", w[i].text);
        CHECK(misskey_message_parse(copy, len, &m) == MISSKEY_ERR_OK);
        ASSERT_STR_EQ(json(w[i].view, want), describe(&m, view));
        ASSERT_STR_EQ(json(w[i].canonical != NULL ? w[i].canonical : w[i].text, canonical), write_to(&m, text));
        back = parse(text);
        ASSERT_STR_EQ(want, describe(&back, view));
        ASSERT_STR_EQ(text, write_to(&back, again));
        free(copy);
    }
    PASS();
}

#define SIZE(LIST) (sizeof LIST / sizeof LIST[0])

TEST kinds_of_clients(void) { return check_wire(client_to_server, SIZE(client_to_server)); }
TEST kinds_of_servers(void) { return check_wire(server_to_client, SIZE(server_to_client)); }

/* Every kind and alias of the lists is in one of the tables. */
TEST tables_are_complete(void)
{
    static const struct { misskey_kind kind; int alias; } all[] = {
#define X(kind, type, form) { MISSKEY_KIND_##kind, 0 },
#define Y(kind, alias, type) { MISSKEY_KIND_##kind, alias },
        MISSKEY_KIND_LIST(X) MISSKEY_ALIAS_LIST(Y)
#undef X
#undef Y
    };
    char text[VIEW];
    size_t i, k;
    for (i = 0; i < SIZE(all); i++) {
        bool found = all[i].kind == MISSKEY_KIND_TEXT;      /* these are below */
        CASE("%s alias %d", kind_names[all[i].kind], all[i].alias);
        for (k = 0; k < SIZE(client_to_server); k++) {
            const misskey_message m = parse(json(client_to_server[k].text, text));
            found = found || (m.kind == all[i].kind && m.alias == all[i].alias);
        }
        for (k = 0; k < SIZE(server_to_client); k++) {
            const misskey_message m = parse(json(server_to_client[k].text, text));
            found = found || (m.kind == all[i].kind && m.alias == all[i].alias);
        }
        CHECK(found);
    }
    PASS();
}

/* ---- what is almost one of them ---- */

TEST other_names(void)
{
    static const char *const names[] = {
        "note", "noteUpdate", "noteUpdatedd", "noteupdated", "NoteUpdated", "connec", "connecte", "connectedd",
        "Connected", "disconnec", "chan", "channe", "channels", "Channel", "channel ", " channel", "c", "chh", "ap",
        "apii", "api-res", "api-re", "api;", "Api:", "sub", "subnote", "subNotes", "unsub", "unsubnote", "n", "u",
        "unn", "ss", "sm", "srr", "readnotification", "readNotifications", "readAllNotifications", "typingOnChannels",
        "typingOn", "aliv", "alivee", "pin", "pingg", "po", "H", "hh", "emojiAdd", "emojiaddeD", "emojiUpdate",
        "emojisDeleted", "announcement", "\\u0000", "channel\\u0000", "\\u0000channel", "chann\\u0045l", "ch\\nannel"
    };
    char text[VIEW], view[VIEW], want[VIEW], again[VIEW];
    size_t i;
    for (i = 0; i < SIZE(names); i++) {
        misskey_message m;
        CASE("%s", names[i]);
        snprintf(text, sizeof text, "{\"type\":\"%s\",\"body\":{\"id\":\"1\",\"type\":\"t\",\"body\":1}}", names[i]);
        snprintf(want, sizeof want, "OTHER type=%s body={\"id\":\"1\",\"type\":\"t\",\"body\":1}", names[i]);
        m = parse(text);
        ASSERT_STR_EQ(want, describe(&m, view));
        ASSERT_STR_EQ(text, write_to(&m, again));
    }
    PASS();
}

/* Known types whose body has another form. */
TEST other_bodies(void)
{
    static const char *const texts[][2] = { /* type, body ("" = none) */
        { "channel", "" }, { "channel", "null" }, { "channel", "[]" }, { "channel", "'id'" }, { "channel", "1" },
        { "ch", "[{}]" }, { "noteUpdated", "true" }, { "noteUpdated", "" }, { "connected", "null" },
        { "connected", "" }, { "connected", "{'id':null}" }, { "connected", "{'id':['1']}" },
        { "disconnect", "{'id':true}" }, { "disconnect", "{'id':'1','read':true}" }, { "subNote", "{'id':{}}" },
        { "subNote", "{'id':'1','read':1}" }, { "s", "'9'" }, { "un", "{'id':'1','read':true}" },
        { "readNotification", "" }, { "readNotification", "null" }, { "connect", "{}" }, { "connect", "{'id':'1'}" },
        { "connect", "{'channel':1,'id':'1'}" }, { "connect", "{'channel':'main','id':'1','params':null}" },
        { "connect", "{'channel':'main','id':'1','params':[]}" },
        { "connect", "{'channel':'main','id':'1','pong':'true'}" },
        { "connect", "{'channel':'main','id':'1','pong':1}" }, { "connect", "{'id':7}" },
        { "connect", "{'channel':'main','pong':true,'params':null}" },
        { "typingOnChannel", "{}" }, { "typingOnChannel", "{'channel':1}" }, { "typingOnMessaging", "{}" },
        { "typingOnMessaging", "{'partner':null}" }, { "api", "{}" }, { "api", "{'id':'1','endpoint':1}" },
        { "alive", "{}" }, { "alive", "null" }
    };
    char text[VIEW], view[VIEW], want[2 * VIEW], again[VIEW], part[VIEW / 2];
    size_t i;
    for (i = 0; i < SIZE(texts); i++) {
        const char *const type = texts[i][0], *const body = json(texts[i][1], part);
        misskey_message m;
        CASE("%s %.200s", type, body);
        snprintf(text, sizeof text, "{\"type\":\"%s\"%s%s}", type, *body ? ",\"body\":" : "", body);
        snprintf(want, sizeof want, "OTHER type=%s%s%s", type, *body ? " body=" : "", body);
        m = parse(text);
        ASSERT_STR_EQ(want, describe(&m, view));
        ASSERT_STR_EQ(text, write_to(&m, again));
    }
    PASS();
}

/* No object with a string "type", or no JSON. */
TEST no_messages(void)
{
    static const char *const texts[] = {
        "", " ", "ping ", " ping", "PING", "ping\n", "pongs", "pong\xF0\x9F\x98\x80", "hh", "H", "null", "true", "0",
        "-1.5e3", "\"channel\"", "\"\"", "[]", "[{\"type\":\"channel\"}]", "{}", "{\"body\":{}}", "{\"type\":1}",
        "{\"type\":null}", "{\"type\":[\"a\"]}", "{\"type\":{\"type\":\"channel\"}}", "{\"Type\":\"channel\"}",
        "{\"type \":\"channel\"}", "{\"typ\":\"channel\"}", "{\"type\":\"a\",\"type\":1}",
        "{\"body\":{\"type\":\"channel\"}}", "\xEF\xBB\xBF{\"type\":\"channel\",\"body\":{}}", "\xEF\xBB\xBF",
        "\xC2\xA0{\"type\":\"a\"}", "{\"type\":\"a\"", "{\"type\":\"a\"}}", "{\"type\":\"a\"}{\"type\":\"b\"}",
        "{\"type\":\"a\"} x", "{\"type\":\"a\",}", "{type:\"a\"}", "{'type':'a'}", "{\"type\":\"a\" \"body\":1}",
        "{\"type\":\"a\";\"body\":1}", "{\"type\":\"channel\",\"body\":{\"id\":1;\"body\":1}}",
        "{\"type\":\"a\",\"body\":01}", "{\"type\":\"a\",\"body\":[1}}", "{\"type\":\"a\",\"body\":{\"id\"}}",
        "{\"type\":\"channel\",\"body\":{\"id\":\"1\",}}", "{\"type\":\"a\",\"body\":nul}", "{\"type\":\"a\tb\"}",
        "{\"type\":\"\\x\"}", "{,\"type\":\"a\"}", "{\"type\":\"a\",,\"body\":1}", "hello", "{",
        "{\"type\":\"channel\",\"body\":{\"id\":\"1\" \"type\":\"t\"}}", "undefined", "<html>"
    };
    char view[VIEW], want[VIEW], again[VIEW];
    size_t i;
    for (i = 0; i < SIZE(texts); i++) {
        const misskey_message m = parse(texts[i]);
        CASE("%s", texts[i]);
        snprintf(want, sizeof want, "TEXT raw=%s", texts[i]);
        ASSERT_STR_EQ(want, describe(&m, view));
        ASSERT_STR_EQ(texts[i], write_to(&m, again));
    }
    PASS();
}

TEST not_utf8(void)
{
    static const char *const texts[] = {
        "\xFF", "h\x80", "{\"type\":\"\xC0\x80\"}", "{\"type\":\"a\",\"body\":\"\xED\xA0\x80\"}", "ping \xE2\x82",
        "{\"type\":\"channel\",\"body\":{\"\xF5\x80\x80\x80\":1}}", "{} \xFE", "{\"type\":} \xC3"
    };
    misskey_message zero;
    size_t i;
    memset(&zero, 0, sizeof zero);
    for (i = 0; i < SIZE(texts); i++) {
        char *const copy = exact(texts[i], strlen(texts[i]));
        misskey_message m;
        memset(&m, 0x55, sizeof m);
        CASE("number %u", (unsigned)i);
        CHECK(misskey_message_parse(copy, strlen(texts[i]), &m) == MISSKEY_ERR_BAD_UTF8);
        CHECK(memcmp(&m, &zero, sizeof m) == 0);
        free(copy);
    }
    PASS();
}

/* ---- other forms of the same text ---- */

TEST forms_of_the_text(void)
{
    static const wire forms[] = {
        { "{'ty\\u0070e':'chann\\u0065l','b\\u006Fdy':{'\\u0069d':'1','typ\\u0065':'no\\u0074e','bod\\u0079':1}}",
          "CHANNEL id=1 event=no\\u0074e body=1",
          "{'type':'channel','body':{'id':'1','type':'no\\u0074e','body':1}}" },
        { "{'type':'\\u0063\\u0068','body':{'id':'\\ud83d','type':'\\'\\\\\\/','body':'\\u0000'}}",
          "CHANNEL alias=1 id=\\ud83d event=\\'\\\\\\/ body='\\u0000'",
          "{'type':'ch','body':{'id':'\\ud83d','type':'\\'\\\\\\/','body':'\\u0000'}}" },
        { " \t\r\n{ 'type' : 'connected' ,\n 'body' : { 'id' : '1' } } \n", "CONNECTED id=1",
          "{'type':'connected','body':{'id':'1'}}" },
        { "{'body' : { 'body' : [ 1 , 2 ] ,'type':'t','id':'1'},'type':'channel'}",
          "CHANNEL id=1 event=t body=[ 1 , 2 ]",
          "{'type':'channel','body':{'id':'1','type':'t','body':[ 1 , 2 ]}}" },
        { "{'x':{'type':'ch','body':{}},'type':'connected','y':[[]],'body':{'z':{'id':'0'},'id':'1'},'w':0}",
          "CONNECTED id=1", "{'type':'connected','body':{'id':'1'}}" },
        /* of duplicates the last counts */
        { "{'type':'connect','type':'connected','body':{'id':'1'},'body':{'id':'2'}}", "CONNECTED id=2",
          "{'type':'connected','body':{'id':'2'}}" },
        { "{'type':'connected','body':{'id':'1','\\u0069d':'2'}}", "CONNECTED id=2",
          "{'type':'connected','body':{'id':'2'}}" },
        { "{'type':'connected','body':{'id':'1'},'type':'x'}", "OTHER type=x body={'id':'1'}",
          "{'type':'x','body':{'id':'1'}}" },
        { "{'type':1,'body':{'id':'1'},'type':'disconnect'}", "DISCONNECT id=1",
          "{'type':'disconnect','body':{'id':'1'}}" },
        { "{'type':'channel','body':{'id':'1','type':'a','body':1},'body':2}", "OTHER type=channel body=2",
          "{'type':'channel','body':2}" },
        { "{'type':'channel','body':2,'body':{'id':'1','type':'a','body':1,'body':3}}",
          "CHANNEL id=1 event=a body=3", "{'type':'channel','body':{'id':'1','type':'a','body':3}}" },
        { "{'type':'channel','body':{'id':'1','type':'a','body':1},'body':{'type':'b'}}",
          "CHANNEL event=b body=null", "{'type':'channel','body':{'type':'b','body':null}}" },
        { "{'type':'channel','body':{'id':'1','id':2,'type':'a','type':null}}", "CHANNEL number=2 body=null",
          "{'type':'channel','body':{'id':2,'body':null}}" },
        { "{'type':'noteUpdated','type':'api:1','body':{'id':'2'}}", "API_RESULT id=1 body={'id':'2'}",
          "{'type':'api:1','body':{'id':'2'}}" }
    };
    return check_wire(forms, SIZE(forms));
}

/* All orders of the members of connect and of its root: 48 texts, one message. */
TEST every_order_of_members(void)
{
    static const char *const members[] = { "'channel':'main'", "'id':'1'", "'params':{'a':{}}", "'pong':true" };
    char text[VIEW], body[VIEW / 2], given[VIEW], view[VIEW];
    unsigned order;
    for (order = 0; order < 256; order++) {
        const unsigned i = order & 3, j = order >> 2 & 3, k = order >> 4 & 3, l = order >> 6;
        misskey_message m;
        int root;
        if ((1u << i | 1u << j | 1u << k | 1u << l) != 15) continue;
        snprintf(body, sizeof body, "'body':{%s,%s,%s,%s}", members[i], members[j], members[k], members[l]);
        for (root = 0; root < 2; root++) {
            snprintf(text, sizeof text, root == 0 ? "{'type':'connect',%s}" : "{%s,'type':'connect'}", body);
            CASE("%.300s", text);
            m = parse(json(text, given));
            ASSERT_STR_EQ("CONNECT pong id=1 channel=main body={\"a\":{}}", describe(&m, view));
        }
    }
    PASS();
}

/* Every beginning of every text is a text: never a message, never a byte read behind its end. */
TEST every_truncation(void)
{
    char text[VIEW];
    size_t i, len;
    for (i = 0; i < SIZE(client_to_server); i++) {
        json(client_to_server[i].text, text);
        for (len = 0; len < strlen(text); len++) {
            char *const copy = exact(text, len);
            misskey_message m;
            CASE("%.*s", (int)len, text);
            CHECK(misskey_message_parse(copy, len, &m) == MISSKEY_ERR_OK);
            CHECK(m.kind == MISSKEY_KIND_TEXT && m.raw.ptr == copy && m.raw.len == len);
            free(copy);
        }
    }
    PASS();
}

/* ---- depth ---- */

static char deep_text[8 * MISSKEY_MAX_DEPTH + 256];

/* before, levels of arrays, after */
static size_t make_deep(const char *before, unsigned levels, const char *after)
{
    char part[VIEW];
    char *p = deep_text + sprintf(deep_text, "%s", json(before, part));
    memset(p, '[', levels);
    memset(p + levels, ']', levels);
    strcpy(p + 2 * levels, json(after, part));
    return strlen(deep_text);
}

TEST depth(void)
{
    static const struct { const char *before, *after; unsigned outside; misskey_kind kind; bool deep; } t[] = {
        { "{'type':'channel','body':{'id':'1','type':'t','body':", "}}", 2, MISSKEY_KIND_CHANNEL, true },
        { "{'body':{'body':", ",'id':'1','type':'t'},'type':'channel'}", 2, MISSKEY_KIND_CHANNEL, true },
        { "{'type':'noteUpdated','body':{'id':'1','type':'t','body':", "}}", 2, MISSKEY_KIND_NOTE_UPDATED, true },
        { "{'type':'connect','body':{'channel':'main','params':{'a':", "}}}", 3, MISSKEY_KIND_CONNECT, true },
        { "{'type':'emojiAdded','body':", "}", 1, MISSKEY_KIND_EMOJI_ADDED, true },
        { "{'type':'else','body':{'a':", "}}", 2, MISSKEY_KIND_OTHER, true },
        { "{'type':'connected','body':{'id':true,'later':", "}}", 2, MISSKEY_KIND_OTHER, true },
        /* depth in a part that is not kept does not matter */
        { "{'type':'connected','body':{'id':'1','later':", "}}", 2, MISSKEY_KIND_CONNECTED, false },
        { "{'type':'channel','later':", ",'body':{'id':'1','type':'t','body':1}}", 1, MISSKEY_KIND_CHANNEL, false },
        { "{'type':'channel','body':{'id':'1','type':'t','body':1,'later':", "}}", 2, MISSKEY_KIND_CHANNEL, false },
        { "{'type':'channel','body':{'id':'1','type':'t','body':", ",'body':1}}", 2, MISSKEY_KIND_CHANNEL, false }
    };
    char text[sizeof deep_text];
    size_t i, len;
    unsigned over;
    for (i = 0; i < SIZE(t); i++) {
        for (over = 0; over < 4; over++) {  /* one level below the limit, at it, above it, far above it */
            const unsigned levels = MISSKEY_MAX_DEPTH - t[i].outside - 1 + (over < 3 ? over : 2 * MISSKEY_MAX_DEPTH);
            const size_t size = make_deep(t[i].before, levels, t[i].after);
            const bool deep = t[i].deep && over >= 2;
            misskey_message m;
            CASE("number %u, %u levels", (unsigned)i, levels);
            CHECK(misskey_message_parse(deep_text, size, &m) == MISSKEY_ERR_OK);
            CHECK(m.kind == t[i].kind && m.deep == deep);
            CHECK(deep == (m.raw.ptr != NULL) && (!deep || (m.body.ptr == NULL && m.raw.len >= 2 * levels)));
            CHECK(misskey_message_write(&m, text, sizeof text, &len) == (deep ? MISSKEY_ERR_BAD_ARG : MISSKEY_ERR_OK));
        }
    }
    PASS();
}

/* All of the deep body is there; and a message that is broken below the limit is none. */
TEST depth_is_checked_below_the_limit(void)
{
    const size_t size = make_deep("{'type':'channel','body':{'body':", MISSKEY_MAX_DEPTH, "}}");
    misskey_message m;
    CASE("depth");
    CHECK(misskey_message_parse(deep_text, size, &m) == MISSKEY_ERR_OK);
    CHECK(m.raw.ptr == strchr(deep_text, '[') && m.raw.len == 2 * MISSKEY_MAX_DEPTH);
    deep_text[size - 4] = '\x01';
    CHECK(misskey_message_parse(deep_text, size, &m) == MISSKEY_ERR_OK && m.kind == MISSKEY_KIND_TEXT);
    PASS();
}

/* White space before and behind every bracket, as RFC 8259 section 2 allows it, in what is too deep and around it. */
TEST white_space_in_the_depth_changes_nothing(void)
{
    static const char *const forms[] = {
        "{'type':'channel','body':{'id':'1','type':'note','body':", "}}",
        "{'body':{'body':", ",'id':'1','type':'note'},'type':'channel'}",
        "{'type':'noteUpdated','body':{'id':'1','type':'note','body':", "}}",
        "{'type':'connect','body':{'channel':'main','params':{'a':", "}}}", "{'type':'emojiAdded','body':", "}",
        "{'type':'connected','body':{'id':'1','later':", "}}", "{'type':'else','body':{},'later':", "}"
    };
    static char spaced[6 * sizeof deep_text];
    misskey_message plain, m;
    size_t form, i, len;
    for (form = 0; form < SIZE(forms); form += 2) {
        for (len = 0, i = make_deep(forms[form], MISSKEY_MAX_DEPTH + 9, forms[form + 1]); i > 0; i--) {
            const char c = deep_text[strlen(deep_text) - i];
            const bool bracket = c == '[' || c == ']' || c == '{' || c == '}';
            len += (size_t)sprintf(spaced + len, "%s%c%s", bracket ? " \t" : "", c, bracket ? "\r\n" : "");
        }
        CASE("form %u", (unsigned)form / 2);
        CHECK(misskey_message_parse(deep_text, strlen(deep_text), &plain) == MISSKEY_ERR_OK);
        CHECK(misskey_message_parse(spaced, len, &m) == MISSKEY_ERR_OK);
        CHECK(m.kind == plain.kind && m.kind < MISSKEY_KIND_TEXT_PING && m.deep == plain.deep);
        CHECK(m.id.len == plain.id.len && m.event.len == plain.event.len && m.type.len == plain.type.len);
    }
    PASS();
}

TEST nothing_is_taken_for_nothing(void)
{
    misskey_message m;
    size_t len = 7;
    CASE("nothing");
    CHECK(misskey_message_parse(NULL, 0, &m) == MISSKEY_ERR_OK && m.kind == MISSKEY_KIND_TEXT && m.raw.len == 0);
    CHECK(misskey_message_write(&m, NULL, 0, &len) == MISSKEY_ERR_OK && len == 0);
    memset(&m, 0, sizeof m);
    CHECK(misskey_message_write(&m, NULL, 0, &len) == MISSKEY_ERR_TOO_SMALL && len > 0);
    m.kind = MISSKEY_KIND_TEXT;
    CHECK(misskey_message_write(&m, NULL, 0, &len) == MISSKEY_ERR_BAD_ARG && len == 0); /* there is no text */
    PASS();
}

/* ---- the writer ---- */

static misskey_message make(misskey_kind kind, const char *id, const char *event, const char *body)
{
    misskey_message m;
    memset(&m, 0, sizeof m);
    m.kind = kind;
    m.id = misskey_jstr_text(id);
    m.event = misskey_jstr_text(event);
    m.body = misskey_json_text(body);
    return m;
}

#define REFUSED(M, ERR) do { \
        char buffer_[VIEW]; \
        size_t len_; \
        CHECK(misskey_message_write(&(M), buffer_, sizeof buffer_, &len_) == MISSKEY_ERR_##ERR); \
    } while (0)

TEST refused_kinds_and_members(void)
{
    misskey_message m;
    CASE("refusals");
    m = make((misskey_kind)(MISSKEY_KIND_TEXT + 1), NULL, NULL, NULL); REFUSED(m, BAD_ARG);
    m = make((misskey_kind)-1, NULL, NULL, NULL); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_CHANNEL, "1", "note", "{}"); m.alias = 2; REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_DISCONNECT, "1", NULL, NULL); m.alias = 1; REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_SUB_NOTE, "1", NULL, NULL); m.alias = 4; REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_API, "1", "i", "{}"); m.alias = 2; REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_PING, NULL, NULL, NULL); m.alias = 1; REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_TEXT_H, NULL, NULL, NULL); m.alias = 1; REFUSED(m, BAD_ARG);
    /* a needed part is missing */
    m = make(MISSKEY_KIND_CHANNEL, "1", "note", NULL); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_NOTE_UPDATED, "1", "reacted", NULL); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_CONNECT, "1", NULL, "{}"); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_CONNECT, "1", NULL, NULL); m.channel = misskey_jstr_text("main"); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_CONNECT, "1", NULL, "[]"); m.channel = misskey_jstr_text("main"); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_TYPING_ON_CHANNEL, NULL, NULL, NULL); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_TYPING_ON_MESSAGING, NULL, NULL, NULL); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_API, "1", NULL, "{}"); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_API_RESULT, NULL, NULL, "{}"); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_OTHER, NULL, NULL, "{}"); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_CHANNEL, NULL, "note", "{}"); m.id_number = true; REFUSED(m, BAD_ARG);
    /* a member that the kind does not use */
    m = make(MISSKEY_KIND_PING, "1", NULL, NULL); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_CONNECTED, "1", "x", NULL); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_CONNECTED, "1", NULL, "{}"); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_DISCONNECT, "1", NULL, NULL); m.read = true; REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_SUB_NOTE, "1", NULL, NULL); m.pong = true; REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_CHANNEL, "1", "note", "{}"); m.read = true; REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_PONG, NULL, NULL, NULL); m.pong = true; REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_CHANNEL, "1", "note", "{}"); m.channel = misskey_jstr_text("c"); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_CHANNEL, "1", "note", "{}"); m.type = misskey_jstr_text("t"); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_CHANNEL, "1", "note", "{}"); m.raw.ptr = "r"; m.raw.len = 1; REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_ALIVE, NULL, NULL, "{}"); REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_TEXT_H, NULL, NULL, NULL); m.raw.ptr = "h"; m.raw.len = 1; REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_CHANNEL, "1", "note", "{}"); m.deep = true; REFUSED(m, BAD_ARG);
    PASS();
}

TEST refused_contents(void)
{
    static const struct { const char *id, *event, *body; misskey_err err; } t[] = {
        { "a\"b", "note", "{}", MISSKEY_ERR_BAD_JSON },     { "a\\", "note", "{}", MISSKEY_ERR_BAD_JSON },
        { "a\nb", "note", "{}", MISSKEY_ERR_BAD_JSON },     { "\\u12", "note", "{}", MISSKEY_ERR_BAD_JSON },
        { "\\x", "note", "{}", MISSKEY_ERR_BAD_JSON },      { "1", "no\"te", "{}", MISSKEY_ERR_BAD_JSON },
        { "1", "note", "{", MISSKEY_ERR_BAD_JSON },         { "1", "note", "", MISSKEY_ERR_BAD_JSON },
        { "1", "note", "nope", MISSKEY_ERR_BAD_JSON },      { "1", "note", "1,2", MISSKEY_ERR_BAD_JSON },
        { "1", "note", "[1,]", MISSKEY_ERR_BAD_JSON },      { "1", "note", "{}}", MISSKEY_ERR_BAD_JSON },
        { "\xFF", "note", "{}", MISSKEY_ERR_BAD_UTF8 },     { "1", "note", "\"\xC0\xAF\"", MISSKEY_ERR_BAD_UTF8 },
        { "1", "\xED\xA0\x80", "{}", MISSKEY_ERR_BAD_UTF8 },
        /* well-formed as a whole, but not what was meant */
        { "1\",\"type\":\"x", "note", "{}", MISSKEY_ERR_BAD_ARG },
        { "1", "note\",\"id\":\"2", "{}", MISSKEY_ERR_BAD_ARG },
        { "1", "note", "1,\"id\":\"2\"", MISSKEY_ERR_BAD_ARG },
        { "1", "note", "1},\"type\":\"x\",\"y\":{\"a\":1", MISSKEY_ERR_BAD_ARG },
        { "1", "note", " {} ", MISSKEY_ERR_BAD_ARG }
    };
    misskey_message m;
    size_t i, len;
    for (i = 0; i < SIZE(t); i++) {
        char buffer[VIEW];
        CASE("id %s, event %s, body %s", t[i].id, t[i].event, t[i].body);
        m = make(MISSKEY_KIND_CHANNEL, t[i].id, t[i].event, t[i].body);
        CHECK(misskey_message_write(&m, buffer, sizeof buffer, &len) == t[i].err);
    }
    CASE("numeric ids");
    m = make(MISSKEY_KIND_CONNECTED, "1x", NULL, NULL); m.id_number = true; REFUSED(m, BAD_JSON);
    m = make(MISSKEY_KIND_CONNECTED, "01", NULL, NULL); m.id_number = true; REFUSED(m, BAD_JSON);
    m = make(MISSKEY_KIND_CONNECTED, "\"1\"", NULL, NULL); m.id_number = true; REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_CONNECTED, "true", NULL, NULL); m.id_number = true; REFUSED(m, BAD_ARG);
    m = make(MISSKEY_KIND_CONNECTED, "1 ", NULL, NULL); m.id_number = true; REFUSED(m, BAD_ARG);
    CASE("depth");
    make_deep("", MISSKEY_MAX_DEPTH - 1, "");
    m = make(MISSKEY_KIND_CHANNEL, "1", "note", deep_text);
    {
        static char buffer[sizeof deep_text];
        CHECK(misskey_message_write(&m, buffer, sizeof buffer, &len) == MISSKEY_ERR_DEPTH);
        make_deep("", MISSKEY_MAX_DEPTH - 2, "");
        m.body = misskey_json_text(deep_text);
        CHECK(misskey_message_write(&m, buffer, sizeof buffer, &len) == MISSKEY_ERR_OK);
    }
    PASS();
}

/* OTHER and TEXT that would be read as something else. */
TEST refused_disguises(void)
{
    static const struct { const char *type, *body; bool ok; } others[] = {
        { "channel", "{}", false }, { "channel", "1", true }, { "ch", "{}", false },
        { "connected", "{\"id\":\"1\"}", false }, { "connected", "{\"id\":true}", true },
        { "emojiAdded", "1", false }, { "ping", NULL, false }, { "api:1", "{}", false }, { "api", "{}", true },
        { "alive", NULL, false }, { "alive", "1", true }, { "h", NULL, false }, { "", NULL, true },
        { "a\",\"body\":\"b", NULL, false }, { "c\\u0068", "{}", false }
    };
    static const struct { const char *raw; bool ok; } texts[] = {
        { "x", true }, { "null", true }, { "{}", true }, { "{\"type\":1}", true }, { "", true }, { "h", false },
        { "ping", false }, { "pong", false }, { "{\"type\":\"a\"}", false },
        { " {\"type\":\"channel\",\"body\":{}}", false }
    };
    char buffer[VIEW];
    misskey_message m;
    misskey_err want;
    size_t i, len;
    for (i = 0; i < SIZE(others); i++) {
        CASE("type %s, body %s", others[i].type, others[i].body != NULL ? others[i].body : "none");
        m = make(MISSKEY_KIND_OTHER, NULL, NULL, others[i].body);
        m.type = misskey_jstr_text(others[i].type);
        want = others[i].ok ? MISSKEY_ERR_OK : MISSKEY_ERR_BAD_ARG;
        CHECK(misskey_message_write(&m, buffer, sizeof buffer, &len) == want);
    }
    for (i = 0; i < SIZE(texts); i++) {
        CASE("text %s", texts[i].raw);
        m = make(MISSKEY_KIND_TEXT, NULL, NULL, NULL);
        m.raw.ptr = texts[i].raw;
        m.raw.len = strlen(texts[i].raw);
        want = texts[i].ok ? MISSKEY_ERR_OK : MISSKEY_ERR_BAD_ARG;
        CHECK(misskey_message_write(&m, buffer, sizeof buffer, &len) == want);
    }
    PASS();
}

TEST every_capacity(void)
{
    char given[VIEW], text[VIEW], buffer[VIEW];
    size_t i, cap, len, k;
    for (i = 0; i < SIZE(client_to_server); i++) {
        const wire *const w = &client_to_server[i];
        const misskey_message m = parse(json(w->text, given));
        const size_t need = strlen(json(w->canonical != NULL ? w->canonical : w->text, text));
        CASE("%.300s", text);
        CHECK(misskey_message_write(&m, NULL, 0, &len) == MISSKEY_ERR_TOO_SMALL && len == need);
        for (cap = 0; cap <= need; cap++) {
            const misskey_err want = cap < need ? MISSKEY_ERR_TOO_SMALL : MISSKEY_ERR_OK;
            memset(buffer, 0x7E, sizeof buffer);
            CHECK(misskey_message_write(&m, buffer, cap, &len) == want && len == need);
            for (k = cap; k < sizeof buffer; k++) CHECK(buffer[k] == 0x7E);
        }
        CHECK(memcmp(buffer, text, need) == 0);
    }
    PASS();
}

/* ---- properties ---- */

static const char *const ids[] = {
    "1", "9abcdef", "", "a b", "\\\"", "\\\\", "\\u0000", "\\ud83d", "\\ud83d\\ude00", "\xE3\x83\x8F\xE3\x82\xA4",
    "l\\\"q\\\\", ":", "a.b", "\\/", "\xF0\x9F\x98\x80", "\\u0061", "{}", "0123456789012345678901234567890123456789"
};
static const char *const numbers[] = { "0", "-0", "1", "-12", "1.5", "1e5", "12345678901234567890", "0.1E-2" };
#define PICK(LIST) LIST[rnd((uint32_t)SIZE(LIST))]

/* A random value at dst; returns its end. */
static char *random_value(char *dst, unsigned depth)
{
    static const char *const scalars[] = {
        "null", "true", "false", "0", "-1.5e-3", "\"\"", "\"a\\n\\u00e9\"", "\"\xC3\xA9\""
    };
    const uint32_t what = rnd(depth > 0 ? 4 : 2);
    uint32_t i;
    if (what < 2) return dst + sprintf(dst, "%s", PICK(scalars));
    *dst++ = what == 2 ? '[' : '{';
    for (i = rnd(4); i > 0; i--) {
        if (what == 3) dst += sprintf(dst, "\"%s\":", PICK(ids));
        dst = random_value(dst, depth - 1);
        if (i > 1) *dst++ = ',';
    }
    *dst++ = what == 2 ? ']' : '}';
    *dst = '\0';
    return dst;
}

static char body_text[VIEW];

static misskey_json random_body(bool object)
{
    do random_value(body_text, 3); while (object && *body_text != '{');
    return misskey_json_text(body_text);
}

static void random_id(misskey_message *m)
{
    m->id_number = rnd(4) == 0;
    m->id = misskey_jstr_text(m->id_number ? PICK(numbers) : PICK(ids));
    if (m->id_number || rnd(8) > 0) return;
    m->id = misskey_jstr_text(NULL);
}

/* A message that the writer is to accept. */
static misskey_message random_message(void)
{
    misskey_message m;
    memset(&m, 0, sizeof m);
    m.kind = (misskey_kind)rnd(MISSKEY_KIND_TEXT + 1);
    switch (m.kind) {
    case MISSKEY_KIND_CHANNEL:
        m.alias = (uint8_t)rnd(2); /* fallthrough */
    case MISSKEY_KIND_NOTE_UPDATED:
        random_id(&m);
        if (rnd(8) > 0) m.event = misskey_jstr_text(PICK(ids));
        m.body = random_body(false);
        break;
    case MISSKEY_KIND_SUB_NOTE:
        m.alias = (uint8_t)rnd(4);
        m.read = rnd(2) == 0;
        random_id(&m);
        break;
    case MISSKEY_KIND_UNSUB_NOTE:
        m.alias = (uint8_t)rnd(2); /* fallthrough */
    case MISSKEY_KIND_CONNECTED: case MISSKEY_KIND_DISCONNECT: case MISSKEY_KIND_READ_NOTIFICATION:
        random_id(&m);
        break;
    case MISSKEY_KIND_CONNECT:
        random_id(&m);
        m.channel = misskey_jstr_text(PICK(ids));
        m.pong = rnd(2) == 0;
        m.body = random_body(true);
        break;
    case MISSKEY_KIND_TYPING_ON_CHANNEL:
        m.channel = misskey_jstr_text(PICK(ids));
        break;
    case MISSKEY_KIND_TYPING_ON_MESSAGING:
        m.alias = (uint8_t)rnd(2);
        m.id = misskey_jstr_text(PICK(ids));
        break;
    case MISSKEY_KIND_API:
        m.alias = (uint8_t)rnd(2);
        random_id(&m);
        m.event = misskey_jstr_text(PICK(ids));
        if (rnd(4) > 0) m.body = random_body(false);
        break;
    case MISSKEY_KIND_API_RESULT:
        m.alias = (uint8_t)rnd(2);
        m.id = misskey_jstr_text(PICK(ids));
        m.body = random_body(false);
        break;
    case MISSKEY_KIND_ALIVE: case MISSKEY_KIND_TEXT_PING: case MISSKEY_KIND_TEXT_PONG: case MISSKEY_KIND_TEXT_H:
        break;
    case MISSKEY_KIND_OTHER:
        m.type = misskey_jstr_text(PICK(ids));
        if (rnd(4) > 0) m.body = random_body(false);
        break;
    case MISSKEY_KIND_TEXT:
        m.raw.ptr = PICK(ids);
        m.raw.len = strlen(m.raw.ptr);
        break;
    default:
        if (rnd(4) > 0) m.body = random_body(false);
        break;
    }
    return m;
}

/* For every message that is written: parse(write(m)) is m, and its text stays as it is. */
TEST parse_undoes_write(void)
{
    char text[VIEW], again[VIEW], want[VIEW], got[VIEW];
    unsigned round;
    for (round = 0; round < 20000; round++) {
        const misskey_message m = random_message();
        misskey_message back;
        size_t len;
        CASE("%s", describe(&m, want));
        CHECK(misskey_message_write(&m, text, sizeof text - 1, &len) == MISSKEY_ERR_OK);
        text[len] = '\0';
        CHECK(misskey_message_parse(text, len, &back) == MISSKEY_ERR_OK);
        ASSERT_STR_EQ(want, describe(&back, got));
        ASSERT_STR_EQ(text, write_to(&back, again));
    }
    PASS();
}

/* One random change of a text: a byte taken out, put in, or changed, or two swapped, mostly with the bytes of JSON. */
static void damage(char *text)
{
    static const char bytes[] = "{}[]\",:\\u0 1tn-e.idbypx";
    const size_t len = strlen(text), at = len > 0 ? rnd((uint32_t)len) : 0;
    const char byte = bytes[rnd(sizeof bytes - 1)];
    if (len == 0 || len + 2 >= VIEW) return;
    switch (rnd(4)) {
    case 0: memmove(text + at, text + at + 1, len - at); break;
    case 1:
        memmove(text + at + 1, text + at, len - at + 1);
        text[at] = byte;
        break;
    case 2: text[at] = byte; break;
    default: {
        const size_t other = rnd((uint32_t)len);
        const char kept = text[at];
        text[at] = text[other];
        text[other] = kept;
    }
    }
}

/* For every text that is UTF-8: what was read can be written, and reading and writing that again changes nothing. */
TEST write_of_parse_is_stable(void)
{
    char text[VIEW], first[VIEW], second[VIEW], want[VIEW], got[VIEW];
    unsigned round, messages = 0;
    for (round = 0; round < 40000; round++) {
        misskey_message m = random_message(), back;
        uint32_t damages;
        size_t len;
        write_to(&m, text);
        for (damages = rnd(4); damages > 0; damages--) damage(text);
        CASE("%.300s", text);
        if (misskey_message_parse(text, strlen(text), &m) != MISSKEY_ERR_OK) continue;
        messages += m.kind < MISSKEY_KIND_OTHER;
        describe(&m, want);
        CHECK(misskey_message_write(&m, first, sizeof first - 1, &len) == MISSKEY_ERR_OK);
        first[len] = '\0';
        back = parse(first);
        ASSERT_STR_EQ(want, describe(&back, got));
        ASSERT_STR_EQ(first, write_to(&back, second));
    }
    CASE("only %u of the texts were known messages", messages);
    CHECK(messages > 5000);
    PASS();
}

/* ---- url ---- */

static misskey_url address(const char *host, const char *path, const char *token, const char *cache_buster)
{
    misskey_url url;
    memset(&url, 0, sizeof url);
    url.host = host;
    url.path = path;
    url.token = token;
    url.cache_buster = cache_buster;
    return url;
}

TEST url_forms(void)
{
    static const struct { const char *host, *path, *token, *buster; bool plain; const char *want; } t[] = {
        { "misskey.example", NULL, NULL, NULL, false, "wss://misskey.example/streaming" },
        { "misskey.example", NULL, "abc", NULL, false, "wss://misskey.example/streaming?i=abc" },
        { "misskey.example", NULL, NULL, "1700", false, "wss://misskey.example/streaming?_t=1700" },
        { "misskey.example", NULL, "abc", "1700", false, "wss://misskey.example/streaming?i=abc&_t=1700" },
        { "localhost:3000", NULL, "!a+b/c=d&e", NULL, true, "ws://localhost:3000/streaming?i=%21a%2Bb%2Fc%3Dd%26e" },
        { "[::1]:3000", "/", NULL, NULL, true, "ws://[::1]:3000/" },
        { "h", "/sub/streaming", "t", NULL, false, "wss://h/sub/streaming?i=t" },
        { "h", "/streaming?a=b", "t", "9Zz", false, "wss://h/streaming?a=b&i=t&_t=9Zz" },
        { "h", "/streaming?a=b", NULL, "9", false, "wss://h/streaming?a=b&_t=9" }
    };
    char buffer[128];
    size_t i, cap, len;
    for (i = 0; i < SIZE(t); i++) {
        misskey_url url = address(t[i].host, t[i].path, t[i].token, t[i].buster);
        url.plain = t[i].plain;
        CASE("%s", t[i].want);
        CHECK(misskey_url_write(&url, buffer, sizeof buffer, &len) == MISSKEY_ERR_OK);
        ASSERT_STR_EQ(t[i].want, buffer);
        CHECK(len == strlen(t[i].want));
        CHECK(misskey_url_write(&url, buffer, sizeof buffer, NULL) == MISSKEY_ERR_OK);
        CHECK(misskey_url_write(&url, NULL, 0, &len) == MISSKEY_ERR_TOO_SMALL && len == strlen(t[i].want));
        for (cap = 0; cap <= len + 1; cap++) {
            memset(buffer, 0x7E, sizeof buffer);
            CHECK(misskey_url_write(&url, buffer, cap, &len) == (cap > len ? MISSKEY_ERR_OK : MISSKEY_ERR_TOO_SMALL));
            CHECK(len == strlen(t[i].want) && buffer[cap] == 0x7E);
        }
    }
    PASS();
}

TEST url_encodes_every_byte(void)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    char buffer[64], want[64], token[2] = "";
    int byte;
    for (byte = 1; byte < 256; byte++) {
        misskey_url url = address("h", NULL, token, NULL);
        token[0] = (char)byte;
        CASE("byte %d", byte);
        sprintf(want, strchr(plain, byte) != NULL ? "wss://h/streaming?i=%c" : "wss://h/streaming?i=%%%02X", byte);
        CHECK(misskey_url_write(&url, buffer, sizeof buffer, NULL) == MISSKEY_ERR_OK);
        ASSERT_STR_EQ(want, buffer);
    }
    PASS();
}

TEST url_refusals(void)
{
    static const struct { const char *host, *path, *token, *buster; } t[] = {
        { NULL, NULL, NULL, NULL }, { "", NULL, NULL, NULL }, { "a b", NULL, NULL, NULL }, { " a", NULL, NULL, NULL },
        { "a/b", NULL, NULL, NULL }, { "a?b", NULL, NULL, NULL }, { "a#b", NULL, NULL, NULL },
        { "a@b", NULL, NULL, NULL }, { "a\\b", NULL, NULL, NULL }, { "a\r\nX: y", NULL, NULL, NULL },
        { "a\x7F", NULL, NULL, NULL }, { "a\t", NULL, NULL, NULL }, { "h", "", NULL, NULL },
        { "h", "streaming", NULL, NULL }, { "h", "/a b", NULL, NULL }, { "h", "/a#b", NULL, NULL },
        { "h", "/a\n", NULL, NULL }, { "h", "/a\x7F", NULL, NULL }, { "h", NULL, "", NULL }, { "h", NULL, NULL, "" },
        { "h", NULL, NULL, "1-2" }, { "h", NULL, NULL, "1 " }, { "h", NULL, NULL, "a&b=c" },
        { "h", NULL, NULL, "\xC3\xA9" }
    };
    char buffer[64];
    size_t i, len;
    for (i = 0; i < SIZE(t); i++) {
        const misskey_url url = address(t[i].host, t[i].path, t[i].token, t[i].buster);
        CASE("number %u", (unsigned)i);
        CHECK(misskey_url_write(&url, buffer, sizeof buffer, &len) == MISSKEY_ERR_BAD_ARG);
    }
    PASS();
}

SUITE(message)
{
    RUN_TEST(kinds_of_clients);
    RUN_TEST(kinds_of_servers);
    RUN_TEST(tables_are_complete);
    RUN_TEST(other_names);
    RUN_TEST(other_bodies);
    RUN_TEST(no_messages);
    RUN_TEST(not_utf8);
    RUN_TEST(forms_of_the_text);
    RUN_TEST(every_order_of_members);
    RUN_TEST(every_truncation);
    RUN_TEST(depth);
    RUN_TEST(depth_is_checked_below_the_limit);
    RUN_TEST(white_space_in_the_depth_changes_nothing);
    RUN_TEST(nothing_is_taken_for_nothing);
    RUN_TEST(refused_kinds_and_members);
    RUN_TEST(refused_contents);
    RUN_TEST(refused_disguises);
    RUN_TEST(every_capacity);
    RUN_TEST(parse_undoes_write);
    RUN_TEST(write_of_parse_is_stable);
}

SUITE(url)
{
    RUN_TEST(url_forms);
    RUN_TEST(url_encodes_every_byte);
    RUN_TEST(url_refusals);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(message);
    RUN_SUITE(url);
    GREATEST_MAIN_END();
}
