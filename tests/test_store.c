/* The note store: every rule by which notes stay up to date, slots and their memory, holds and captures. */
#include "../misskey_stream.h"
#include "greatest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition) ASSERTm(#condition, condition)
#define OK(call) ASSERT_EQ_FMT((int)MISSKEY_ERR_OK, (int)(call), "%d")
#define REFUSED(name, call) ASSERT_EQ_FMT((int)MISSKEY_ERR_##name, (int)(call), "%d")
#define CHANGED(bits, call) ASSERT_EQ_FMT((unsigned)(bits), (unsigned)(call), "%u")
#define IS(id, note) CHECK(is(id, note))
#define SAID(words) ASSERT_STR_EQ(words, said())

enum {
    NEW = MISSKEY_CHANGED_NEW, REACTIONS = MISSKEY_CHANGED_REACTIONS, MY_REACTION = MISSKEY_CHANGED_MY_REACTION,
    POLL = MISSKEY_CHANGED_POLL, TEXT = MISSKEY_CHANGED_TEXT, DELETED = MISSKEY_CHANGED_DELETED,
    REST = MISSKEY_CHANGED_REST, REFETCH = MISSKEY_CHANGED_REFETCH, CUT = MISSKEY_CHANGED_CUT
};
enum { NOTES = 4, SIZE = 1024, LEAST = 256, CAPTURES = 8, CANARY = 0xA5, LINE = 16384 };
#define WORDS(bytes) (((bytes) + 7) / 8)

static struct bench {
    uint64_t mem[WORDS(MISSKEY_STORE_SIZE(NOTES, SIZE))];
    misskey_store_desc desc;
    misskey_store store;
    misskey_session session;
    misskey_capture_slot captures[CAPTURES];
} bench;

/* --- notes in, notes out --- */

/* Text with ' for ", as one checked value. It is there until eight more were made. */
static misskey_json json(const char *format, ...)
{
    static char lines[8][LINE];
    static unsigned n;
    char *const line = lines[n++ % 8], *p;
    misskey_json value;
    va_list args;
    va_start(args, format);
    vsnprintf(line, LINE, format, args);
    va_end(args);
    for (p = line; *p != '\0'; p++) if (*p == '\'') *p = '"';
    if (misskey_json_check(line, strlen(line), &value, NULL) != MISSKEY_ERR_OK) {
        printf("this test made a text that is no JSON: %s\n", line);
        abort();
    }
    return value;
}

static misskey_jstr id(const char *text) { return misskey_jstr_text(text); }

static misskey_json get(const char *name) { return misskey_store_get(&bench.store, id(name)); }

static bool same(misskey_json a, misskey_json b);

static bool same_strings(misskey_jstr a, misskey_jstr b)
{
    static char text[2][LINE];
    const size_t n = misskey_jstr_copy(a, text[0], LINE), m = misskey_jstr_copy(b, text[1], LINE);
    return n == m && n < LINE && memcmp(text[0], text[1], n) == 0;
}

static bool same_objects(misskey_json a, misskey_json b)
{
    misskey_iter it = misskey_json_iter(a), count = misskey_json_iter(b);
    char key[256];
    while (misskey_json_next(&it)) {
        misskey_jstr_copy(it.key, key, sizeof key);
        if (!misskey_json_next(&count) || !same(it.value, misskey_json_get(b, key))) return false;
    }
    return !misskey_json_next(&count);
}

/* The same value, whatever the order of members, white space and escapes. */
static bool same(misskey_json a, misskey_json b)
{
    misskey_iter it = misskey_json_iter(a), other = misskey_json_iter(b);
    if (misskey_json_type(a) != misskey_json_type(b)) return false;
    switch (misskey_json_type(a)) {
    case MISSKEY_TYPE_OBJECT: return same_objects(a, b);
    case MISSKEY_TYPE_STRING: return same_strings(misskey_json_str(a), misskey_json_str(b));
    case MISSKEY_TYPE_ARRAY: break;
    default: return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
    }
    while (misskey_json_next(&it)) if (!misskey_json_next(&other) || !same(it.value, other.value)) return false;
    return !misskey_json_next(&other);
}

/* Is the note this one, and one valid JSON text? */
static bool is(const char *name, const char *expected)
{
    const misskey_json note = get(name);
    misskey_json whole;
    const bool valid = note.ptr != NULL && misskey_json_check(note.ptr, note.len, &whole, NULL) == MISSKEY_ERR_OK &&
                       whole.len == note.len;
    if (valid && same(note, json("%s", expected))) return true;
    printf("  expected %s\n  got      %.*s\n", expected, (int)note.len, note.ptr == NULL ? "" : note.ptr);
    return false;
}

static bool here(const char *name) { return get(name).ptr != NULL; }

static misskey_json member(const char *name, const char *key) { return misskey_json_get(get(name), key); }

typedef misskey_err put_call(misskey_store *store, misskey_json note, uint32_t *changed);

static int64_t put_by(put_call *call, const char *format, va_list args)
{
    char text[LINE];
    uint32_t changed = 0xFFFFFFFF;
    misskey_err err;
    vsnprintf(text, sizeof text, format, args);
    err = call(&bench.store, json("%s", text), &changed);
    return err == MISSKEY_ERR_OK ? (int64_t)changed : -(int64_t)err;
}

/* What changed by putting this; the sign says that it was refused. */
static int64_t put(const char *format, ...)
{
    va_list args;
    int64_t changed;
    va_start(args, format);
    changed = put_by(misskey_store_put, format, args);
    va_end(args);
    return changed;
}

static int64_t put_fetched(const char *format, ...)
{
    va_list args;
    int64_t changed;
    va_start(args, format);
    changed = put_by(misskey_store_put_fetched, format, args);
    va_end(args);
    return changed;
}

/* A note like those of servers, with these members. */
#define NOTE(name, members) "{'id':'" name "','createdAt':'2026-11-24T00:00:00.000Z','userId':'u'" members "}"
#define RENOTE(name, of, inner) \
    "{'id':'" name "','createdAt':'2026-11-24T00:00:00.000Z','userId':'u','text':null,'renoteId':'" of "'," \
    "'renote':" inner "}"

/* What changed by this update. body may name the note with %s. */
static uint32_t told(const char *name, const char *type, const char *body)
{
    char text[LINE];
    misskey_json whole;
    misskey_message message;
    snprintf(text, sizeof text, "{'type':'noteUpdated','body':{'id':'%s','type':'%s','body':%s}}", name, type, body);
    whole = json("%s", text);
    if (misskey_message_parse(whole.ptr, whole.len, &message) != MISSKEY_ERR_OK) abort();
    return misskey_store_update(&bench.store, &message);
}

static uint32_t reacted(const char *name, const char *user, const char *reaction)
{
    char body[512];
    snprintf(body, sizeof body, "{'reaction':'%s','userId':'%s','emoji':null}", reaction, user);
    return told(name, "reacted", body);
}

static uint32_t unreacted(const char *name, const char *user, const char *reaction)
{
    char body[512];
    snprintf(body, sizeof body, "{'reaction':'%s','userId':'%s'}", reaction, user);
    return told(name, "unreacted", body);
}

static uint32_t voted(const char *name, const char *user, const char *choice)
{
    char body[512];
    snprintf(body, sizeof body, "{'choice':%s,'userId':'%s'}", choice, user);
    return told(name, "pollVoted", body);
}

static misskey_err hold(const char *name) { return misskey_store_hold(&bench.store, id(name), 0); }
static misskey_err release(const char *name) { return misskey_store_release(&bench.store, id(name)); }

/* A store of NOTES notes whose user is "me". */
static void prepare(void)
{
    memset(&bench, 0, sizeof bench);
    bench.desc.mem.ptr = bench.mem;
    bench.desc.mem.size = MISSKEY_STORE_SIZE(NOTES, SIZE);
    bench.desc.note_size = SIZE;
    bench.desc.me = "me";
}

static bool begin(void)
{
    prepare();
    return misskey_store_init(&bench.store, &bench.desc) == MISSKEY_ERR_OK;
}

/* Fewer or smaller notes in the same memory. */
static bool begin_with(size_t notes, size_t size)
{
    prepare();
    bench.desc.mem.size = MISSKEY_STORE_SIZE(notes, size);
    bench.desc.note_size = size;
    if (bench.desc.mem.size > sizeof bench.mem) abort();
    return misskey_store_init(&bench.store, &bench.desc) == MISSKEY_ERR_OK;
}

/* --- reactions --- */

TEST forms_of_a_reaction_are_one_key(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{':x:':2,'\xE2\x9D\xA4\xEF\xB8\x8F':1}")));
    CHANGED(REACTIONS, reacted("a", "u1", ":x@.:"));
    CHANGED(REACTIONS, reacted("a", "u2", ":x:"));
    CHANGED(REACTIONS, reacted("a", "u1", "\xE2\x9D\xA4"));
    CHANGED(REACTIONS, reacted("a", "u2", "\\u2764"));
    CHANGED(REACTIONS, reacted("a", "u1", ":x@remote.example:"));
    IS("a", NOTE("a", ",'reactions':{':x:':4,'\xE2\x9D\xA4\xEF\xB8\x8F':3,':x@remote.example:':1}"));
    PASS();
}

TEST new_key_has_the_normal_form(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{}")));
    CHANGED(REACTIONS, reacted("a", "u1", ":x:"));
    CHANGED(REACTIONS, reacted("a", "u1", "\xE2\x9D\xA4\xEF\xB8\x8F"));
    CHANGED(REACTIONS, reacted("a", "u1", "\xF0\x9F\x91\xA9\xE2\x80\x8D\xE2\x9D\xA4\xEF\xB8\x8F"));
    CHANGED(REACTIONS, reacted("a", "u2", "\xF0\x9F\x91\xA9\xE2\x80\x8D\xE2\x9D\xA4"));
    CHANGED(REACTIONS, reacted("a", "u1", "like"));
    IS("a", NOTE("a", ",'reactions':{':x@.:':1,'\xE2\x9D\xA4':1,"
                 "'\xF0\x9F\x91\xA9\xE2\x80\x8D\xE2\x9D\xA4\xEF\xB8\x8F':1,"
                 "'\xF0\x9F\x91\xA9\xE2\x80\x8D\xE2\x9D\xA4':1,'like':1}"));
    PASS();
}

TEST any_text_can_be_a_reaction(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{':a.b@c.d:':1}")));
    CHANGED(REACTIONS, reacted("a", "u1", ":a.b@c.d:"));
    CHANGED(REACTIONS, reacted("a", "u1", "\\\"\\\\\\u0007\\/"));
    CHANGED(REACTIONS, reacted("a", "u2", "\\u0022\\\\\\u0007/"));
    CHANGED(REACTIONS, reacted("a", "u1", ""));
    IS("a", NOTE("a", ",'reactions':{':a.b@c.d:':2,'\\\"\\\\\\u0007/':2,'':1}"));
    PASS();
}

TEST a_repeat_counts_once(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{},'reactionCount':0")));
    CHANGED(REACTIONS, reacted("a", "u1", ":x:"));
    CHANGED(0, reacted("a", "u1", ":x@.:"));
    CHANGED(REACTIONS, reacted("a", "u2", ":x:"));
    CHANGED(REACTIONS, unreacted("a", "u1", ":x:"));
    CHANGED(0, unreacted("a", "u1", ":x:"));
    CHANGED(0, unreacted("a", "\\u0075\\u0031", ":x:"));
    CHANGED(REACTIONS, reacted("a", "u1", ":x:"));
    IS("a", NOTE("a", ",'reactions':{':x@.:':2},'reactionCount':2"));
    PASS();
}

TEST counts_do_not_go_below_zero(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{'p':2,'q':1,'r':0,'s':-3,'t':1.5},'reactionCount':2")));
    CHANGED(REACTIONS, unreacted("a", "u1", "p"));
    CHANGED(REACTIONS, unreacted("a", "u1", "q"));
    CHANGED(REACTIONS, unreacted("a", "u1", "r"));
    CHANGED(REACTIONS, unreacted("a", "u1", "s"));
    CHANGED(REACTIONS, unreacted("a", "u1", "t"));
    IS("a", NOTE("a", ",'reactions':{'p':1},'reactionCount':0"));
    CHANGED(0, unreacted("a", "u1", "q"));
    CHANGED(0, unreacted("a", "u2", "q"));
    IS("a", NOTE("a", ",'reactions':{'p':1},'reactionCount':0"));
    PASS();
}

TEST a_key_with_zero_counts_up(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{'r':0,'s':'many','t':9}")));
    CHANGED(REACTIONS, reacted("a", "u1", "r"));
    CHANGED(REACTIONS, reacted("a", "u1", "s"));
    CHANGED(REACTIONS, reacted("a", "u1", "t"));
    IS("a", NOTE("a", ",'reactions':{'r':1,'s':1,'t':10}"));
    PASS();
}

TEST what_is_not_counted_is_remembered(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{},'reactionCount':4")));
    CHANGED(0, unreacted("a", "u1", "p"));
    CHANGED(REACTIONS, reacted("a", "u2", "p"));
    CHANGED(0, unreacted("a", "u1", "p"));
    IS("a", NOTE("a", ",'reactions':{'p':1},'reactionCount':5"));
    PASS();
}

TEST reaction_count_follows_where_it_is(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{'p':1}")));
    CHANGED(NEW, put(NOTE("b", ",'reactions':{'p':1},'reactionCount':null")));
    CHANGED(NEW, put(NOTE("c", ",'reactions':{'p':1},'reactionCount':99")));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    CHANGED(REACTIONS, reacted("b", "u1", "p"));
    CHANGED(REACTIONS, reacted("c", "u1", "p"));
    IS("a", NOTE("a", ",'reactions':{'p':2}"));
    IS("b", NOTE("b", ",'reactions':{'p':2},'reactionCount':null"));
    IS("c", NOTE("c", ",'reactions':{'p':2},'reactionCount':100"));
    CHANGED(REACTIONS, unreacted("c", "u1", "p"));
    IS("c", NOTE("c", ",'reactions':{'p':1},'reactionCount':99"));
    PASS();
}

TEST reactions_that_were_missing_begin(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", "")));
    CHANGED(NEW, put(NOTE("b", ",'reactions':null")));
    CHANGED(0, unreacted("a", "u1", "p"));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    CHANGED(REACTIONS, reacted("b", "u1", "p"));
    IS("a", NOTE("a", ",'reactions':{'p':1}"));
    IS("b", NOTE("b", ",'reactions':{'p':1}"));
    PASS();
}

TEST reaction_counts_of_v10(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactionCounts':{'like':2}")));
    CHANGED(REACTIONS, reacted("a", "u1", "like"));
    IS("a", NOTE("a", ",'reactionCounts':{'like':3}"));
    CHANGED(REACTIONS, put(NOTE("a", ",'reactionCounts':{'like':4}")));
    CHANGED(TEXT, put(NOTE("a", ",'reactionCounts':{'like':4},'mediaIds':[],'media':[]")));
    PASS();
}

TEST my_reaction_follows(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{}")));
    CHANGED(REACTIONS, reacted("a", "u1", "q"));
    CHANGED(REACTIONS | MY_REACTION, reacted("a", "me", ":x:"));
    IS("a", NOTE("a", ",'reactions':{'q':1,':x@.:':1},'myReaction':':x@.:'"));
    CHANGED(REACTIONS, unreacted("a", "u1", "q"));
    CHANGED(0, unreacted("a", "me", "q"));
    IS("a", NOTE("a", ",'reactions':{':x@.:':1},'myReaction':':x@.:'"));
    CHANGED(REACTIONS | MY_REACTION, unreacted("a", "me", ":x@.:"));
    IS("a", NOTE("a", ",'reactions':{},'myReaction':null"));
    CHANGED(NEW, put(NOTE("b", ",'reactions':{},'myReaction':':y:'")));
    CHANGED(MY_REACTION, unreacted("b", "me", ":y@.:"));
    IS("b", NOTE("b", ",'reactions':{},'myReaction':null"));
    PASS();
}

TEST nobody_is_me_without_an_id(void)
{
    prepare();
    bench.desc.me = NULL;
    OK(misskey_store_init(&bench.store, &bench.desc));
    CHANGED(NEW, put(NOTE("a", ",'reactions':{},'poll':{'choices':[{'votes':0}]},'myReaction':'q'")));
    CHANGED(REACTIONS, told("a", "reacted", "{'reaction':'p'}"));
    CHANGED(REACTIONS, reacted("a", "", "p2"));
    CHANGED(0, told("a", "unreacted", "{'reaction':'q'}"));
    CHANGED(POLL, told("a", "pollVoted", "{'choice':0}"));
    IS("a", NOTE("a", ",'reactions':{'p':1,'p2':1},'poll':{'choices':[{'votes':1}]},'myReaction':'q'"));
    PASS();
}

TEST pictures_of_other_servers_are_learnt(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{},'reactionEmojis':{}")));
    told("a", "reacted", "{'reaction':':x@h:','userId':'1','emoji':{'name':'x@h','url':'https://h/x'}}");
    told("a", "reacted", "{'reaction':':x@h:','userId':'2','emoji':{'name':'x@h','url':'https://h/other'}}");
    told("a", "reacted", "{'reaction':':y:','userId':'1','emoji':{'name':'y@.','url':'https://here/y'}}");
    told("a", "reacted", "{'reaction':':z:','userId':'1','emoji':{'name':'z','url':'https://here/z'}}");
    told("a", "reacted", "{'reaction':'p','userId':'1','emoji':'p@h'}");
    told("a", "reacted", "{'reaction':'p','userId':'2','emoji':{'name':'w@h'}}");
    told("a", "unreacted", "{'reaction':':y:','userId':'1','emoji':{'name':'v@h','url':'https://h/v'}}");
    IS("a", NOTE("a", ",'reactions':{':x@h:':2,':z@.:':1,'p':2},'reactionEmojis':{'x@h':'https://h/x'}"));
    CHANGED(NEW, put(NOTE("b", ",'reactions':{}")));
    CHANGED(REACTIONS, told("b", "reacted", "{'reaction':'p','userId':'1','emoji':{'name':'x@h','url':'u'}}"));
    IS("b", NOTE("b", ",'reactions':{'p':1},'reactionEmojis':{'x@h':'u'}"));
    PASS();
}

TEST who_had_reacted_before_counts_no_more(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{':x:':2},'reactionAndUserPairCache':['u1/:x:','none',7,'u2/a/b']")));
    CHANGED(0, reacted("a", "u1", ":x@.:"));
    CHANGED(0, reacted("a", "u2", "a/b"));
    CHANGED(REACTIONS, reacted("a", "u2", ":x:"));
    CHANGED(REACTIONS, unreacted("a", "u1", ":x:"));
    CHANGED(REST, put(NOTE("a", ",'reactions':{':x:':5},'reactionAndUserPairCache':['u1/:x:']")));
    CHANGED(0, unreacted("a", "u1", ":x:")); /* what came as an update is known better */
    IS("a", NOTE("a", ",'reactions':{':x:':2},'reactionAndUserPairCache':['u1/:x:']"));
    PASS();
}

TEST the_latest_doings_are_remembered(void)
{
    char user[16];
    int i;
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{},'poll':{'choices':[{'votes':0}]}")));
    for (i = 0; i < SIZE / 32; i++) {
        sprintf(user, "u%d", i);
        CHANGED(REACTIONS, reacted("a", user, "p"));
    }
    CHANGED(0, reacted("a", "u0", "p"));        /* is the latest now */
    CHANGED(POLL, voted("a", "u0", "0"));       /* makes u1 forgotten: votes need room as well */
    CHANGED(0, reacted("a", "u0", "p"));
    CHANGED(0, reacted("a", "u2", "p"));
    CHANGED(0, reacted("a", "u31", "p"));
    CHANGED(0, voted("a", "u0", "0"));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    IS("a", NOTE("a", ",'reactions':{'p':33},'poll':{'choices':[{'votes':1}]}"));
    PASS();
}

/* --- polls --- */

#define CHOICES(a, b) ",'poll':{'multiple':true,'choices':[{'text':'a','votes':" a "},{'text':'b','votes':" b "}]}"

TEST votes_count_once(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", CHOICES("0,'isVoted':false", "9,'isVoted':false"))));
    CHANGED(POLL, voted("a", "u1", "1"));
    CHANGED(0, voted("a", "u1", "1"));
    CHANGED(POLL, voted("a", "u1", "0"));
    CHANGED(POLL, voted("a", "me", "1"));
    CHANGED(0, voted("a", "me", "1"));
    IS("a", NOTE("a", CHOICES("1,'isVoted':false", "11,'isVoted':true")));
    PASS();
}

TEST choices_that_are_not_there(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", CHOICES("0", "0"))));
    CHANGED(NEW, put(NOTE("b", ",'poll':null")));
    CHANGED(NEW, put(NOTE("c", ",'poll':{'choices':['a','b']}")));
    CHANGED(0, voted("a", "u", "2"));
    CHANGED(0, voted("a", "u", "-1"));
    CHANGED(0, voted("a", "u", "9223372036854775807"));
    CHANGED(0, voted("a", "u", "0.5"));
    CHANGED(0, voted("a", "u", "'0'"));
    CHANGED(0, voted("a", "u", "null"));
    CHANGED(0, voted("b", "u", "0"));
    CHANGED(0, voted("c", "u", "0"));
    CHANGED(0, told("a", "pollVoted", "{}"));
    IS("a", NOTE("a", CHOICES("0", "0")));
    IS("b", NOTE("b", ",'poll':null"));
    IS("c", NOTE("c", ",'poll':{'choices':['a','b']}"));
    PASS();
}

TEST choices_of_v10_have_ids(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", CHOICES("0,'id':1", "0,'id':0"))));
    CHANGED(POLL, voted("a", "me", "0"));
    IS("a", NOTE("a", CHOICES("0,'id':1", "1,'id':0,'isVoted':true")));
    CHANGED(0, put(NOTE("a", CHOICES("0,'id':1", "1,'id':0,'isVoted':true"))));
    CHANGED(POLL, put(NOTE("a", CHOICES("0,'id':1", "2,'id':0,'isVoted':false"))));
    IS("a", NOTE("a", CHOICES("0,'id':1", "2,'id':0,'isVoted':true")));
    PASS();
}

TEST votes_that_are_no_number_begin_at_one(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", CHOICES("null", "'x'"))));
    CHANGED(NEW, put(NOTE("b", ",'poll':{'choices':[{}]}")));
    CHANGED(POLL, voted("a", "u", "0"));
    CHANGED(POLL, voted("a", "u", "1"));
    CHANGED(POLL, voted("b", "me", "0"));
    IS("a", NOTE("a", CHOICES("1", "1")));
    IS("b", NOTE("b", ",'poll':{'choices':[{'votes':1,'isVoted':true}]}"));
    PASS();
}

TEST my_vote_survives_a_put(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", CHOICES("0,'isVoted':false", "0,'isVoted':false"))));
    CHANGED(POLL, voted("a", "me", "0"));
    CHANGED(POLL, put(NOTE("a", CHOICES("5,'isVoted':false", "7,'isVoted':false"))));
    IS("a", NOTE("a", CHOICES("5,'isVoted':true", "7,'isVoted':false")));
    CHANGED(POLL, put(NOTE("a", CHOICES("5", "8"))));
    IS("a", NOTE("a", CHOICES("5,'isVoted':true", "8,'isVoted':false")));
    CHANGED(POLL, put_fetched(NOTE("a", CHOICES("4", "8"))));
    IS("a", NOTE("a", CHOICES("4,'isVoted':true", "8")));
    CHANGED(0, voted("a", "me", "0"));
    PASS();
}

TEST a_note_put_again_after_my_vote_changes_nothing(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", CHOICES("0,'isVoted':false", "0,'isVoted':false"))));
    CHANGED(POLL, voted("a", "me", "0"));
    CHANGED(0, put(NOTE("a", CHOICES("1,'isVoted':false", "0,'isVoted':false"))));
    IS("a", NOTE("a", CHOICES("1,'isVoted':true", "0,'isVoted':false")));
    PASS();
}

TEST choices_that_are_no_objects_stay_as_they_are(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", CHOICES("0", "0"))));
    CHANGED(POLL, voted("a", "me", "0"));
    CHANGED(POLL, voted("a", "me", "1"));
    CHANGED(0, put(NOTE("a", ",'poll':{'choices':['a',5,{'votes':7}]}")));
    IS("a", NOTE("a", CHOICES("1,'isVoted':true", "1,'isVoted':true")));
    CHANGED(POLL, put_fetched(NOTE("a", ",'poll':{'choices':['a',5]}")));
    IS("a", NOTE("a", ",'poll':{'choices':['a',5]}"));
    PASS();
}

/* --- deleted, edited, the rest --- */

TEST a_deleted_note_is_a_tombstone(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{'p':1},'text':'t'")));
    CHANGED(DELETED, told("a", "deleted", "{'deletedAt':'2026-11-24T00:00:01.000Z'}"));
    CHANGED(0, told("a", "deleted", "{'deletedAt':'2026-11-24T00:00:02.000Z'}"));
    CHANGED(0, reacted("a", "u1", "p"));
    CHANGED(0, told("a", "updated", "{'text':'new','cw':null}"));
    CHANGED(0, told("a", "updated", "{}"));
    CHANGED(0, put(NOTE("a", ",'reactions':{'p':2}")));
    CHANGED(0, put("{'id':'a','myReaction':'p'}"));
    IS("a", NOTE("a", ",'reactions':{'p':1},'text':'t','deletedAt':'2026-11-24T00:00:01.000Z'"));
    PASS();
}

TEST deleted_without_a_date(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", "")));
    CHANGED(NEW, put(NOTE("b", ",'deletedAt':null")));
    CHANGED(NEW, put(NOTE("c", "")));
    CHANGED(DELETED, told("a", "deleted", "{}"));
    CHANGED(DELETED, told("b", "deleted", "null"));
    CHANGED(DELETED, told("c", "madePrivate", "{'deletedAt':5}"));
    IS("a", NOTE("a", ",'deletedAt':''"));
    IS("b", NOTE("b", ",'deletedAt':''"));
    IS("c", NOTE("c", ",'deletedAt':''"));
    PASS();
}

TEST made_private_is_deleted(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{}")));
    CHANGED(DELETED, told("a", "madePrivate", "{'deletedAt':'then'}"));
    CHANGED(0, reacted("a", "u1", "p"));
    IS("a", NOTE("a", ",'reactions':{},'deletedAt':'then'"));
    PASS();
}

TEST a_date_that_was_there_already_keeps_the_note(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'text':'t','deletedAt':'then'")));
    CHANGED(DELETED, told("a", "deleted", "{'deletedAt':'then'}"));
    IS("a", NOTE("a", ",'text':'t','deletedAt':'then'"));
    CHANGED(0, told("a", "updated", "{'text':'new'}"));
    PASS();
}

TEST an_edit_that_says_all(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'text':'t','cw':null")));
    CHANGED(TEXT, told("a", "updated", "{'cw':'w','text':'\xE2\x9D\xA4'}"));        /* 2023.9.2, Sharkey */
    CHANGED(0, told("a", "updated", "{'cw':'w','text':'\xE2\x9D\xA4'}"));
    IS("a", NOTE("a", ",'text':'\xE2\x9D\xA4','cw':'w'"));
    CHANGED(TEXT | REST, told("a", "updated", "{'updatedAt':'now','cw':null}"));   /* mei23 */
    CHANGED(TEXT | REST, told("a", "updated", "{'text':null,'cw':null,'deleteAt':'then'}")); /* yojo-art */
    IS("a", NOTE("a", ",'text':null,'cw':null,'updatedAt':'now','deleteAt':'then'"));
    CHANGED(TEXT, told("a", "updated", "{'text':'t','fileIds':['f'],'files':[{'id':'f'}]}"));
    IS("a", NOTE("a", ",'text':'t','cw':null,'updatedAt':'now','deleteAt':'then','fileIds':['f'],"
                 "'files':[{'id':'f'}]"));
    PASS();
}

TEST an_edit_that_does_not_say_what(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'text':'t'")));
    CHANGED(REFETCH, told("a", "updated", "{}"));                                  /* Sharkey 2025 */
    CHANGED(0, told("a", "updated", "{}"));
    CHANGED(REST, told("a", "updated", "{'updatedAt':'now'}"));                    /* Firefish */
    CHANGED(0, put("{'id':'a'}"));
    CHANGED(0, told("a", "updated", "null"));
    CHANGED(TEXT | REST, put(NOTE("a", ",'text':'new'")));
    CHANGED(REFETCH | REST, told("a", "updated", "{'updatedAt':'later'}"));
    CHANGED(TEXT, told("a", "updated", "{'fileIds':[]}"));
    IS("a", NOTE("a", ",'text':'new','updatedAt':'later','fileIds':[]"));
    PASS();
}

TEST an_edit_that_brings_the_whole_note(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'text':'t','cw':'w','myReaction':'p'")));
    CHANGED(REFETCH, told("a", "updated", "{}"));
    CHANGED(TEXT, told("a", "updated", "{'note':" NOTE("a", ",'text':'new'") "}"));
    IS("a", NOTE("a", ",'text':'new','myReaction':'p'"));
    CHANGED(REFETCH, told("a", "updated", "{}"));
    CHANGED(0, told("a", "updated", "{'note':" NOTE("b", ",'text':'other'") "}"));
    CHECK(!here("b"));
    IS("a", NOTE("a", ",'text':'new','myReaction':'p'"));
    PASS();
}

TEST other_updates_change_nothing(void)
{
    misskey_message message;
    const misskey_json text = json("{'type':'channel','body':{'id':'a','type':'deleted','body':{}}}");
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{'p':1}")));
    CHANGED(0, told("a", "replied", "{'id':'r','userId':'u1'}"));
    CHANGED(0, told("a", "unrenoted", "{'renoteeId':'u1'}"));
    CHANGED(0, told("a", "somethingNew", "{'reaction':'p','userId':'u1'}"));
    CHANGED(0, told("a", "reacted", "null"));
    CHANGED(0, told("a", "reacted", "['p']"));
    CHANGED(0, told("a", "unreacted", "{'reaction':1,'userId':'u1'}"));
    CHANGED(0, told("b", "deleted", "{'deletedAt':'then'}"));
    CHANGED(0, reacted("", "u1", "p"));
    OK(misskey_message_parse(text.ptr, text.len, &message));
    CHANGED(0, misskey_store_update(&bench.store, &message));
    IS("a", NOTE("a", ",'reactions':{'p':1}"));
    CHECK(!here("b"));
    PASS();
}

/* --- put --- */

TEST a_note_is_kept_as_it_came(void)
{
    const char text[] = " { \"id\" : \"a\", \"userId\":\"u\",\"n\":1e2 } ";
    const misskey_json note = json("%s", text);
    CHECK(begin());
    OK(misskey_store_put(&bench.store, note, NULL));
    ASSERT_EQ_FMT((unsigned)note.len, (unsigned)get("a").len, "%u");
    ASSERT_MEM_EQ(note.ptr, get("a").ptr, note.len);
    PASS();
}

TEST a_known_note_is_replaced(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'text':'t','cw':'w','reactions':{'p':1},'localOnly':true,'poll':{},'files':[1]")));
    CHANGED(TEXT | REACTIONS | REST | POLL, put(NOTE("a", ",'text':'new','reactions':{'p':2,'q':1},'tags':['x']")));
    IS("a", NOTE("a", ",'text':'new','reactions':{'p':2,'q':1},'tags':['x']"));
    CHANGED(0, put(NOTE("a", ",'text':'new','reactions':{'p':2,'q':1},'tags':['x']")));
    CHANGED(REST, put(NOTE("a", ",'text':'new','reactions':{'p':2,'q':1}")));
    CHANGED(REACTIONS, put(NOTE("a", ",'text':'new','reactions':{'p':2,'q':1},'reactionCount':3")));
    CHANGED(TEXT, put(NOTE("a", ",'text':'new','cw':'','reactions':{'p':2,'q':1},'reactionCount':3")));
    CHANGED(0, put("{'userId':'u','cw':'','createdAt':'2026-11-24T00:00:00.000Z','reactions':{'p':2,'q':1},'id':'a',"
                   "'reactionCount':3,'text':'new'}"));
    IS("a", NOTE("a", ",'text':'new','cw':'','reactions':{'p':2,'q':1},'reactionCount':3"));
    PASS();
}

TEST of_duplicate_members_the_last_counts(void)
{
    static const char twice[] = "{'id':'a','userId':'x','userId':'u','text':'1','tags':[1],'text':'2','tags':[2]}";
    static const char seen[] = "{'id':'a','renote':{'myReaction':'p','myReaction':'q'}}";
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", "")));
    CHANGED(TEXT | REST, put("%s", twice));
    IS("a", "{'id':'a','userId':'u','text':'2','tags':[2]}");
    CHANGED(0, put("%s", twice));
    CHANGED(REST, put("%s", "{'id':'a','renote':{}}"));
    CHANGED(REST, put("%s", seen));
    CHECK(misskey_jstr_eq(misskey_json_str(misskey_json_get(member("a", "renote"), "myReaction")), "q"));
    CHANGED(0, put("%s", seen));
    PASS();
}

TEST a_put_does_not_forget_who_reacted(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{}")));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    CHANGED(REACTIONS, put(NOTE("a", ",'reactions':{'p':7}")));
    CHANGED(0, reacted("a", "u1", "p"));
    CHANGED(REACTIONS, unreacted("a", "u1", "p"));
    IS("a", NOTE("a", ",'reactions':{'p':6}"));
    PASS();
}

TEST my_reaction_stays_unless_it_is_said(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'myReaction':'p'")));
    CHANGED(0, put(NOTE("a", "")));
    IS("a", NOTE("a", ",'myReaction':'p'"));
    CHANGED(MY_REACTION, put(NOTE("a", ",'myReaction':'q'")));
    CHANGED(MY_REACTION, put(NOTE("a", ",'myReaction':null")));
    IS("a", NOTE("a", ",'myReaction':null"));
    PASS();
}

TEST what_is_no_note_is_refused(void)
{
    const misskey_json none = { NULL, 0 };
    CHECK(begin());
    REFUSED(BAD_ARG, misskey_store_put(&bench.store, none, NULL));
    REFUSED(BAD_ARG, misskey_store_put(&bench.store, json("[]"), NULL));
    REFUSED(BAD_ARG, misskey_store_put(&bench.store, json("'a'"), NULL));
    REFUSED(BAD_ARG, misskey_store_put(&bench.store, json("{}"), NULL));
    REFUSED(BAD_ARG, misskey_store_put(&bench.store, json("{'id':7}"), NULL));
    REFUSED(BAD_ARG, misskey_store_put(&bench.store, json("{'id':''}"), NULL));
    REFUSED(BAD_ARG, misskey_store_put(&bench.store, json("{'id':'a b'}"), NULL));
    REFUSED(BAD_ARG, misskey_store_put(&bench.store, json("{'id':'\\u0061'}"), NULL));
    REFUSED(BAD_ARG, misskey_store_put(&bench.store, json("{'id':'123456789012345678901234567890123'}"), NULL));
    OK(misskey_store_put(&bench.store, json("{'id':'12345678901234567890123456789012'}"), NULL));
    CHECK(here("12345678901234567890123456789012"));
    CHECK(!here("1234567890123456789012345678901"));
    CHECK(!here("123456789012345678901234567890123"));
    CHECK(!here(""));
    PASS();
}

TEST ids_are_looked_up_decoded(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{}")));
    CHECK(here("\\u0061"));
    CHECK(!here("A") && !here("a\\u0000") && !here("aa"));
    CHECK(misskey_store_get(&bench.store, misskey_json_str(json("null"))).ptr == NULL);
    CHANGED(REACTIONS, reacted("\\u0061", "u1", "p"));
    OK(hold("\\u0061"));
    OK(release("a"));
    PASS();
}

TEST many_notes_are_all_found(void)
{
    enum { MANY = 500 };
    static uint64_t mem[WORDS(MISSKEY_STORE_SIZE(MANY, LEAST))];
    char name[16], note[64];
    int i;
    prepare();
    bench.desc.mem.ptr = mem;
    bench.desc.mem.size = sizeof mem;
    bench.desc.note_size = LEAST;
    OK(misskey_store_init(&bench.store, &bench.desc));
    for (i = 0; i < 3 * MANY; i++) CHANGED(NEW, put("{'id':'n%d','userId':'u','n':%d}", i, i));
    for (i = 0; i < 3 * MANY; i++) {
        sprintf(name, "n%d", i);
        sprintf(note, "{'id':'n%d','userId':'u','n':%d}", i, i);
        if (i < 2 * MANY) CHECK(!here(name));
        else IS(name, note);
    }
    PASS();
}

/* --- minimized notes --- */

TEST a_minimized_note_goes_over_a_whole_one(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'text':'t','user':{'id':'u','name':'n'},'reply':{'id':'r','text':'x'}"
                          CHOICES("1", "2"))));
    CHANGED(MY_REACTION, put("{'id':'a','myReaction':'p'}"));
    CHANGED(0, put("{'id':'a','myReaction':'p'}"));
    CHANGED(REST | POLL, put("{'id':'a','user':{'badgeRoles':[]},'reply':{'myReaction':'q'},"
                             "'poll':{'choices':[{'text':'a','votes':3},{'text':'b','votes':4}]}}"));
    IS("a", NOTE("a", ",'text':'t','myReaction':'p','user':{'id':'u','name':'n','badgeRoles':[]},"
                 "'reply':{'id':'r','text':'x','myReaction':'q'}" CHOICES("3", "4")));
    PASS();
}

TEST a_minimized_note_goes_over_another(void)
{
    CHECK(begin());
    CHANGED(NEW, put("{'id':'a','myReaction':'p','user':{'badgeRoles':[]}}"));
    CHANGED(MY_REACTION | REST, put("{'id':'a','myReaction':null,'renote':{'myReaction':'q'}}"));
    IS("a", "{'id':'a','myReaction':null,'user':{'badgeRoles':[]},'renote':{'myReaction':'q'}}");
    PASS();
}

TEST a_whole_note_keeps_what_minimized_ones_said(void)
{
    const char *const whole =
        NOTE("a", ",'text':'t','user':{'id':'u'},'renote':{'id':'r','text':'x'}" CHOICES("1", "2"));
    CHECK(begin());
    CHANGED(NEW, put("{'id':'a','myReaction':'p','user':{'badgeRoles':[]},'renote':{'myReaction':'q'},"
                     "'poll':{'choices':[{'text':'a','votes':3},{'text':'b','votes':4}]}}"));
    CHANGED(REST | POLL | TEXT, put("%s", whole));
    IS("a", NOTE("a", ",'text':'t','myReaction':'p','user':{'id':'u','badgeRoles':[]},"
                 "'renote':{'id':'r','text':'x','myReaction':'q'}" CHOICES("3", "4")));
    CHANGED(0, put("%s", whole));
    CHANGED(TEXT, put(NOTE("a", ",'text':'new','user':{'id':'u'},'renote':{'id':'r','text':'x'}" CHOICES("1", "2"))));
    PASS();
}

TEST of_two_whole_notes_the_later_one_wins_whatever_a_minimized_one_said(void)
{
    CHECK(begin());
    put("{'id':'a','myReaction':'p','user':{'badgeRoles':[]},"
        "'poll':{'choices':[{'votes':3,'isVoted':true},{'votes':4}]}}");
    put(NOTE("a", ",'user':{'id':'u','name':'old'},'poll':{'choices':[{'votes':3},{'votes':5}]}"));
    CHANGED(REST | POLL, put(NOTE("a", ",'user':{'id':'u','name':'new'},"
                                  "'poll':{'choices':[{'votes':9},{'votes':5}]}")));
    IS("a", NOTE("a", ",'myReaction':'p','user':{'id':'u','name':'new','badgeRoles':[]},"
                 "'poll':{'choices':[{'votes':9,'isVoted':true},{'votes':5}]}"));
    PASS();
}

TEST counts_of_a_whole_note_replace_what_was_counted_before(void)
{
    CHECK(begin());
    CHANGED(NEW, put("{'id':'a'}"));
    reacted("a", "u1", "p");
    put(NOTE("a", ",'reactions':{'p':5,'q':1},'reactionCount':6"));
    IS("a", NOTE("a", ",'reactions':{'p':5,'q':1},'reactionCount':6"));
    CHANGED(0, reacted("a", "u1", "p"));
    CHANGED(REACTIONS, reacted("a", "u2", "p"));
    IS("a", NOTE("a", ",'reactions':{'p':6,'q':1},'reactionCount':7"));
    PASS();
}

/* --- copies that are older or newer than updates --- */

#define VALUE(id, key, value) CHECK(same(member(id, key), json("%s", value)))

/* Are these the votes of the two choices? */
static bool votes(const char *name, int64_t first, int64_t second)
{
    misskey_iter it = misskey_json_iter(misskey_json_get(member(name, "poll"), "choices"));
    int64_t a, b;
    return misskey_json_next(&it) && misskey_json_i64(misskey_json_get(it.value, "votes"), &a) && a == first &&
           misskey_json_next(&it) && misskey_json_i64(misskey_json_get(it.value, "votes"), &b) && b == second;
}

TEST an_older_copy_takes_no_count_back(void)
{
    const char *const older[] = {
        NOTE("a", ",'text':'t','reactions':{'p':1},'reactionCount':1" CHOICES("0", "3")),
        NOTE("a", ",'text':'t','reactions':{},'reactionCount':0" CHOICES("0", "0")),
        NOTE("a", ",'text':'t'"),
        "{'id':'a','poll':{'choices':[{'text':'a','votes':0},{'text':'b','votes':3}]}}",
        "{'id':'a','reactions':{'p':1},'reactionCount':0}",
        NOTE("a", ",'text':'t','reactions':null,'reactionCount':null,'poll':null"),
        RENOTE("r", "a", NOTE("a", ",'text':'t','reactions':{'p':1}" CHOICES("0", "3"))),
        RENOTE("r", "a", "{'id':'a','reactions':{}}"),
    };
    size_t i, j;
    for (i = 0; i < sizeof older / sizeof *older; i++) for (j = 0; j < sizeof older / sizeof *older; j++) {
        CHECK(begin());
        put("%s", older[0]);
        CHANGED(REACTIONS, reacted("a", "u1", "p"));
        CHANGED(REACTIONS, reacted("a", "u2", "q"));
        CHANGED(POLL, voted("a", "u1", "0"));
        CHECK(put("%s", older[i]) >= 0);
        CHECK(put("%s", older[j]) >= 0);
        VALUE("a", "reactions", "{'p':2,'q':1}");
        VALUE("a", "reactionCount", "3");
        CHECK(votes("a", 1, 3));
        CHANGED(0, reacted("a", "u1", "p"));
        CHANGED(REACTIONS, unreacted("a", "u1", "p"));
        VALUE("a", "reactions", "{'p':1,'q':1}");
    }
    PASS();
}

TEST a_copy_that_counts_more_is_newer(void)
{
    CHECK(begin());
    put(NOTE("a", ",'reactions':{':x@.:':1},'reactionCount':1" CHOICES("1", "1")));
    CHANGED(REACTIONS, reacted("a", "u1", ":x:"));
    CHANGED(POLL, voted("a", "u1", "1"));
    CHANGED(REACTIONS | POLL,
            put(NOTE("a", ",'reactions':{':x:':4,'q':1},'reactionCount':5" CHOICES("3", "1"))));
    VALUE("a", "reactions", "{':x@.:':4,'q':1}");
    VALUE("a", "reactionCount", "5");
    CHECK(votes("a", 3, 2));
    PASS();
}

TEST no_copy_brings_a_reaction_again_that_was_taken_back(void)
{
    CHECK(begin());
    put(NOTE("a", ",'reactions':{'p':1,'q':1},'reactionCount':2"));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    CHANGED(REACTIONS, unreacted("a", "u1", "p"));
    CHANGED(REACTIONS, unreacted("a", "u2", "q"));
    CHANGED(0, put(NOTE("a", ",'reactions':{'p':2,'q':1},'reactionCount':3")));
    VALUE("a", "reactions", "{'p':1}");
    VALUE("a", "reactionCount", "1");
    PASS();
}

TEST an_older_copy_keeps_my_reaction(void)
{
    CHECK(begin());
    put(NOTE("a", ",'reactions':{'p':1},'myReaction':'p'"));
    CHANGED(REACTIONS | MY_REACTION, unreacted("a", "me", "p"));
    CHANGED(0, put(NOTE("a", ",'reactions':{'p':1},'myReaction':'p'")));
    CHANGED(0, put("{'id':'a','myReaction':'p'}"));
    VALUE("a", "myReaction", "null");
    CHANGED(REACTIONS | MY_REACTION, reacted("a", "me", "q"));
    CHANGED(0, put("{'id':'a','myReaction':null}"));
    VALUE("a", "myReaction", "'q'");
    CHANGED(REACTIONS | MY_REACTION, put_fetched(NOTE("a", ",'reactions':{'p':1},'myReaction':'p'")));
    VALUE("a", "myReaction", "'p'");
    PASS();
}

TEST an_older_copy_does_not_undo_an_edit(void)
{
    const char *const before = NOTE("a", ",'text':'before','cw':null,'updatedAt':'2026-01-01T00:00:00.000Z'");
    int i;
    CHECK(begin());
    put("%s", before);
    CHANGED(TEXT | REST, told("a", "updated", "{'text':'T2','cw':null,'updatedAt':'2026-01-01T00:00:02.000Z'}"));
    for (i = 0; i < 2; i++) {
        CHANGED(0, put("%s", before));
        CHANGED(0, put(NOTE("a", ",'text':'before','cw':null")));
        CHANGED(0, put(NOTE("a", ",'text':'T1','cw':null,'updatedAt':'2026-01-01T00:00:01.000Z'")));
        VALUE("a", "text", "'T2'");
    }
    CHANGED(TEXT | REST, put(NOTE("a", ",'text':'T3','cw':null,'updatedAt':'2026-01-01T00:00:03.000Z'")));
    CHANGED(0, put("%s", before));
    CHANGED(0, put(NOTE("a", ",'text':'before','cw':null")));
    VALUE("a", "text", "'T3'");
    CHANGED(TEXT, told("a", "updated", "{'text':'T4','cw':null}"));     /* CherryPick does not say when */
    CHANGED(0, put(NOTE("a", ",'text':'T3','cw':null,'updatedAt':'2026-01-01T00:00:03.000Z'")));
    CHANGED(0, put(NOTE("a", ",'text':'T3','cw':null,'updatedAt':'2026-01-01T00:00:03.500Z'")));
    VALUE("a", "text", "'T4'");
    CHANGED(TEXT | REST, put_fetched(NOTE("a", ",'text':'T5','cw':null,'updatedAt':'2026-01-01T00:00:05.000Z'")));
    CHANGED(TEXT, told("a", "updated", "{'note':" NOTE("a", ",'text':'last','cw':null,"
                                       "'updatedAt':'2026-01-01T00:00:05.000Z'") "}"));
    CHANGED(0, put(NOTE("a", ",'text':'T5','cw':null,'updatedAt':'2026-01-01T00:00:05.000Z'")));
    CHANGED(TEXT | REST, put_fetched("%s", before));
    PASS();
}

TEST an_edit_does_not_undo_counts(void)
{
    CHECK(begin());
    put(NOTE("a", ",'text':'t','reactions':{'p':1}"));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    CHANGED(TEXT, told("a", "updated", "{'note':" NOTE("a", ",'text':'new','reactions':{'p':1}") "}"));
    IS("a", NOTE("a", ",'text':'new','reactions':{'p':2}"));
    PASS();
}

TEST what_was_fetched_is_the_truth(void)
{
    CHECK(begin());
    put(NOTE("a", ",'text':'t','reactions':{'p':5},'reactionCount':5" CHOICES("3", "3")));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    CHANGED(REACTIONS, unreacted("a", "u3", "p"));
    CHANGED(POLL, voted("a", "u1", "1"));
    CHANGED(REACTIONS | POLL,
            put_fetched(NOTE("a", ",'text':'t','reactions':{'p':1},'reactionCount':1" CHOICES("3", "2"))));
    IS("a", NOTE("a", ",'text':'t','reactions':{'p':1},'reactionCount':1" CHOICES("3", "2")));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));    /* taken back in the gap, and done again */
    CHANGED(POLL, voted("a", "u1", "1"));
    IS("a", NOTE("a", ",'text':'t','reactions':{'p':2},'reactionCount':2" CHOICES("3", "3")));
    PASS();
}

TEST a_fetched_renote_brings_the_truth_of_what_it_repeats(void)
{
    CHECK(begin());
    put(RENOTE("r", "a", NOTE("a", ",'reactions':{'p':5}")));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    CHECK(put_fetched(RENOTE("r", "a", NOTE("a", ",'reactions':{'p':2}"))) >= 0);
    IS("a", NOTE("a", ",'reactions':{'p':2}"));
    PASS();
}

TEST what_was_fetched_knows_who_looks_at_it(void)
{
    CHECK(begin());
    put("{'id':'a','myReaction':'p','user':{'badgeRoles':[]}}");
    CHECK(put_fetched(NOTE("a", ",'user':{'id':'u'},'myReaction':'q'")) > 0);
    IS("a", NOTE("a", ",'user':{'id':'u','badgeRoles':[]},'myReaction':'q'"));
    CHECK(put_fetched(NOTE("a", ",'user':{'id':'u'}")) == 0);
    IS("a", NOTE("a", ",'user':{'id':'u','badgeRoles':[]},'myReaction':'q'"));
    PASS();
}

/* The copy was packed between the reaction of u3 and its update: only what is taken of it counts as known. */
TEST who_is_named_by_a_copy_counts_when_the_update_comes(void)
{
    CHECK(begin());
    put(NOTE("a", ",'reactions':{}"));
    CHANGED(REACTIONS, reacted("a", "u2", "p"));
    put(NOTE("a", ",'reactions':{'p':1},'reactionAndUserPairCache':['u3/p']"));
    VALUE("a", "reactions", "{'p':1}");
    CHANGED(REACTIONS, reacted("a", "u3", "p"));
    VALUE("a", "reactions", "{'p':2}");
    put(NOTE("a", ",'reactions':{'p':3},'reactionAndUserPairCache':['u4\\/p','u5/q']"));
    CHANGED(0, reacted("a", "u4", "p"));
    CHANGED(REACTIONS, reacted("a", "u5", "q"));
    CHANGED(REACTIONS, unreacted("a", "u2", "p"));
    put(NOTE("a", ",'reactions':{'p':4},'reactionAndUserPairCache':['u6/p']"));
    VALUE("a", "reactions", "{'p':2,'q':1}");
    CHANGED(REACTIONS, reacted("a", "u6", "p"));
    VALUE("a", "reactions", "{'p':3,'q':1}");
    PASS();
}

TEST counts_that_began_at_nothing_are_not_lost(void)
{
    CHECK(begin());
    put("{'id':'a'}");
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    put(NOTE("a", ",'reactions':{}"));
    VALUE("a", "reactions", "{'p':1}");
    CHECK(begin());
    put("{'id':'a'}");
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    CHANGED(REACTIONS, reacted("a", "u2", "p"));
    CHANGED(REACTIONS, unreacted("a", "u3", "p"));
    put(NOTE("a", ",'reactions':{'p':7}"));     /* what was taken back before said nothing of these */
    VALUE("a", "reactions", "{'p':7}");
    PASS();
}

TEST the_truth_is_not_taken_back_by_an_older_copy(void)
{
    CHECK(begin());
    put_fetched(NOTE("a", ",'reactions':{'p':2}" CHOICES("1", "2")));
    CHANGED(0, put(NOTE("a", ",'reactions':{'p':1}" CHOICES("0", "2"))));
    CHANGED(REACTIONS | POLL, put(NOTE("a", ",'reactions':{'p':3}" CHOICES("1", "4"))));
    PASS();
}

TEST my_vote_comes_with_a_copy(void)
{
    CHECK(begin());
    put(NOTE("a", CHOICES("0,'isVoted':false", "0,'isVoted':false")));
    CHANGED(POLL, voted("a", "u1", "0"));
    CHANGED(POLL, put(NOTE("a", CHOICES("0,'isVoted':false", "1,'isVoted':true"))));
    IS("a", NOTE("a", CHOICES("1,'isVoted':false", "1,'isVoted':true")));
    CHANGED(0, put(NOTE("a", CHOICES("0,'isVoted':false", "0,'isVoted':false"))));
    PASS();
}

TEST duplicate_reactions_count_as_they_are_read(void)
{
    CHECK(begin());
    put(NOTE("a", ",'reactions':{'p':1,'p':5,'q':1}"));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    CHECK(same(misskey_json_get(member("a", "reactions"), "p"), json("6")));
    CHANGED(0, put(NOTE("a", ",'reactions':{'p':3,'p':4,'q':1}")));
    CHANGED(REACTIONS, unreacted("a", "u1", "p"));
    CHECK(same(misskey_json_get(member("a", "reactions"), "p"), json("5")));
    PASS();
}

TEST a_null_is_no_deletion(void)
{
    CHECK(begin());
    put(NOTE("a", ",'deletedAt':null"));
    CHANGED(0, put(NOTE("a", "")));
    CHANGED(0, put(NOTE("a", ",'deletedAt':null")));
    PASS();
}

TEST members_whose_bytes_join_alike_differ(void)
{
    CHECK(begin());
    put(NOTE("a", ",'x1':2"));
    CHANGED(REST, put(NOTE("a", ",'x':12")));
    PASS();
}

/* --- names with escapes --- */

TEST a_name_with_escapes_is_the_same_name(void)
{
    CHECK(begin());
    put(NOTE("a", ",'reactions':{},'reaction\\u0073':5,'reactionEmojis':{},'reactionEmoji\\u0073':'y'"));
    CHANGED(REACTIONS, told("a", "reacted", "{'reaction':':n@h:','userId':'u2','emoji':{'name':'n@h','url':'z'}}"));
    VALUE("a", "reactions", "{':n@h:':1}");
    VALUE("a", "reactionEmojis", "{'n@h':'z'}");
    CHANGED(REACTIONS, told("a", "reacted",
                            "{'reaction':':n@h:','userId':'u3','emoji':{'name':'\\u006e@h','url':'z'}}"));
    VALUE("a", "reactionEmojis", "{'n@h':'z'}");
    put(NOTE("b", ",'te\\u0078t':'t','poll':{'choices':[{'\\u0076otes':1}]}"));
    CHANGED(TEXT, put(NOTE("b", ",'text':'new','poll':{'choices':[{'\\u0076otes':1}]}")));
    IS("b", NOTE("b", ",'te\\u0078t':'new','poll':{'choices':[{'\\u0076otes':1}]}"));
    CHANGED(POLL, voted("b", "u1", "0"));
    IS("b", NOTE("b", ",'te\\u0078t':'new','poll':{'choices':[{'\\u0076otes':2}]}"));
    CHANGED(TEXT, put(NOTE("b", ",'poll':{'choices':[{'\\u0076otes':1}]}")));
    CHECK(member("b", "text").ptr == NULL);
    PASS();
}

TEST a_renoted_id_with_escapes_is_the_same_id(void)
{
    CHECK(begin());
    CHANGED(NEW, put(RENOTE("r", "ab", NOTE("\\u0061b", ",'text':'t'"))));
    CHECK(here("ab"));
    PASS();
}

/* Does the store take it for a renote exactly when misskey_note_is_renote does? */
TEST what_is_a_renote_is_one_question(void)
{
    static const char *const parts[][4] = {
        { "", ",'text':null", ",'text':''", ",'text':'t'" }, { "", ",'cw':null", ",'cw':''", ",'cw':{}" },
        { "", ",'replyId':null", ",'replyId':'x'", ",'replyId':7" },
        { "", ",'files':[]", ",'files':[{}]", ",'files':{'a':1}" },
        { "", ",'fileIds':[]", ",'fileIds':['f']", ",'fileIds':'f'" },
        { "", ",'poll':null", ",'poll':{}", ",'poll':false" },
        { "", ",'hasPoll':false", ",'hasPoll':true", ",'hasPoll':1" },
        { "", ",'event':null", ",'event':{}", ",'event':'e'" },
    };
    unsigned n;
    for (n = 0; n < 65536; n += n % 7 + 1) {
        char text[512];
        unsigned i;
        misskey_json row;
        misskey_note note;
        CHECK(begin());
        snprintf(text, sizeof text, "{'id':'r','userId':'u','renoteId':'a','renote':{'id':'a','userId':'u'}");
        for (i = 0; i < 8; i++) strcat(text, parts[i][n >> (2 * i) & 3]);
        strcat(text, "}");
        row = json("%s", text);
        CHECK(misskey_note_read(row, &note));
        CHECK(misskey_store_put(&bench.store, row, NULL) == MISSKEY_ERR_OK);
        if (here("a") != misskey_note_is_renote(&note)) {
            printf("  %s\n", text);
            FAIL();
        }
    }
    PASS();
}

/* --- renotes --- */

TEST the_note_that_a_renote_repeats_is_put_too(void)
{
    CHECK(begin());
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("a", ",'text':'t','reactions':{'p':1}"))));
    IS("a", NOTE("a", ",'text':'t','reactions':{'p':1}"));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    IS("a", NOTE("a", ",'text':'t','reactions':{'p':2}"));
    CHANGED(NEW, put(RENOTE("s", "a", NOTE("a", ",'text':'t','reactions':{'p':9}"))));
    IS("a", NOTE("a", ",'text':'t','reactions':{'p':9}"));
    CHANGED(0, reacted("a", "u1", "p"));
    PASS();
}

TEST a_quote_is_no_renote(void)
{
    static const char *const more[] = {
        "'text':'t'", "'text':''", "'cw':''", "'replyId':'x'", "'files':[{'id':'f'}]", "'poll':{'choices':[]}"
    };
    size_t i;
    for (i = 0; i < sizeof more / sizeof *more; i++) {
        CHECK(begin());
        CHANGED(NEW, put("{'id':'r','userId':'u','renoteId':'a',%s,'renote':" NOTE("a", "") "}", more[i]));
        CHECK(!here("a"));
    }
    CHECK(begin());
    CHANGED(NEW, put("{'id':'r','userId':'u','renoteId':'a','text':null,'cw':null,'replyId':null,'files':[],"
                     "'fileIds':[],'poll':null,'renote':" NOTE("a", "") "}"));
    CHECK(here("a"));
    PASS();
}

TEST a_renote_without_what_it_repeats(void)
{
    CHECK(begin());
    CHANGED(NEW, put(RENOTE("r", "a", "null")));
    CHANGED(NEW, put(RENOTE("s", "b", "{'myReaction':'p'}")));
    CHANGED(NEW, put("{'id':'t','userId':'u','renoteId':'c'}"));
    CHECK(!here("a") && !here("b") && !here("c"));
    CHANGED(NEW, put(NOTE("b", "")));
    put("{'id':'s','renote':{'myReaction':'q'}}");
    IS("b", NOTE("b", ",'myReaction':'q'"));
    PASS();
}

TEST a_renote_of_another_note_than_it_says(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'text':'mine'")));
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("b", ",'text':'theirs'"))));
    IS("a", NOTE("a", ",'text':'mine'"));
    OK(hold("r"));
    OK(release("r"));
    CHANGED(NEW, put(RENOTE("s", "c", NOTE("b", ",'text':'theirs'"))));
    CHECK(!here("c"));
    PASS();
}

TEST a_renote_of_itself(void)
{
    int i;
    CHECK(begin());
    CHANGED(NEW, put(RENOTE("r", "r", NOTE("r", ",'renoteId':'r','text':null,'renote':{'id':'r','tags':['x']}"))));
    OK(hold("r"));
    CHECK(misskey_jstr_eq(misskey_json_str(member("r", "id")), "r"));
    OK(release("r"));
    REFUSED(STALE, release("r"));
    for (i = 0; i < NOTES; i++) CHANGED(NEW, put("{'id':'n%d'}", i));
    CHECK(!here("r"));
    PASS();
}

TEST a_renote_leaves_a_deleted_note_deleted(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", "")));
    CHANGED(DELETED, told("a", "deleted", "{'deletedAt':'then'}"));
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("a", ",'text':'t'"))));
    IS("a", NOTE("a", ",'deletedAt':'then'"));
    PASS();
}

/* --- what makes room --- */

TEST the_note_unused_for_longest_makes_room(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{}")));
    CHANGED(NEW, put(NOTE("b", "")));
    CHANGED(NEW, put(NOTE("c", "")));
    CHANGED(NEW, put(NOTE("d", "")));
    CHANGED(REST, put(NOTE("b", ",'n':1")));        /* a use */
    CHECK(here("c"));                               /* a use */
    CHANGED(REACTIONS, reacted("a", "u1", "p"));    /* none */
    CHANGED(NEW, put(NOTE("e", "")));
    CHANGED(NEW, put(NOTE("f", "")));
    CHECK(!here("a") && !here("d") && here("b") && here("c") && here("e") && here("f"));
    CHANGED(NEW, put(NOTE("a", ",'reactions':{}")));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));    /* all of the old one is forgotten */
    PASS();
}

TEST a_renote_is_used_after_what_it_repeats(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{}")));
    CHANGED(NEW, put(NOTE("b", "")));
    CHANGED(NEW, put(NOTE("c", "")));
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("a", ",'reactions':{}"))));
    CHANGED(NEW, put(NOTE("d", "")));
    CHANGED(NEW, put(NOTE("e", "")));
    CHECK(!here("b") && !here("c"));
    CHANGED(NEW, put(NOTE("f", "")));
    CHECK(!here("a"));
    CHECK(here("r"));
    PASS();
}

TEST a_renote_does_not_push_out_what_it_repeats(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{}")));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    CHANGED(NEW, put(NOTE("b", "")));
    CHANGED(NEW, put(NOTE("c", "")));
    CHANGED(NEW, put(NOTE("d", "")));
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("a", ",'reactions':{'p':1}"))));
    CHECK(!here("b") && here("c") && here("d"));
    CHANGED(0, reacted("a", "u1", "p"));
    PASS();
}

TEST held_notes_stay(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{}")));
    CHANGED(NEW, put(NOTE("b", "")));
    OK(hold("a"));
    OK(hold("a"));
    CHANGED(NEW, put(NOTE("c", "")));
    CHANGED(NEW, put(NOTE("d", "")));
    CHANGED(NEW, put(NOTE("e", "")));
    CHANGED(NEW, put(NOTE("f", "")));
    CHECK(!here("b") && !here("c"));
    OK(release("a"));
    CHANGED(NEW, put(NOTE("g", "")));
    CHANGED(NEW, put(NOTE("h", "")));
    CHANGED(NEW, put(NOTE("i", "")));
    IS("a", NOTE("a", ",'reactions':{}"));
    OK(release("a"));                               /* a use */
    CHANGED(NEW, put(NOTE("j", "")));
    CHANGED(NEW, put(NOTE("k", "")));
    CHANGED(NEW, put(NOTE("l", "")));
    CHECK(here("a"));
    REFUSED(STALE, release("a"));
    REFUSED(STALE, release("b"));
    REFUSED(STALE, hold("b"));
    PASS();
}

TEST full_when_every_note_is_held(void)
{
    static const char *const names[NOTES] = { "a", "b", "c", "d" };
    int i;
    CHECK(begin());
    for (i = 0; i < NOTES; i++) {
        CHANGED(NEW, put("{'id':'%s','userId':'u','reactions':{}}", names[i]));
        OK(hold(names[i]));
    }
    CHANGED(-MISSKEY_ERR_FULL, put(NOTE("e", "")));
    CHANGED(-MISSKEY_ERR_FULL, put(RENOTE("r", "a", NOTE("a", ",'text':'new'"))));
    IS("a", "{'id':'a','userId':'u','reactions':{}}");
    CHANGED(REACTIONS, put("{'id':'b','userId':'u','reactions':{'p':1}}"));
    OK(release("c"));
    CHANGED(NEW, put(RENOTE("r", "e", NOTE("e", ""))));     /* room for one of both */
    CHECK(here("r") && !here("e") && !here("c"));
    CHANGED(0, put(RENOTE("r", "e", NOTE("e", ""))));
    CHECK(here("r") && !here("e"));
    PASS();
}

TEST holding_a_renote_holds_what_it_repeats(void)
{
    int i;
    CHECK(begin());
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("a", ""))));
    OK(hold("r"));
    OK(hold("r"));
    for (i = 0; i < 5; i++) CHANGED(NEW, put("{'id':'n%d'}", i));
    CHECK(here("r") && here("a"));
    OK(release("r"));
    for (i = 0; i < 5; i++) CHANGED(NEW, put("{'id':'o%d'}", i));
    CHECK(here("r") && here("a"));
    OK(release("r"));
    for (i = 0; i < 5; i++) CHANGED(NEW, put("{'id':'p%d'}", i));
    CHECK(!here("r") && !here("a"));
    PASS();
}

TEST a_note_held_in_two_ways_stays_until_both_are_over(void)
{
    int i;
    CHECK(begin());
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("a", ""))));
    CHANGED(NEW, put(RENOTE("s", "a", NOTE("a", ""))));
    OK(hold("r"));
    OK(hold("s"));
    OK(hold("a"));
    OK(release("r"));
    OK(release("a"));
    for (i = 0; i < 5; i++) CHANGED(NEW, put("{'id':'n%d'}", i));
    CHECK(!here("r") && here("s") && here("a"));
    OK(release("s"));
    for (i = 0; i < 5; i++) CHANGED(NEW, put("{'id':'o%d'}", i));
    CHECK(!here("a"));
    PASS();
}

TEST only_who_holds_a_note_releases_it(void)
{
    int i;
    CHECK(begin());
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("a", ""))));
    OK(hold("r"));
    REFUSED(STALE, release("a"));
    for (i = 0; i < 5; i++) CHANGED(NEW, put("{'id':'n%d'}", i));
    CHECK(here("a"));
    OK(release("r"));
    OK(hold("a"));
    OK(release("a"));
    REFUSED(STALE, release("a"));
    PASS();
}

TEST holding_a_renote_does_not_undo_updates(void)
{
    CHECK(begin());
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("a", ",'reactions':{'p':1}"))));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    OK(hold("r"));
    IS("a", NOTE("a", ",'reactions':{'p':2}"));
    OK(release("r"));
    PASS();
}

TEST holding_a_renote_finds_what_came_later(void)
{
    int i;
    CHECK(begin());
    CHANGED(NEW, put("{'id':'r','userId':'u','renoteId':'a'}"));
    OK(hold("r"));
    CHANGED(NEW, put(NOTE("a", "")));
    OK(release("r"));
    OK(hold("r"));
    for (i = 0; i < 5; i++) CHANGED(NEW, put("{'id':'n%d'}", i));
    CHECK(here("a"));
    OK(release("r"));
    PASS();
}

TEST a_held_renote_holds_what_it_learns_to_repeat(void)
{
    int i;
    CHECK(begin());
    CHANGED(NEW, put("{'id':'r'}"));
    OK(hold("r"));
    CHECK(put(RENOTE("r", "a", NOTE("a", ""))) > 0);
    for (i = 0; i < 5; i++) CHANGED(NEW, put("{'id':'n%d'}", i));
    CHECK(here("a"));
    OK(release("r"));
    for (i = 0; i < 5; i++) CHANGED(NEW, put("{'id':'o%d'}", i));
    CHECK(!here("a"));
    PASS();
}

TEST what_a_held_renote_repeats_has_no_room(void)
{
    CHECK(begin_with(2, SIZE));
    CHANGED(NEW, put("{'id':'r'}"));
    CHANGED(NEW, put("{'id':'n'}"));
    OK(hold("r"));
    OK(hold("n"));
    CHECK(put(RENOTE("r", "a", NOTE("a", ""))) > 0);
    CHECK(here("r") && here("n") && !here("a"));
    OK(release("r"));
    REFUSED(STALE, release("r"));
    PASS();
}

TEST held_as_often_as_can_be_counted(void)
{
    long i;
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", "")));
    for (i = 0; i < 65535; i++) OK(hold("a"));
    REFUSED(FULL, hold("a"));
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("a", ""))));
    REFUSED(FULL, hold("r"));
    REFUSED(STALE, release("r"));
    for (i = 0; i < 65535; i++) OK(release("a"));
    REFUSED(STALE, release("a"));
    OK(hold("r"));
    PASS();
}

/* --- notes that are too large --- */

static const char *filler(size_t n)
{
    static char text[2][LINE];
    static unsigned at;
    char *const p = text[at++ % 2];
    memset(p, 'x', n);
    p[n] = '\0';
    return p;
}

TEST of_a_large_note_the_store_keeps_what_it_works_with(void)
{
    misskey_note note;
    CHECK(begin());
    CHANGED(NEW | CUT, put("{'a':'%s','id':'a','createdAt':'2026-11-24T00:00:00.000Z','big':'%s','userId':'u',"
                           "'small':1,'reactions':{'p':1},'text':'t','reactionCount':1}", filler(500), filler(500)));
    CHECK(misskey_note_read(get("a"), &note));
    CHECK(misskey_jstr_eq(note.id, "a") && misskey_jstr_eq(note.user_id, "u") && misskey_jstr_eq(note.text, "t"));
    CHECK(note.has.created_at == MISSKEY_PRESENT && note.reaction_count == 1);
    CHECK(member("a", "small").ptr != NULL);
    CHECK((member("a", "a").ptr != NULL) + (member("a", "big").ptr != NULL) == 1);
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    CHECK(get("a").len <= SIZE - SIZE / 4 + 1);
    PASS();
}

/* What each member stands for, and whether it comes before others where not all fits. */
static const struct { const char *name; uint32_t bit; bool first; } parts[] = {
    { "createdAt", REST, true }, { "userId", REST, true }, { "renoteId", REST, true }, { "replyId", REST, true },
    { "visibility", REST, true }, { "reactions", REACTIONS, true }, { "reactionCount", REACTIONS, true },
    { "reactionEmojis", REACTIONS, true }, { "reactionCounts", REACTIONS, true }, { "myReaction", MY_REACTION, true },
    { "poll", POLL, true }, { "text", TEXT, true }, { "cw", TEXT, true }, { "files", TEXT, false },
    { "fileIds", TEXT, false }, { "media", TEXT, false }, { "mediaIds", TEXT, false }, { "deletedAt", DELETED, true },
    { "user", REST, false }, { "reply", REST, false }, { "renote", REST, false }, { "tags", REST, false }
};
enum { PARTS = sizeof parts / sizeof parts[0] };

TEST each_member_is_reported_as_what_it_stands_for(void)
{
    int i;
    CHECK(begin());
    for (i = 0; i < PARTS; i++) {
        CHECK(put("{'id':'a','createdAt':'c','userId':'u','%s':'p'}", parts[i].name) >= 0);
        CHANGED(parts[i].bit, put("{'id':'a','createdAt':'c','userId':'u','%s':'q'}", parts[i].name));
    }
    PASS();
}

/* A filler in front that has room only if one of the members that come first does not. */
TEST members_that_come_first_keep_their_room(void)
{
    char members[LINE] = "'id':'a'";
    int i;
    CHECK(begin());
    for (i = 0; i < PARTS; i++) if (parts[i].first) sprintf(members + strlen(members), ",'%s':'p'", parts[i].name);
    CHANGED(NEW | CUT, put("{'a':'%s',%s}", filler(SIZE / 4 * 3 - strlen(members) - strlen("{,'a':''}") + 1), members));
    CHECK(member("a", "a").ptr == NULL);
    for (i = 0; i < PARTS; i++) CHECK(!parts[i].first || member("a", parts[i].name).ptr != NULL);
    for (i = 0; i < PARTS; i++) {
        if (parts[i].first) continue;
        CHECK(begin());
        CHANGED(NEW | CUT, put("{'id':'a','a':'%s','%s':'p'}", filler(SIZE / 4 * 3 - strlen("{'id':'a','a':''}")),
                               parts[i].name));
        CHECK(member("a", "a").ptr != NULL);
    }
    PASS();
}

TEST what_fits_is_not_cut(void)
{
    CHECK(begin());
    CHANGED(NEW, put("{'id':'a','userId':'u','text':'%s'}", filler(SIZE / 4 * 3 - 33)));
    ASSERT_EQ_FMT(SIZE / 4 * 3, (int)get("a").len, "%d");
    CHANGED(NEW | CUT, put("{'id':'b','userId':'u','text':'%s'}", filler(SIZE / 4 * 3 - 32)));
    IS("b", "{'id':'b','userId':'u'}");
    CHANGED(TEXT | REST, put("{'id':'a','userId':'u','text':'','tags':'%s'}", filler(SIZE / 4 * 3 - 43)));
    CHANGED(TEXT | REST, put("{'tags':'','id':'a','userId':'u','text':'%s'}", filler(SIZE / 4 * 3 - 43)));
    PASS();
}

TEST what_does_not_fit_any_more_is_cut(void)
{
    int64_t changed;
    CHECK(begin());
    CHANGED(NEW, put("{'id':'a','userId':'u','text':'old'}"));
    changed = put("{'id':'a','userId':'u','text':'%s'}", filler(SIZE));
    CHECK((changed & CUT) != 0);
    IS("a", "{'id':'a','userId':'u'}");
    PASS();
}

/* Linear time, whatever a server sends: by the square this would take minutes. */
TEST of_too_many_members_some_are_left_out(size_t size)
{
    static char text[200000];
    static uint64_t mem[WORDS(MISSKEY_STORE_SIZE(2, sizeof text * 2))];
    misskey_json note, kept;
    misskey_iter it;
    uint32_t changed = 0;
    int n = 0, i = 0;
    size_t len = (size_t)sprintf(text, "{\"id\":\"a\",\"userId\":\"u\"");
    for (; len < sizeof text - 32; i++) len += (size_t)sprintf(text + len, ",\"%x\":{\"%x\":1}", i, i);
    len += (size_t)sprintf(text + len, "}");
    CHECK(misskey_json_check(text, len, &note, NULL) == MISSKEY_ERR_OK);
    prepare();
    bench.desc.mem.ptr = mem;
    bench.desc.mem.size = sizeof mem;
    bench.desc.note_size = size;
    OK(misskey_store_init(&bench.store, &bench.desc));
    OK(misskey_store_put(&bench.store, note, &changed));
    CHANGED(NEW | CUT, changed);
    OK(misskey_store_put(&bench.store, note, &changed));
    CHANGED(CUT, changed);
    kept = get("a");
    CHECK(misskey_json_check(kept.ptr, kept.len, &kept, NULL) == MISSKEY_ERR_OK);
    CHECK(misskey_jstr_eq(misskey_json_str(misskey_json_get(kept, "userId")), "u"));
    for (it = misskey_json_iter(kept); misskey_json_next(&it);) n++;
    CHECK(size == SIZE || n == 256);
    PASS();
}

TEST a_quote_whose_text_was_cut_is_no_renote(void)
{
    CHECK(begin());
    CHANGED(NEW | CUT, put("{'id':'r','userId':'u','renoteId':'a','text':'%s','renote':" NOTE("a", "") "}",
                           filler(SIZE)));
    CHECK(!here("a"));
    PASS();
}

TEST a_reaction_without_room_is_not_counted(void)
{
    char key[256];
    int i;
    CHECK(begin());
    CHANGED(NEW, put("{'id':'a','userId':'u','text':'%s','reactions':{},'reactionCount':0}", filler(600)));
    for (i = 0; i < 5; i++) {
        sprintf(key, "%d%s", i, filler(60));
        if (reacted("a", "u1", key) == CUT) break;
        CHECK(reacted("a", "u1", key) == 0);
    }
    CHECK(i > 0 && i < 5);
    ASSERT_EQ_FMT(i, atoi(member("a", "reactionCount").ptr), "%d");
    CHANGED(CUT, reacted("a", "u1", key));
    ASSERT_EQ_FMT(i, atoi(member("a", "reactionCount").ptr), "%d");
    CHECK((put("{'id':'a','userId':'u','text':'','reactions':{},'reactionCount':0}") & CUT) == 0);
    CHANGED(REACTIONS, reacted("a", "u1", key));    /* it was not remembered */
    PASS();
}

TEST a_deleted_note_without_room_keeps_its_id(void)
{
    char body[SIZE];
    CHECK(begin());
    CHANGED(NEW, put("{'id':'a','userId':'u','text':'%s'}", filler(600)));
    snprintf(body, sizeof body, "{'text':'%s'}", filler(SIZE - strlen("{'id':'a','userId':'u','text':''}")));
    CHANGED(TEXT, told("a", "updated", body));
    ASSERT_EQ_FMT(SIZE, (int)get("a").len, "%d");
    CHECK((told("a", "deleted", "{'deletedAt':'2026-11-24T00:00:00.000Z'}") & DELETED) != 0);
    IS("a", "{'id':'a','deletedAt':'2026-11-24T00:00:00.000Z'}");
    CHANGED(0, put(NOTE("a", "")));
    PASS();
}

TEST an_edit_without_room_is_cut(void)
{
    char body[2048];
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'text':'old','cw':'old'")));
    sprintf(body, "{'text':'%s','cw':'new'}", filler(SIZE));
    CHANGED(CUT | TEXT, told("a", "updated", body));
    CHECK(misskey_jstr_eq(misskey_json_str(member("a", "cw")), "new"));
    PASS();
}

/* --- memory --- */

TEST memory_that_will_not_do(void)
{
    prepare();
    bench.desc.mem.ptr = NULL;
    REFUSED(BAD_ARG, misskey_store_init(&bench.store, &bench.desc));
    bench.desc.mem.ptr = (uint8_t *)bench.mem + 4;
    REFUSED(BAD_ARG, misskey_store_init(&bench.store, &bench.desc));
    prepare();
    bench.desc.note_size = LEAST - 1;
    REFUSED(TOO_SMALL, misskey_store_init(&bench.store, &bench.desc));
    bench.desc.note_size = 0;
    REFUSED(TOO_SMALL, misskey_store_init(&bench.store, &bench.desc));
    bench.desc.note_size = LEAST;
    bench.desc.mem.size = MISSKEY_STORE_SIZE(2, LEAST) - 1;
    REFUSED(TOO_SMALL, misskey_store_init(&bench.store, &bench.desc));
    bench.desc.mem.size++;
    OK(misskey_store_init(&bench.store, &bench.desc));
    bench.desc.note_size = SIZE;
    REFUSED(TOO_SMALL, misskey_store_init(&bench.store, &bench.desc));
    PASS();
}

TEST a_note_size_beyond_all_memory(void)
{
    prepare();
    bench.desc.note_size = SIZE_MAX;
    REFUSED(TOO_SMALL, misskey_store_init(&bench.store, &bench.desc));
    bench.desc.note_size = SIZE_MAX - sizeof(misskey_note_slot);
    REFUSED(TOO_SMALL, misskey_store_init(&bench.store, &bench.desc));
    bench.desc.note_size = SIZE_MAX / 2;
    REFUSED(TOO_SMALL, misskey_store_init(&bench.store, &bench.desc));
    PASS();
}

TEST more_notes_than_can_be_numbered(void)
{
    static uint64_t mem[WORDS(MISSKEY_STORE_SIZE(65535, LEAST))];
    prepare();
    bench.desc.mem.ptr = mem;
    bench.desc.note_size = LEAST;
    bench.desc.mem.size = sizeof mem - 1;
    OK(misskey_store_init(&bench.store, &bench.desc));
    CHANGED(NEW, put(NOTE("a", "")));
    CHECK(here("a"));
    bench.desc.mem.size = sizeof mem;
    REFUSED(BAD_ARG, misskey_store_init(&bench.store, &bench.desc));
    PASS();
}

/* Everything that writes: new, replaced, cut, counted, deleted, pushed out. */
static void write_everywhere(void)
{
    char key[128];
    int round, i;
    for (round = 0; round < 40; round++) {
        for (i = 0; i < 4; i++) {
            put("{'id':'n%d','userId':'u','reactions':{},'text':'%s'}", (round + i) % 7, filler((size_t)(round * 13)));
            put("{'id':'r%d','userId':'u','renoteId':'n%d','renote':{'id':'n%d','poll':{'choices':[{},{}]}}}", i, i, i);
            sprintf(key, "%d%s", round, filler((size_t)round));
            reacted("n1", key, key);
            reacted("n2", "me", key);
            unreacted("n1", "u9", key);
            voted("n2", key, "1");
            told("n3", "updated", "{'text':'somewhat longer than it was before'}");
        }
        told("n4", "deleted", "{'deletedAt':'2026-11-24T00:00:00.000Z'}");
    }
}

TEST memory_is_used_to_its_last_byte_and_no_further(void)
{
    enum { GUARD = 64 };
    static const size_t sizes[] = { 256, 257, 263, 264, 287, 288, 511, 1000 };
    static uint64_t mem[WORDS(MISSKEY_STORE_SIZE(3, 1000)) + 2 * GUARD / 8];
    uint8_t *const p = (uint8_t *)mem;
    size_t i, k, size;
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size = MISSKEY_STORE_SIZE(3, sizes[i]);
        CHECK(size % 8 == 0 && size >= 3 * (sizeof(misskey_note_slot) + sizes[i] + sizes[i] / 32 * 8));
        prepare();
        memset(mem, CANARY, sizeof mem);
        bench.desc.mem.ptr = p + GUARD;
        bench.desc.mem.size = size;
        bench.desc.note_size = sizes[i];
        OK(misskey_store_init(&bench.store, &bench.desc));
        for (k = 0; k < 3; k++) {
            CHANGED(NEW, put("{'id':'h%d'}", (int)k));
            CHECK(here(k == 0 ? "h0" : k == 1 ? "h1" : "h2"));
        }
        write_everywhere();
        for (k = 0; k < GUARD; k++) CHECK(p[k] == CANARY && p[GUARD + size + k] == CANARY);
    }
    PASS();
}

TEST one_slot_for_each_note_that_was_paid_for(void)
{
    CHECK(begin_with(3, LEAST));
    put("{'id':'a'}");
    put("{'id':'b'}");
    put("{'id':'c'}");
    OK(hold("a"));
    OK(hold("b"));
    OK(hold("c"));
    CHANGED(-MISSKEY_ERR_FULL, put("{'id':'d'}"));
    bench.desc.mem.size--;
    OK(misskey_store_init(&bench.store, &bench.desc));
    put("{'id':'a'}");
    put("{'id':'b'}");
    put("{'id':'c'}");
    CHECK(!here("a") && here("b") && here("c"));
    PASS();
}

TEST memory_for_the_largest_notes(void)
{
    enum { LARGE = 2 << 20, GUARD = 1 << 20 };
    static uint64_t mem[WORDS(MISSKEY_STORE_SIZE(2, LARGE) + GUARD)];
    const uint8_t *const behind = (const uint8_t *)mem + MISSKEY_STORE_SIZE(2, LARGE);
    size_t i;
    prepare();
    bench.desc.mem.ptr = mem;
    bench.desc.mem.size = MISSKEY_STORE_SIZE(2, LARGE);
    bench.desc.note_size = LARGE;
    memset(mem, CANARY, sizeof mem);
    OK(misskey_store_init(&bench.store, &bench.desc));
    CHANGED(NEW, put(NOTE("a", ",'reactions':{}")));
    CHANGED(NEW, put(NOTE("b", ",'reactions':{}")));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    CHANGED(0, reacted("a", "u1", "p"));
    CHANGED(REACTIONS, reacted("b", "u1", "p"));
    CHANGED(0, reacted("b", "u1", "p"));
    IS("a", NOTE("a", ",'reactions':{'p':1}"));
    for (i = 0; i < GUARD; i++) CHECK(behind[i] == CANARY);
    PASS();
}

TEST a_store_can_begin_anew(void)
{
    CHECK(begin());
    CHANGED(NEW, put(NOTE("a", ",'reactions':{}")));
    OK(hold("a"));
    OK(misskey_store_init(&bench.store, &bench.desc));
    CHECK(!here("a"));
    REFUSED(STALE, release("a"));
    CHANGED(NEW, put(NOTE("a", ",'reactions':{}")));
    CHANGED(REACTIONS, reacted("a", "u1", "p"));
    PASS();
}

/* --- captures --- */

/* What the session said: s:ID captures, u:ID releases. */
static const char *said(void)
{
    static char words[1024];
    char text[256];
    size_t len, n = 0;
    misskey_event event;
    misskey_message message;
    while (misskey_session_poll(&bench.session, &event)) {}
    words[0] = '\0';
    while (misskey_session_send_message(&bench.session, text, sizeof text, &len) == MISSKEY_ERR_OK) {
        misskey_message_parse(text, len, &message);
        n += (size_t)snprintf(words + n, sizeof words - n, "%s%s:%.*s", n > 0 ? " " : "",
                              message.kind == MISSKEY_KIND_SUB_NOTE ? "s" :
                              message.kind == MISSKEY_KIND_UNSUB_NOTE ? "u" : "?", (int)message.id.len, message.id.ptr);
    }
    return words;
}

static void tick(uint32_t now)
{
    misskey_session_tick(&bench.session, now);
    misskey_store_tick(&bench.store, now);
}

/* A store whose session is open, with so many capture slots. */
static bool begin_captured(uint16_t captures)
{
    misskey_session_desc desc;
    misskey_event event;
    prepare();
    memset(&desc, 0, sizeof desc);
    desc.captures = captures > 0 ? bench.captures : NULL;
    desc.num_captures = captures;
    bench.desc.session = &bench.session;
    if (misskey_session_init(&bench.session, &desc) != MISSKEY_ERR_OK ||
        misskey_store_init(&bench.store, &bench.desc) != MISSKEY_ERR_OK) return false;
    tick(1000);
    misskey_session_transport_up(&bench.session);
    while (misskey_session_poll(&bench.session, &event)) {}
    return true;
}

static misskey_err hold_at(const char *name, const char *date, int64_t later)
{
    int64_t now = 0;
    if (!misskey_jstr_time(id(date), &now)) abort();
    return misskey_store_hold(&bench.store, id(name), now + later);
}

TEST what_is_held_is_captured_once(void)
{
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put(NOTE("a", "")));
    SAID("");
    OK(hold("a"));
    SAID("s:a");
    OK(hold("a"));
    OK(release("a"));
    tick(20000);
    SAID("");
    OK(release("a"));
    SAID("");
    tick(29999);
    SAID("");
    tick(30000);
    SAID("u:a");
    OK(hold("a"));
    SAID("s:a");
    PASS();
}

TEST a_renote_captures_itself_and_what_it_repeats(void)
{
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("a", ""))));
    OK(hold("r"));
    SAID("s:r s:a");
    OK(release("r"));
    tick(10999);
    SAID("");
    tick(11000);
    SAID("u:a u:r");
    PASS();
}

TEST a_held_renote_captures_what_it_learns_to_repeat(void)
{
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put("{'id':'r'}"));
    OK(hold("r"));
    SAID("s:r");
    CHECK(put(RENOTE("r", "a", NOTE("a", ""))) > 0);
    SAID("s:a");
    CHECK(put(RENOTE("r", "a", NOTE("a", ""))) == 0);
    OK(release("r"));
    tick(11000);
    SAID("u:a u:r");
    CHECK(begin_captured(1));
    CHANGED(NEW, put("{'id':'r'}"));
    OK(hold("r"));
    SAID("s:r");
    CHECK(put(RENOTE("r", "a", NOTE("a", ""))) > 0);    /* held, but no slot for the capture */
    REFUSED(STALE, release("a"));
    OK(release("r"));
    REFUSED(STALE, release("a"));
    tick(11000);
    SAID("u:r");
    PASS();
}

TEST held_again_within_the_grace_nothing_is_sent(void)
{
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("a", ""))));
    OK(hold("r"));
    SAID("s:r s:a");
    OK(release("r"));
    tick(10999);
    OK(hold("r"));
    tick(11000);
    tick(90000);
    SAID("");
    OK(release("r"));
    tick(99999);
    SAID("");
    tick(100000);
    SAID("u:a u:r");
    PASS();
}

TEST the_grace_begins_anew_with_the_last_release(void)
{
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put(NOTE("a", "")));
    OK(hold("a"));
    OK(release("a"));           /* at 1000 */
    tick(2000);
    OK(hold("a"));
    OK(release("a"));
    SAID("s:a");
    tick(11999);
    SAID("");
    tick(12000);
    SAID("u:a");
    PASS();
}

TEST graces_end_in_their_order(void)
{
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put(NOTE("a", "")));
    CHANGED(NEW, put(NOTE("b", "")));
    CHANGED(NEW, put(NOTE("c", "")));
    OK(hold("a"));
    OK(hold("b"));
    OK(hold("c"));
    SAID("s:a s:b s:c");
    OK(release("a"));
    tick(2000);
    OK(release("b"));
    tick(3000);
    OK(release("c"));
    OK(hold("b"));
    tick(11000);
    SAID("u:a");
    tick(12000);
    SAID("");
    tick(13000);
    SAID("u:c");
    tick(60000);
    SAID("");
    PASS();
}

TEST waiting_for_the_end_of_a_grace_is_no_use(void)
{
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put(NOTE("a", "")));
    OK(hold("a"));
    OK(release("a"));
    OK(hold("a"));
    tick(2000);
    OK(release("a"));
    CHANGED(NEW, put(NOTE("b", "")));
    CHANGED(NEW, put(NOTE("c", "")));
    CHANGED(NEW, put(NOTE("d", "")));
    tick(3000);
    CHANGED(NEW, put(NOTE("e", "")));
    CHECK(!here("a") && here("b"));
    PASS();
}

TEST the_store_says_when_it_wants_a_tick(void)
{
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put(NOTE("a", "")));
    CHECK(misskey_store_timeout(&bench.store) == MISSKEY_FOREVER);
    OK(hold("a"));
    SAID("s:a");
    CHECK(misskey_store_timeout(&bench.store) == MISSKEY_FOREVER);
    OK(release("a"));
    ASSERT_EQ_FMT(10000u, (unsigned)misskey_store_timeout(&bench.store), "%u");
    tick(1500);
    ASSERT_EQ_FMT(9500u, (unsigned)misskey_store_timeout(&bench.store), "%u");
    tick(11000);
    CHECK(misskey_store_timeout(&bench.store) == MISSKEY_FOREVER);
    SAID("u:a");
    PASS();
}

TEST a_grace_of_its_own_length_over_the_wrap_of_time(void)
{
    CHECK(begin_captured(CAPTURES));
    bench.desc.grace_ms = 500;
    OK(misskey_store_init(&bench.store, &bench.desc));
    tick(0xFFFFFF00u);
    CHANGED(NEW, put(NOTE("a", "")));
    OK(hold("a"));
    SAID("s:a");
    OK(release("a"));
    tick(0xFFFFFFFFu);
    ASSERT_EQ_FMT(245u, (unsigned)misskey_store_timeout(&bench.store), "%u");
    tick(243);
    SAID("");
    tick(244);
    SAID("u:a");
    PASS();
}

TEST old_notes_are_not_captured(void)
{
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put(NOTE("a", "")));
    CHANGED(NEW, put("{'id':'b','createdAt':'2026-11-23T23:55:00.000Z','userId':'u'}"));
    OK(hold_at("a", "2026-11-24T00:00:00.000Z", 300001));
    OK(hold_at("b", "2026-11-24T00:00:00.000Z", 0));
    SAID("s:b");
    OK(hold("a"));              /* whoever has no idea of the time captures all */
    SAID("s:a");
    PASS();
}

TEST how_old_a_note_may_be(void)
{
    CHECK(begin_captured(CAPTURES));
    bench.desc.max_age_ms = 1000;
    OK(misskey_store_init(&bench.store, &bench.desc));
    CHANGED(NEW, put(NOTE("a", "")));
    OK(hold_at("a", "2026-11-24T00:00:00.000Z", 1001));
    SAID("");
    OK(hold_at("a", "2026-11-24T00:00:00.000Z", 1000));
    SAID("s:a");
    bench.desc.max_age_ms = MISSKEY_FOREVER;
    OK(misskey_store_init(&bench.store, &bench.desc));
    CHANGED(NEW, put(NOTE("b", "")));
    OK(hold_at("b", "2036-11-24T00:00:00.000Z", 0));
    SAID("s:b");
    PASS();
}

TEST a_new_renote_of_an_old_note_is_captured(void)
{
    const char *const old = "{'id':'a','createdAt':'2020-11-24T00:00:00.000Z','userId':'u'}";
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put("{'id':'r','createdAt':'2026-11-24T00:00:00.000Z','userId':'u','renoteId':'a','renote':%s}", old));
    CHANGED(NEW, put("{'id':'s','createdAt':'2026-11-23T00:00:00.000Z','userId':'u','renoteId':'a','renote':%s}", old));
    OK(hold_at("s", "2026-11-24T00:00:01.000Z", 0));
    SAID("");
    OK(hold_at("r", "2026-11-24T00:00:01.000Z", 0));
    SAID("s:r s:a");
    PASS();
}

TEST ids_tell_the_age_of_minimized_notes(void)
{
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put("{'id':'atxbl1bcxzet00h4','myReaction':null}"));
    OK(hold_at("atxbl1bcxzet00h4", "2026-11-23T21:11:09.769Z", 0));
    SAID("");
    OK(hold_at("atxbl1bcxzet00h4", "2026-11-23T21:11:09.768Z", 0));
    SAID("s:atxbl1bcxzet00h4");
    CHANGED(NEW, put("{'id':'tells_nothing'}"));
    OK(hold_at("tells_nothing", "2026-11-23T21:11:09.769Z", 0));
    SAID("s:tells_nothing");
    PASS();
}

TEST a_full_session_refuses_the_hold(void)
{
    int i;
    CHECK(begin_captured(1));
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("a", ""))));
    CHANGED(NEW, put(NOTE("b", "")));
    REFUSED(FULL, hold("r"));
    SAID("");
    REFUSED(STALE, release("r"));
    REFUSED(STALE, release("a"));
    OK(hold("b"));
    SAID("s:b");
    REFUSED(FULL, hold("a"));
    OK(release("b"));
    tick(11000);
    SAID("u:b");
    OK(hold("a"));
    SAID("s:a");
    OK(release("a"));
    for (i = 0; i < 5; i++) CHANGED(NEW, put("{'id':'n%d'}", i));
    CHECK(!here("r") && !here("a") && !here("b"));
    SAID("u:a");
    CHECK(begin_captured(0));
    CHANGED(NEW, put(NOTE("a", "")));
    REFUSED(FULL, hold("a"));
    PASS();
}

TEST a_note_that_makes_room_is_released_at_once(void)
{
    int i;
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put(NOTE("a", "")));
    OK(hold("a"));
    OK(release("a"));
    SAID("s:a");
    for (i = 0; i < NOTES; i++) CHANGED(NEW, put("{'id':'n%d'}", i));
    CHECK(!here("a"));
    SAID("u:a");
    OK(hold("n3"));             /* in the same slot */
    SAID("s:n3");
    OK(release("n3"));
    tick(10999);
    SAID("");
    tick(11000);
    SAID("u:n3");
    PASS();
}

TEST captures_of_the_application_are_its_own(void)
{
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put(NOTE("a", "")));
    OK(misskey_note_capture(&bench.session, "a", 1));
    OK(hold("a"));
    SAID("s:a");
    OK(release("a"));
    tick(11000);
    SAID("");
    OK(misskey_note_release(&bench.session, "a", 1));
    SAID("u:a");
    PASS();
}

TEST a_deleted_note_is_released_like_any_other(void)
{
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put(NOTE("a", "")));
    OK(hold("a"));
    CHANGED(DELETED, told("a", "deleted", "{'deletedAt':'then'}"));
    SAID("s:a");
    OK(release("a"));
    tick(11000);
    SAID("u:a");
    PASS();
}

TEST without_a_session_nothing_is_captured(void)
{
    CHECK(begin());
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("a", ""))));
    OK(hold("r"));
    OK(release("r"));
    CHECK(misskey_store_timeout(&bench.store) == MISSKEY_FOREVER);
    misskey_store_tick(&bench.store, 50000);
    CHECK(here("r"));
    PASS();
}

/* Is nothing held, so that every slot can make room? */
static bool all_make_room(size_t notes)
{
    char text[128];
    size_t i;
    for (i = 0; i < notes; i++) {
        snprintf(text, sizeof text, NOTE("new%d", ""), (int)i);
        if (put("%s", text) != NEW) return false;
    }
    for (i = 0; i < notes; i++) {
        snprintf(text, sizeof text, "new%d", (int)i);
        if (!here(text)) return false;
    }
    return true;
}

/* x is a renote of y, which the store knows as a renote of z, and so on, back to x in a ring. */
TEST renotes_of_renotes_hold_nothing_for_good(void)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    unsigned order, ring;
    for (ring = 1; ring <= NOTES; ring++) for (order = 0; order < 256; order++) {
        unsigned i;
        CHECK(begin());
        for (i = 0; i < 2 * NOTES; i++) { /* twice: the first time some know nothing of those behind them */
            char text[400];
            snprintf(text, sizeof text, RENOTE("%s", "%s", NOTE("%s", ",'text':'t'")), names[i % NOTES],
                     names[(i + 1) % NOTES % ring], names[(i + 1) % NOTES % ring]);
            CHECK(put("%s", text) >= 0);
        }
        for (i = 0; i < 4; i++) OK(hold(names[order >> (2 * i) & 3]));
        for (i = 4; i-- > 0;) OK(release(names[order >> (2 * (i ^ (order & 3))) & 3]));
        for (i = 0; i < NOTES; i++) REFUSED(STALE, release(names[i]));
        CHECK(all_make_room(NOTES));
    }
    PASS();
}

TEST a_hold_that_is_refused_changes_nothing(void)
{
    uint16_t captures;
    for (captures = 0; captures < 2; captures++) {
        CHECK(begin_captured(captures));
        CHANGED(NEW, put(RENOTE("r", "j", NOTE("j", ""))));
        CHANGED(NEW, put(NOTE("x", "")));
        CHANGED(NEW, put(NOTE("y", "")));
        CHANGED(NEW, put(NOTE("z", "")));   /* j has made room */
        CHECK(!here("j"));
        REFUSED(FULL, hold("r"));
        SAID("");
        CHECK(here("x") && here("y") && here("z") && !here("j"));
        REFUSED(STALE, release("r"));
        CHANGED(NEW, put(NOTE("n", "")));   /* r is still what was unused for longest */
        CHECK(!here("r") && here("x"));
    }
    PASS();
}

TEST a_view_into_the_store_can_be_put(void)
{
    const char *const quoted = NOTE("b", ",'text':'this text is longer than what stands before it in the quote'");
    misskey_note note;
    CHECK(begin());
    CHANGED(NEW, put("{'id':'a','userId':'u','text':'a quote','renoteId':'b','renote':%s}", quoted));
    CHANGED(NEW, put(NOTE("c", "")));
    CHANGED(NEW, put(NOTE("d", "")));
    CHANGED(NEW, put(NOTE("e", "")));           /* a is what would make room now */
    CHECK(misskey_note_read(misskey_store_get(&bench.store, id("a")), &note));
    CHANGED(NEW, put(NOTE("c", "")) | NEW);
    CHANGED(NEW, put(NOTE("d", "")) | NEW);
    CHANGED(NEW, put(NOTE("e", "")) | NEW);
    OK(misskey_store_put(&bench.store, note.renote, NULL));
    IS("b", quoted);
    CHECK(here("a") && !here("c"));
    OK(misskey_store_put(&bench.store, misskey_store_get(&bench.store, id("b")), NULL));
    IS("b", quoted);
    OK(hold("b"));
    OK(hold("d"));
    OK(hold("e"));
    CHECK(misskey_note_read(misskey_store_get(&bench.store, id("a")), &note));
    put("{'id':'a','userId':'u','text':'a quote','renoteId':'n','renote':" NOTE("n", ",'text':'t'") "}");
    CHECK(misskey_note_read(misskey_store_get(&bench.store, id("a")), &note));
    REFUSED(FULL, misskey_store_put(&bench.store, note.renote, NULL)); /* only a could make room */
    CHECK(here("a") && !here("n"));
    PASS();
}

TEST a_text_keeps_its_id_whatever_does_not_fit(void)
{
    int n;
    for (n = 0; n < 300; n++) {
        CHECK(begin_with(2, LEAST));
        put("{'id':'0123456789','id':'a','x':'%s','y':'%s'}", filler((size_t)n), filler(40));
        CHECK(here("a") && misskey_jstr_eq(misskey_json_str(member("a", "id")), "a"));
    }
    PASS();
}

TEST a_put_that_is_refused_moves_nothing(void)
{
    CHECK(begin());
    CHANGED(NEW, put("{'id':'a','userId':'u','text':'t','renote':{'text':'no id'}}"));
    CHANGED(NEW, put(NOTE("b", "")));
    CHANGED(NEW, put(NOTE("c", "")));
    {
        misskey_note note;
        CHECK(misskey_note_read(get("a"), &note));
        CHANGED(NEW, put(NOTE("d", "")));
        CHECK(here("b") && here("c") && here("d"));     /* a is what was unused for longest */
        REFUSED(BAD_ARG, misskey_store_put(&bench.store, note.renote, NULL));
    }
    CHANGED(NEW, put(NOTE("e", "")));
    CHECK(!here("a") && here("b"));
    PASS();
}

/* A part of a note that says to be the note itself, and a renote within a quote of that quote. */
TEST a_view_into_the_store_that_repeats_itself(void)
{
    const char *const own = "{'id':'a','userId':'u','text':'t','renoteId':'a','renote':" NOTE("a", ",'text':'x'") "}";
    const char *const ring = "{'id':'a','userId':'u','text':'t','renoteId':'b','renote':"
                             RENOTE("b", "a", NOTE("a", ",'text':'x'")) "}";
    misskey_note note;
    CHECK(begin());
    CHANGED(NEW, put("%s", own));
    CHECK(misskey_note_read(get("a"), &note));
    OK(misskey_store_put(&bench.store, note.renote, NULL));
    IS("a", own);
    CHECK(begin());
    CHANGED(NEW, put("%s", ring));
    CHECK(misskey_note_read(get("a"), &note));
    OK(misskey_store_put(&bench.store, note.renote, NULL));
    IS("a", ring);
    CHECK(here("b"));
    REFUSED(STALE, release("a"));
    CHECK(all_make_room(NOTES));
    PASS();
}

TEST a_store_that_is_only_zeroed_does_nothing(void)
{
    static const misskey_store zero;
    int failed;
    for (failed = 0; failed < 2; failed++) {
        prepare();
        bench.store = zero;
        bench.desc.note_size = 1;
        if (failed) REFUSED(TOO_SMALL, misskey_store_init(&bench.store, &bench.desc));
        REFUSED(BAD_STATE, -(int)put(NOTE("a", "")));
        REFUSED(BAD_STATE, -(int)put_fetched(NOTE("a", "")));
        CHANGED(0, reacted("a", "u", "p"));
        CHECK(!here("a"));
        REFUSED(STALE, hold("a"));
        REFUSED(STALE, release("a"));
        misskey_store_tick(&bench.store, 5);
        CHECK(misskey_store_timeout(&bench.store) == MISSKEY_FOREVER);
    }
    PASS();
}

TEST the_next_hold_captures_what_had_no_capture(void)
{
    const char *const date = "2026-11-24T00:00:00.000Z";
    CHECK(begin_captured(CAPTURES));                /* held as an old note first */
    CHANGED(NEW, put(RENOTE("r", "a", NOTE("a", ""))));
    OK(hold_at("r", date, 3600000));
    SAID("");
    OK(hold_at("r", date, 0));
    SAID("s:r s:a");
    CHECK(begin_captured(1));                       /* learns what it repeats while there is no room */
    CHANGED(NEW, put("{'id':'r'}"));
    OK(hold("r"));
    CHECK(put(RENOTE("r", "a", NOTE("a", ""))) >= 0);
    SAID("s:r");
    REFUSED(FULL, hold("r"));
    CHECK(begin_captured(2));
    CHANGED(NEW, put("{'id':'r'}"));
    OK(hold("r"));
    OK(misskey_note_capture(&bench.session, "x", 1));
    CHECK(put(RENOTE("r", "a", NOTE("a", ""))) >= 0);
    OK(misskey_note_release(&bench.session, "x", 1));
    SAID("s:r");
    OK(hold("r"));
    SAID("s:a");
    PASS();
}

TEST an_age_beyond_all_numbers(void)
{
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put("{'id':'a','createdAt':'-271821-04-20T00:00:00.000Z'}"));
    CHANGED(NEW, put(NOTE("b", "")));
    OK(misskey_store_hold(&bench.store, id("a"), INT64_MAX));
    OK(misskey_store_hold(&bench.store, id("b"), INT64_MAX));
    SAID("");
    OK(misskey_store_hold(&bench.store, id("b"), INT64_MIN));
    SAID("s:b");
    PASS();
}

TEST a_grace_without_end(void)
{
    static const uint32_t longest[] = { MISSKEY_FOREVER, 0x80000000u, MISSKEY_FOREVER - 1 };
    size_t i;
    for (i = 0; i < 3; i++) {
        uint32_t passed;
        CHECK(begin_captured(CAPTURES));
        bench.desc.grace_ms = longest[i];
        OK(misskey_store_init(&bench.store, &bench.desc));
        tick(0x12345678u);
        CHANGED(NEW, put(NOTE("a", "")));
        OK(hold("a"));
        OK(release("a"));
        CHECK(misskey_store_timeout(&bench.store) == (i == 0 ? MISSKEY_FOREVER : 0x80000000u));
        for (passed = 0; passed < 0x7F000000u; passed += 0x10000000u) tick(0x12345678u + passed);
        SAID("s:a");
        if (i > 0) {
            tick(0x12345678u + 0x7FFFFFFFu);
            SAID("");
            tick(0x12345678u + 0x80000000u);
            SAID("u:a");
        }
    }
    PASS();
}

TEST a_clock_that_steps_back_ends_no_grace(void)
{
    CHECK(begin_captured(CAPTURES));
    CHANGED(NEW, put(NOTE("a", "")));
    OK(hold("a"));
    OK(release("a"));           /* at 1000 */
    SAID("s:a");
    tick(996);
    tick(0xFFFFFFF0u);
    SAID("");
    tick(9000);
    SAID("");
    tick(10100);
    SAID("u:a");
    PASS();
}

TEST time_begins_with_the_first_tick(void)
{
    CHECK(begin_captured(CAPTURES));
    OK(misskey_store_init(&bench.store, &bench.desc));
    CHANGED(NEW, put(NOTE("a", "")));
    OK(hold("a"));
    OK(release("a"));
    misskey_store_tick(&bench.store, 1234567890u);
    SAID("s:a");
    misskey_store_tick(&bench.store, 1234567890u + 9999);
    SAID("");
    misskey_store_tick(&bench.store, 1234567890u + 10000);
    SAID("u:a");
    PASS();
}

SUITE(reactions)
{
    RUN_TEST(forms_of_a_reaction_are_one_key);
    RUN_TEST(new_key_has_the_normal_form);
    RUN_TEST(any_text_can_be_a_reaction);
    RUN_TEST(a_repeat_counts_once);
    RUN_TEST(counts_do_not_go_below_zero);
    RUN_TEST(a_key_with_zero_counts_up);
    RUN_TEST(what_is_not_counted_is_remembered);
    RUN_TEST(reaction_count_follows_where_it_is);
    RUN_TEST(reactions_that_were_missing_begin);
    RUN_TEST(reaction_counts_of_v10);
    RUN_TEST(my_reaction_follows);
    RUN_TEST(nobody_is_me_without_an_id);
    RUN_TEST(pictures_of_other_servers_are_learnt);
    RUN_TEST(who_had_reacted_before_counts_no_more);
    RUN_TEST(the_latest_doings_are_remembered);
}

SUITE(updates)
{
    RUN_TEST(votes_count_once);
    RUN_TEST(choices_that_are_not_there);
    RUN_TEST(choices_of_v10_have_ids);
    RUN_TEST(votes_that_are_no_number_begin_at_one);
    RUN_TEST(my_vote_survives_a_put);
    RUN_TEST(a_note_put_again_after_my_vote_changes_nothing);
    RUN_TEST(choices_that_are_no_objects_stay_as_they_are);
    RUN_TEST(a_deleted_note_is_a_tombstone);
    RUN_TEST(deleted_without_a_date);
    RUN_TEST(made_private_is_deleted);
    RUN_TEST(a_date_that_was_there_already_keeps_the_note);
    RUN_TEST(an_edit_that_says_all);
    RUN_TEST(an_edit_that_does_not_say_what);
    RUN_TEST(an_edit_that_brings_the_whole_note);
    RUN_TEST(other_updates_change_nothing);
}

SUITE(notes)
{
    RUN_TEST(a_note_is_kept_as_it_came);
    RUN_TEST(a_known_note_is_replaced);
    RUN_TEST(of_duplicate_members_the_last_counts);
    RUN_TEST(a_put_does_not_forget_who_reacted);
    RUN_TEST(my_reaction_stays_unless_it_is_said);
    RUN_TEST(what_is_no_note_is_refused);
    RUN_TEST(ids_are_looked_up_decoded);
    RUN_TEST(many_notes_are_all_found);
    RUN_TEST(a_minimized_note_goes_over_a_whole_one);
    RUN_TEST(a_minimized_note_goes_over_another);
    RUN_TEST(a_whole_note_keeps_what_minimized_ones_said);
    RUN_TEST(of_two_whole_notes_the_later_one_wins_whatever_a_minimized_one_said);
    RUN_TEST(counts_of_a_whole_note_replace_what_was_counted_before);
    RUN_TEST(the_note_that_a_renote_repeats_is_put_too);
    RUN_TEST(a_quote_is_no_renote);
    RUN_TEST(a_renote_without_what_it_repeats);
    RUN_TEST(a_renote_of_another_note_than_it_says);
    RUN_TEST(a_renote_of_itself);
    RUN_TEST(a_renote_leaves_a_deleted_note_deleted);
}

SUITE(copies)
{
    RUN_TEST(an_older_copy_takes_no_count_back);
    RUN_TEST(a_copy_that_counts_more_is_newer);
    RUN_TEST(no_copy_brings_a_reaction_again_that_was_taken_back);
    RUN_TEST(an_older_copy_keeps_my_reaction);
    RUN_TEST(an_older_copy_does_not_undo_an_edit);
    RUN_TEST(an_edit_does_not_undo_counts);
    RUN_TEST(what_was_fetched_is_the_truth);
    RUN_TEST(a_fetched_renote_brings_the_truth_of_what_it_repeats);
    RUN_TEST(what_was_fetched_knows_who_looks_at_it);
    RUN_TEST(who_is_named_by_a_copy_counts_when_the_update_comes);
    RUN_TEST(counts_that_began_at_nothing_are_not_lost);
    RUN_TEST(the_truth_is_not_taken_back_by_an_older_copy);
    RUN_TEST(my_vote_comes_with_a_copy);
    RUN_TEST(duplicate_reactions_count_as_they_are_read);
    RUN_TEST(a_null_is_no_deletion);
    RUN_TEST(members_whose_bytes_join_alike_differ);
    RUN_TEST(a_name_with_escapes_is_the_same_name);
    RUN_TEST(a_renoted_id_with_escapes_is_the_same_id);
    RUN_TEST(what_is_a_renote_is_one_question);
}

SUITE(slots)
{
    RUN_TEST(the_note_unused_for_longest_makes_room);
    RUN_TEST(a_renote_is_used_after_what_it_repeats);
    RUN_TEST(a_renote_does_not_push_out_what_it_repeats);
    RUN_TEST(held_notes_stay);
    RUN_TEST(full_when_every_note_is_held);
    RUN_TEST(holding_a_renote_holds_what_it_repeats);
    RUN_TEST(a_note_held_in_two_ways_stays_until_both_are_over);
    RUN_TEST(only_who_holds_a_note_releases_it);
    RUN_TEST(holding_a_renote_does_not_undo_updates);
    RUN_TEST(holding_a_renote_finds_what_came_later);
    RUN_TEST(a_held_renote_holds_what_it_learns_to_repeat);
    RUN_TEST(what_a_held_renote_repeats_has_no_room);
    RUN_TEST(held_as_often_as_can_be_counted);
    RUN_TEST(of_a_large_note_the_store_keeps_what_it_works_with);
    RUN_TEST(each_member_is_reported_as_what_it_stands_for);
    RUN_TEST(members_that_come_first_keep_their_room);
    RUN_TEST(what_fits_is_not_cut);
    RUN_TEST(what_does_not_fit_any_more_is_cut);
    RUN_TESTp(of_too_many_members_some_are_left_out, SIZE);
    RUN_TESTp(of_too_many_members_some_are_left_out, 400000);
    RUN_TEST(a_quote_whose_text_was_cut_is_no_renote);
    RUN_TEST(a_reaction_without_room_is_not_counted);
    RUN_TEST(a_deleted_note_without_room_keeps_its_id);
    RUN_TEST(an_edit_without_room_is_cut);
    RUN_TEST(memory_that_will_not_do);
    RUN_TEST(a_note_size_beyond_all_memory);
    RUN_TEST(more_notes_than_can_be_numbered);
    RUN_TEST(memory_is_used_to_its_last_byte_and_no_further);
    RUN_TEST(one_slot_for_each_note_that_was_paid_for);
    RUN_TEST(memory_for_the_largest_notes);
    RUN_TEST(a_store_can_begin_anew);
}

SUITE(captures)
{
    RUN_TEST(what_is_held_is_captured_once);
    RUN_TEST(a_renote_captures_itself_and_what_it_repeats);
    RUN_TEST(a_held_renote_captures_what_it_learns_to_repeat);
    RUN_TEST(held_again_within_the_grace_nothing_is_sent);
    RUN_TEST(the_grace_begins_anew_with_the_last_release);
    RUN_TEST(graces_end_in_their_order);
    RUN_TEST(waiting_for_the_end_of_a_grace_is_no_use);
    RUN_TEST(the_store_says_when_it_wants_a_tick);
    RUN_TEST(a_grace_of_its_own_length_over_the_wrap_of_time);
    RUN_TEST(old_notes_are_not_captured);
    RUN_TEST(how_old_a_note_may_be);
    RUN_TEST(a_new_renote_of_an_old_note_is_captured);
    RUN_TEST(ids_tell_the_age_of_minimized_notes);
    RUN_TEST(a_full_session_refuses_the_hold);
    RUN_TEST(a_note_that_makes_room_is_released_at_once);
    RUN_TEST(captures_of_the_application_are_its_own);
    RUN_TEST(a_deleted_note_is_released_like_any_other);
    RUN_TEST(without_a_session_nothing_is_captured);
    RUN_TEST(renotes_of_renotes_hold_nothing_for_good);
    RUN_TEST(a_hold_that_is_refused_changes_nothing);
    RUN_TEST(a_view_into_the_store_can_be_put);
    RUN_TEST(a_view_into_the_store_that_repeats_itself);
    RUN_TEST(a_text_keeps_its_id_whatever_does_not_fit);
    RUN_TEST(a_put_that_is_refused_moves_nothing);
    RUN_TEST(the_next_hold_captures_what_had_no_capture);
    RUN_TEST(an_age_beyond_all_numbers);
    RUN_TEST(a_store_that_is_only_zeroed_does_nothing);
    RUN_TEST(a_grace_without_end);
    RUN_TEST(a_clock_that_steps_back_ends_no_grace);
    RUN_TEST(time_begins_with_the_first_tick);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(reactions);
    RUN_SUITE(updates);
    RUN_SUITE(notes);
    RUN_SUITE(copies);
    RUN_SUITE(slots);
    RUN_SUITE(captures);
    GREATEST_MAIN_END();
}
