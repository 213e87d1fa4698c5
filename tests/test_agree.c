/* All paths of the library find the same in every recorded text, in 25000 mutated ones, and in those that the rules of
   misskey_message_read ask for, and what they find is what fuzz/json_reference.h finds, however deep a text is nested;
   tests/check_paths.sh goes further. POSIX: popen, find and gzip. */
#define AGREE_NO_MAIN 1
#include "tools/agree.c"
#include "greatest.h"

TEST recorded_texts_agree(void)
{
    FILE *const all = popen("find tests/recordings -name messages.jsonl -exec cat {} +", "r");
    ASSERT(all != NULL);
    recorded(all);
    pclose(all);
    ASSERT(now.given > 1000);
    PASS();
}

TEST mutated_texts_agree(void)
{
    mutated(25000);
    ASSERT_EQ_FMT(25000ul, (unsigned long)now.mutated, "%lu");
    PASS();
}

/* Where a value can stand that has members to be read along, twice and three times: of duplicates the last counts. ' is
   a quote. */
static const char *const twice[] = {
    "NOTE{'user':A,'id':'1','user':B}", "NOTE{'files':A,'files':B}", "NOTE{'media':A,'id':B}",
    "NOTE{'media':A,'files':B}", "NOTE{'files':A,'media':[{'id':'m'}],'files':B}",
    "NOTE{'poll':A,'poll':B}", "NOTE{'poll':{'choices':A,'id':'1','choices':B}}",
    "NOTE{'poll':{'choices':A},'poll':B}", "NOTE{'files':[{'properties':A,'id':'1','properties':B}]}",
    "NOTE{'files':[{'properties':A},{'id':'1','properties':B},{}]}",
    "NOTE{'files':[{'properties':{'width':A,'height':B}}]}",
    "NOTE{'files':[{'properties':{'id':A},'id':B}]}", "NOTE{'renote':A,'user':B}", "NOTE{'user':{'user':A,'files':B}}",
    "UPDATE{'emoji':A,'reaction':'x','emoji':B}", "NOTE A,'body':B", "NOTE A,'type':'x','body':B,'type':'note'",
    "NOTE A,'type':'x','id':B", "NOTE A,'type':'renote','id':B",
    "NOTE A},'body':{'id':'1','type':'mention','body':B",
    "NOTE A},'type':'noteUpdated','x':{'y':B", "UPDATE A},'type':'channel','x':{'y':B",
    "NOTE A},'type':'channel','body':{'id':'1','body':B",
    "UPDATE{'emoji':{'name':'n','url':'u'},'emoji':A,'emoji':B}",
    "NOTE{'user':{'name':'n','host':'h'},'user':A,'user':B}",
    "NOTE{'files':[{'id':'f','name':'n','properties':{'width':1}}],'files':A,'files':B}",
    "NOTE{'files':[{'properties':{'width':1,'height':2},'properties':A,'properties':B}]}",
    "NOTE{'poll':{'choices':[{'votes':1}],'multiple':true},'poll':A,'poll':B}",
    "NOTE{'poll':{'choices':[{'text':'c','votes':1}],'choices':A,'choices':B}}"
};

/* Of a value: none, empty, another type; with and without the members that are looked for, and too many elements. */
static const char *const contents[] = {
    "null", "''", "1", "{}", "{ }", "[]", "[ ]", "[1,'',null]", "[[{'id':'z'}]]",
    "{'id':'a','name':'x','url':'y','width':1,'multiple':true,'choices':[{'text':'t'},{'votes':1}],'user':{'id':'u'}}",
    "{'host':'b','height':2,'comment':null}", "{'files':[{'id':'c'}],'poll':{'choices':[{'id':1}]},'text':'d'}",
    "[{'id':'e','text':'f','properties':{'width':3}},{},{'votes':4,'url':'g'}]", "[{'name':'h','isVoted':false}]",
    "[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]"
};

static void put_quoted(const char *text) { for (; *text != 0; text++) put_char(*text == '\'' ? '"' : *text); }

static void put_form(const char *form, const char *a, const char *b)
{
    static const char note[] = "NOTE", update[] = "UPDATE";
    const bool is_note = form[0] == 'N';
    out.len = 0;
    put_quoted(is_note ? "{'type':'channel','body':{'id':'1','type':'note','body':"
                       : "{'type':'noteUpdated','body':{'id':'1','type':'reacted','body':");
    for (form += (is_note ? sizeof note : sizeof update) - 1; *form != 0; form++) {
        const char one[2] = { *form, 0 };
        put_quoted(*form == 'A' ? a : *form == 'B' ? b : one);
    }
    put_quoted("}}");
}

TEST texts_with_duplicates_agree(void)
{
    const size_t values = COUNT_OF(contents);
    size_t i;
    for (i = 0; i < COUNT_OF(twice) * values * values; i++) {
        put_form(twice[i / (values * values)], contents[i / values % values], contents[i % values]);
        one_text(out.at, out.len);
    }
    PASS();
}

/* A name that is expected is compared in steps: not beyond the end of a text. */
TEST truncated_names_agree(void)
{
    static const char *const members[] = { MISSKEY_NOTE_FIELDS(NAME, NAME, NAME, NAME, NAME_IN) };
    size_t i, len;
    put_form("NOTE{", "", "");
    out.len -= 2;
    for (i = 0; i < COUNT_OF(members); i++) {
        const size_t begin_of_name = out.len;
        put_quoted(i > 0 ? ",'" : "'");
        put_text(members[i]);
        put_quoted("':123456");
        for (len = out.len; len > begin_of_name && strlen(members[i]) > 8; len--) one_text(out.at, len);
    }
    PASS();
}

/* Is what every path finds in the text in out what the reference finds? */
static bool all_are_right(void)
{
    size_t i;
    out.at[out.len] = 0;
    for (i = 0; i < AGREE_PATH_COUNT; i++) {
        if (paths[i]->is_right(out.at, out.len)) continue;
        printf("%s is wrong about a ", paths[i]->name);
        print_text(out.at, out.len);
        return false;
    }
    return true;
}

/* levels containers, something, and the ends of those containers. */
static void put_inside(uint32_t levels, const char *something)
{
    uint32_t i;
    for (i = 0; i < levels; i++) put_text(i % 3 == 1 ? "{\"a\":" : "[");
    put_text(something);
    while (i-- > 0) put_char(i % 3 == 1 ? '}' : ']');
}

/* Every text of up to five tokens, white space among them: as the innermost value at the limit, where its containers
   have no bits any more, and as far below it as above. */
TEST short_texts_below_the_limit(void)
{
    static const char *const tokens[] = { "", "[", "]", "{", "}", ",", ":", "1", "\"a\"", " " };
    static const uint32_t levels[] = { AGREE_DEPTH, AGREE_DEPTH - 1, 2 * AGREE_DEPTH, 0 };
    char text[64];
    uint32_t which, i, rest;
    for (which = 0; which < 10u * 10 * 10 * 10 * 10; which++) {
        text[0] = 0;
        for (rest = which, i = 0; i < 5; i++, rest /= 10) strcat(text, tokens[rest % 10]);
        out.len = 0;
        put_inside(levels[which % COUNT_OF(levels)], text);
        ASSERT(all_are_right());
    }
    PASS();
}

/* A value with white space at every place where RFC 8259 section 2 allows it, or in some of them. */
static void put_spaced(unsigned depth)
{
    static const char *const white[] = { "", "", "", " ", "\n", "\t ", "\r\n  " };
    const uint32_t kind = depth < 5 ? below(8) : below(2), count = below(4);
    uint32_t i;
    put_text(PICK(white));
    if (kind < 2) put_text(pick(scalars, GOOD_SCALARS));
    else put_char(kind < 5 ? '[' : '{');
    for (i = 0; kind >= 2 && i < count; i++) {
        if (i > 0) put_char(',');
        put_text(PICK(white));
        if (kind >= 5) put_text("\"user\"");
        if (kind >= 5) put_text(PICK(white));
        if (kind >= 5) put_char(':');
        put_spaced(depth + 1);
    }
    if (kind >= 2) put_text(PICK(white));
    if (kind >= 2) put_char(kind < 5 ? ']' : '}');
    put_text(PICK(white));
}

TEST white_space_has_no_influence_at_any_depth(void)
{
    static const char *const forms[][2] = {
        { "", "" }, { "{\"type\":\"channel\",\"body\":{\"id\":\"1\",\"type\":\"note\",\"body\":", "}}" },
        { "{\"body\":{\"body\":{\"user\":", "},\"type\":\"note\"},\"type\":\"channel\"}" },
        { "{\"type\":\"noteUpdated\",\"body\":{\"type\":\"reacted\",\"body\":{\"emoji\":", "}}}" },
        { "{\"type\":\"x\",\"body\":", " }" }, { "{\"a\":", ",\"type\":\"x\"}" }
    };
    const uint64_t given = now.given;
    uint32_t i, n, mix;
    for (i = 0; i < 20000; i++) {
        const uint32_t form = below(COUNT_OF(forms)), levels = below(4) > 0 ? AGREE_DEPTH - 4 + below(8) : below(99);
        out.len = 0;
        mix = bits();
        put_text(forms[form][0]);
        for (n = 0; n < levels; n++) put_text((mix >> n % 31 & 1) != 0 ? "[ " : "{\"user\" :");
        put_spaced(0);
        while (n-- > 0) put_text((mix >> n % 31 & 1) != 0 ? " ]" : "\n}");
        put_text(forms[form][1]);
        if (below(8) == 0) change_bytes();
        ASSERT(all_are_right());
        if (i % 16 == 0) one_text(out.at, out.len);
    }
    ASSERT(now.given > given + 1000);
    PASS();
}

SUITE(agree)
{
    RUN_TEST(recorded_texts_agree);
    RUN_TEST(mutated_texts_agree);
    RUN_TEST(texts_with_duplicates_agree);
    RUN_TEST(truncated_names_agree);
    RUN_TEST(short_texts_below_the_limit);
    RUN_TEST(white_space_has_no_influence_at_any_depth);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    begin(argv[0], 1, 0, 1);
    RUN_SUITE(agree);
    GREATEST_MAIN_END();
}
