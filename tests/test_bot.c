/* examples/bot.c: whom it answers, and that nobody's answers are answered for ever. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
static char posted[20000];
static int answers;
#define main bot_main
#define printf(...) ((void)snprintf(posted, sizeof posted, __VA_ARGS__), (void)answers++)
#include "../examples/bot.c"
#undef main
#undef printf
#include "greatest.h"

/* JSON with ' for ". True: it was answered. */
static bool answered(const char *text)
{
    static char json[20000];
    const int before = answers;
    char *p;
    snprintf(json, sizeof json, "%s", text);
    for (p = json; *p != '\0'; p++) if (*p == '\'') *p = '"';
    posted[0] = '\0';
    answer(misskey_json_text(json));
    return answers > before;
}

#define BY "'user':{'id':'p','username':'person','host':null,'isBot':false}"

TEST people_are_answered(void)
{
    ASSERT(answered("{'id':'9a','userId':'p','text':'@you hi','visibility':'home','mentions':['me'],'replyId':null,"
                    BY "}"));
    ASSERT_STR_EQ("{\"replyId\":\"9a\",\"visibility\":\"home\",\"text\":\"@person You said: @\xE2\x80\x8Byou hi\"}"
                  "\n", posted);
    ASSERT(answered("{'id':'9a','text':'hi','visibility':'public',"
                    "'user':{'id':'p','username':'a','host':'b.example'}}"));
    ASSERT(strstr(posted, "\"text\":\"@a@b.example You said: hi\"") != NULL);
    ASSERT(answered("{'id':'9a','text':null,'visibility':'public','isBot':true," BY "}"));
    PASS();
}

TEST bots_and_itself_are_not(void)
{
    static const char *const notes[] = {
        "{'id':'9a','text':'@you','visibility':'public','user':{'id':'b','username':'other','host':null,'isBot':true}}",
        "{'id':'9a','text':'@you','visibility':'public','isBot':false,'user':{'isBot':true,'id':'b','username':'x'}}",
        "{'id':'9a','userId':'me','text':'@you','visibility':'public','mentions':['me'],"
        "'user':{'id':'me','username':'you'}}",
        "{'id':'9a','text':'@you hi','visibility':'public','mentions':['x','me'],'user':{'id':'me','username':'you'}}",
        "{'id':'9a','userId':'p','text':'@you hi','visibility':'public','mentions':['me'],'replyId':'99'," BY "}",
        "{'id':'9a','text':'@you hi','visibility':'public'}", "{'id':'9a','text':'hi','user':5}", "[]", "5", "",
    };
    size_t i;
    for (i = 0; i < sizeof notes / sizeof notes[0]; i++) ASSERT_FALSEm(notes[i], answered(notes[i]));
    PASS();
}

/* Only who asked is mentioned by the answer: no @ of the question is left, and it is no longer than a note may be. */
TEST an_answer_mentions_one_user(void)
{
    char note[8000] = "{'id':'9a','visibility':'public','text':'";
    const char *p;
    size_t i, mentions = 0;
    for (i = 0; i < 3000; i++) strcat(note, i % 3 == 0 ? "@" : "b");
    strcat(note, "'," BY "}");
    ASSERT(answered(note));
    for (p = posted; (p = strchr(p, '@')) != NULL; p++) mentions += strncmp(p, "@\xE2\x80\x8B", 4) != 0;
    ASSERT_EQ(1, mentions);
    ASSERT(strlen(posted) < 3000);
    PASS();
}

/* What the server makes of an answer, for whoever it reaches: this bot, or another one of its kind. */
TEST answers_are_not_answered(void)
{
    char note[20200];
    const char *text;
    ASSERT(answered("{'id':'9a','userId':'p','text':'@you @other hi','visibility':'public',"
                    "'mentions':['me','other']," BY "}"));
    text = strstr(posted, "\"text\"");
    ASSERT(text != NULL);
    posted[strcspn(posted, "\n")] = '\0';
    snprintf(note, sizeof note, "{'id':'9b','userId':'other','replyId':'9a','visibility':'public',"
             "'mentions':['p','me'],"
             "'user':{'id':'other','username':'other','isBot':false},%s", text);
    ASSERT_FALSE(answered(note));
    PASS();
}

SUITE(people)
{
    RUN_TEST(people_are_answered);
    RUN_TEST(bots_and_itself_are_not);
    RUN_TEST(an_answer_mentions_one_user);
    RUN_TEST(answers_are_not_answered);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(people);
    GREATEST_MAIN_END();
}
