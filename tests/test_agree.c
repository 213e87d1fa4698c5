/* All paths of the library find the same in every recorded text, in 25000 mutated ones, and in those that the rules of
   misskey_message_read ask for; tests/check_paths.sh goes further. POSIX: popen, find and gzip. */
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

/* Where a value can stand that has members to be read along, twice: of duplicates the last counts. ' is a quote. */
static const char *const twice[] = {
    "NOTE{'user':A,'id':'1','user':B}", "NOTE{'files':A,'files':B}", "NOTE{'media':A,'id':B}",
    "NOTE{'media':A,'files':B}", "NOTE{'poll':A,'poll':B}", "NOTE{'poll':{'choices':A,'id':'1','choices':B}}",
    "NOTE{'poll':{'choices':A},'poll':B}", "NOTE{'files':[{'properties':A,'id':'1','properties':B}]}",
    "NOTE{'files':[{'properties':A},{'id':'1','properties':B},{}]}",
    "NOTE{'files':[{'properties':{'width':A,'height':B}}]}",
    "NOTE{'files':[{'properties':{'id':A},'id':B}]}", "NOTE{'renote':A,'user':B}", "NOTE{'user':{'user':A,'files':B}}",
    "UPDATE{'emoji':A,'reaction':'x','emoji':B}", "NOTE A,'body':B", "NOTE A,'type':'x','body':B,'type':'note'",
    "NOTE A,'type':'x','id':B", "NOTE A,'type':'renote','id':B",
    "NOTE A},'body':{'id':'1','type':'mention','body':B",
    "NOTE A},'type':'noteUpdated','x':{'y':B", "UPDATE A},'type':'channel','x':{'y':B",
    "NOTE A},'type':'channel','body':{'id':'1','body':B"
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

SUITE(agree)
{
    RUN_TEST(recorded_texts_agree);
    RUN_TEST(mutated_texts_agree);
    RUN_TEST(texts_with_duplicates_agree);
    RUN_TEST(truncated_names_agree);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    begin(argv[0], 1, 0, 1);
    RUN_SUITE(agree);
    GREATEST_MAIN_END();
}
