/* world.h - a small Misskey that lives by itself, for misskey-serve: people post, react, vote, follow and delete
   What to copy: what the JSON of notes, notifications and note updates looks like. The same seed gives the same story.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef WORLD_H
#define WORLD_H
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WORLD_LOCAL = 5,             /* users 1 to 5 are of this server */
       WORLD_NOTES = 16, WORLD_USERS = 8, WORLD_YOU = 0, WORLD_NOTE_SIZE = 4096, WORLD_BODY_SIZE = 16384 };

typedef struct world_user { const char *id, *name, *username, *host; bool cat, followed; } world_user;

static const world_user world_users[WORLD_USERS] = {
    { "a0000000000you00", "You", "you", NULL, false, true },    /* whoever comes with a token */
    { "a000000000aoi001", "あおい", "aoi", NULL, true, true },
    { "a000000000ren002", "Ren 🦊", "ren", NULL, false, true },
    { "a000000000mei003", "めい:blobcat:", "mei", NULL, true, false },
    { "a00000000sora004", "そら ☁️", "sora", NULL, false, true },
    { "a0000000minato05", "みなと", "minato", NULL, false, false },
    { "a00000000lena006", "Lena 👩‍🚀", "lena", "remote.example", false, true },
    { "a0000000yuzuki07", "ゆずき", "yuzuki", "みすきー.example", true, false }
};

static const char *const world_texts[] = {
    "おはよう！今日もいい天気 ☀️",
    "電車が遅れているので、しばらくTLを眺めています",
    "ラーメン食べたい。味噌バターコーン 🍜",
    "猫が膝から降りてくれない :blobcat:",
    "コンパイルが通った！ #進捗",
    "Hello from the other side of the federation 👋",
    "**大事なこと**なので2回言います\\n**大事なこと**",
    "深夜のコンビニ、肉まんの誘惑に勝てない",
    "Does anyone else debug with printf?",
    "@you 元気？",
    "「吾輩は猫である。名前はまだ無い。」",
    "👨‍👩‍👧‍👦 家族でお出かけ",
    "$[tada 🎉] 1000ノート達成しました",
    "積ん読が増える一方です #読書",
    "雨の日は読書に限る ☔",
    "今日の進捗: ありません",
    "@you これ見た？ https://misskey.example/notes/1",
    "珈琲を淹れました ☕"
};
static const char *const world_reactions[] = {
    "👍", "❤", "😆", "🎉", "🍮", ":blobcat@.:", ":neko@remote.example:"
};
enum { WORLD_TEXTS = sizeof world_texts / sizeof world_texts[0],
       WORLD_REACTIONS = sizeof world_reactions / sizeof world_reactions[0] };

typedef struct world_note {
    char id[20], json[WORLD_NOTE_SIZE]; /* json: the members of the note without the note that it renotes or answers */
    uint32_t author;
    uint32_t choices;                   /* of its poll, 0 = none */
    uint8_t reactions[WORLD_USERS];     /* of each user, + 1 */
    bool voted[WORLD_USERS], deleted, pure;
} world_note;

typedef enum world_kind {
    WORLD_NOTE,         /* event of timelines */
    WORLD_UPDATE,       /* noteUpdated: id */
    WORLD_MAIN,         /* event of the channel main */
    WORLD_STATS,        /* event of the channel serverStats */
    WORLD_BROADCAST     /* message to everybody */
} world_kind;

/* What happens. */
typedef struct world_act {
    world_kind kind;
    const char *event, *id;
    const world_user *author;
    const char *body;
} world_act;

typedef struct world {
    world_note notes[WORLD_NOTES];
    uint32_t num, rng, serial;          /* num: notes ever posted */
    int64_t ms;                         /* since 1970 */
    world_act acts[4];                  /* what has not been told yet */
    uint32_t num_acts;
    char body[WORLD_BODY_SIZE], other[WORLD_BODY_SIZE];
} world;

static uint32_t world_random(world *w, uint32_t below)
{
    w->rng ^= w->rng << 13;
    w->rng ^= w->rng >> 17;
    w->rng ^= w->rng << 5;
    return (w->rng >> 8) % below;
}

static void world_init(world *w, uint32_t seed, int64_t ms)
{
    memset(w, 0, sizeof *w);
    w->rng = seed * 2654435769u | 1u;
    w->ms = ms;
}

/* An id of the kind aidx: 8 characters of time since 2000, 4 of the server, 4 of a counter. */
static void world_id(world *w, char id[20])
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    int64_t t = w->ms - INT64_C(946684800000);
    uint32_t n = w->serial++;
    int i;
    memcpy(id, "00000000demo0000", 17);
    for (i = 8; i-- > 0; t /= 36) id[i] = digits[t % 36];
    for (i = 16; i-- > 12; n /= 36) id[i] = digits[n % 36];
}

static void world_time(const world *w, char text[32])
{
    const time_t seconds = (time_t)(w->ms / 1000);
    struct tm *const tm = gmtime(&seconds);
    const size_t n = tm == NULL ? 0 : strftime(text, 20, "%Y-%m-%dT%H:%M:%S", tm);
    (void)snprintf(text + n, 32 - n, ".%03dZ", (int)(w->ms % 1000));
}

/* Appends to dst; what does not fit is a mistake in this file, and the JSON is refused where it is sent. */
static void world_put(char *dst, size_t size, const char *format, ...)
{
    const size_t len = strlen(dst);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(dst + len, size - len, format, args);
    va_end(args);
}

static void world_put_user(char *dst, size_t size, const world_user *u)
{
    world_put(dst, size, "{\"id\":\"%s\",\"name\":\"%s\",\"username\":\"%s\",\"host\":", u->id, u->name, u->username);
    world_put(dst, size, u->host != NULL ? "\"%s\"" : "null", u->host);
    world_put(dst, size, ",\"avatarUrl\":\"https://misskey.example/identicon/%s\",\"avatarBlurhash\":null,"
              "\"avatarDecorations\":[],\"isBot\":false,\"isCat\":%s,\"emojis\":{},\"onlineStatus\":\"online\","
              "\"badgeRoles\":[]}", u->username, u->cat ? "true" : "false");
}

static void world_put_file(char *dst, size_t size, const world_user *u, const char *id, const char *created)
{
    world_put(dst, size, "{\"id\":\"%s\",\"createdAt\":\"%s\",\"name\":\"neko.png\",\"type\":\"image/png\","
              "\"md5\":\"d41d8cd98f00b204e9800998ecf8427e\",\"size\":%u,\"isSensitive\":false,\"blurhash\":null,"
              "\"properties\":{\"width\":640,\"height\":480},\"url\":\"https://misskey.example/files/%s\","
              "\"thumbnailUrl\":\"https://misskey.example/files/%s-thumbnail\",\"comment\":\"猫の写真\","
              "\"folderId\":null,\"folder\":null,\"userId\":\"%s\",\"user\":null}", id, created, 3234u, id, id, u->id);
}

static void world_tell(world *w, world_kind kind, const char *event, const char *id, uint32_t user, const char *body)
{
    world_act *const a = &w->acts[w->num_acts++];
    a->kind = kind;
    a->event = event;
    a->id = id;
    a->author = &world_users[user];
    a->body = body;
}

/* --- what can happen; strings are the inside of JSON strings --- */

/* A notification of this type; note: JSON of a note, or NULL. */
static void world_notify(world *w, const char *type, uint32_t user, const char *reaction, const char *note)
{
    char id[20], created[32];
    char *const j = w->other;
    world_id(w, id);
    world_time(w, created);
    j[0] = '\0';
    world_put(j, WORLD_BODY_SIZE, "{\"id\":\"%s\",\"createdAt\":\"%s\",\"type\":\"%s\",\"userId\":\"%s\",\"user\":", id,
              created, type, world_users[user].id);
    world_put_user(j, WORLD_BODY_SIZE, &world_users[user]);
    if (note != NULL) world_put(j, WORLD_BODY_SIZE, ",\"note\":%s", note);
    if (reaction != NULL) world_put(j, WORLD_BODY_SIZE, ",\"reaction\":\"%s\"", reaction);
    world_put(j, WORLD_BODY_SIZE, "}");
    world_tell(w, WORLD_MAIN, "notification", "", user, j);
    world_tell(w, WORLD_MAIN, "unreadNotification", "", user, j);
}

typedef struct world_draft {
    const char *text, *cw;              /* NULL = none */
    bool file, poll;
    const world_note *reply, *renote;   /* not in the ring: the new note may take their place */
} world_draft;

static void world_write(world *w, world_note *n, const world_draft *d)
{
    const world_user *const u = &world_users[n->author];
    char created[32], id[20];
    char *const j = n->json;
    enum { SIZE = sizeof n->json };
    world_time(w, created);
    world_put(j, SIZE, "\"id\":\"%s\",\"createdAt\":\"%s\",\"userId\":\"%s\",\"user\":", n->id, created, u->id);
    world_put_user(j, SIZE, u);
    world_put(j, SIZE, d->text != NULL ? ",\"text\":\"%s\"" : ",\"text\":null", d->text);
    world_put(j, SIZE, d->cw != NULL ? ",\"cw\":\"%s\"" : ",\"cw\":null", d->cw);
    world_put(j, SIZE, ",\"visibility\":\"public\",\"localOnly\":false,\"reactionAcceptance\":null,\"renoteCount\":0,"
              "\"repliesCount\":0,\"reactionCount\":0,\"reactions\":{},\"reactionEmojis\":{}");
    world_id(w, id);
    world_put(j, SIZE, d->file ? ",\"fileIds\":[\"%s\"],\"files\":[" : ",\"fileIds\":[],\"files\":[", id);
    if (d->file) world_put_file(j, SIZE, u, id, created);
    world_put(j, SIZE, d->reply != NULL ? "],\"replyId\":\"%s\"" : "],\"replyId\":null",
              d->reply != NULL ? d->reply->id : "");
    world_put(j, SIZE, d->renote != NULL ? ",\"renoteId\":\"%s\"" : ",\"renoteId\":null",
              d->renote != NULL ? d->renote->id : "");
    if (d->text != NULL && strstr(d->text, "@you") != NULL)
        world_put(j, SIZE, ",\"mentions\":[\"%s\"]", world_users[WORLD_YOU].id);
    if (!d->poll) return;
    n->choices = 3;
    world_put(j, SIZE, ",\"poll\":{\"multiple\":false,\"expiresAt\":null,\"choices\":["
              "{\"text\":\"きのこ 🍄\",\"votes\":0,\"isVoted\":false},"
              "{\"text\":\"たけのこ 🎋\",\"votes\":0,\"isVoted\":false},"
              "{\"text\":\"どちらも\",\"votes\":0,\"isVoted\":false}]}");
}

static const world_note *world_post(world *w, uint32_t author, const world_draft *d)
{
    world_note *const n = &w->notes[w->num++ % WORLD_NOTES];
    const bool mention = d->text != NULL && strstr(d->text, "@you") != NULL && author != WORLD_YOU;
    memset(n, 0, sizeof *n);
    n->author = author;
    n->pure = d->text == NULL;
    world_id(w, n->id);
    world_write(w, n, d);
    w->body[0] = '\0';
    world_put(w->body, WORLD_BODY_SIZE, "{%s", n->json);
    if (d->reply != NULL) world_put(w->body, WORLD_BODY_SIZE, ",\"reply\":{%s}", d->reply->json);
    if (d->renote != NULL) world_put(w->body, WORLD_BODY_SIZE, ",\"renote\":{%s}", d->renote->json);
    world_put(w->body, WORLD_BODY_SIZE, "}");
    world_tell(w, WORLD_NOTE, "note", n->id, author, w->body);
    if (!mention && (d->reply == NULL || d->reply->author != WORLD_YOU || author == WORLD_YOU)) return n;
    world_tell(w, WORLD_MAIN, mention ? "mention" : "reply", n->id, author, w->body);
    world_notify(w, mention ? "mention" : "reply", author, NULL, w->body);
    return n;
}

/* A reaction comes (on) or goes. */
static void world_react(world *w, const world_note *n, uint32_t user, const char *reaction, bool on)
{
    char note[WORLD_NOTE_SIZE + 4];
    w->body[0] = '\0';
    world_put(w->body, WORLD_BODY_SIZE, "{\"reaction\":\"%s\",", reaction);
    if (on && reaction[0] == ':') {
        world_put(w->body, WORLD_BODY_SIZE, "\"emoji\":{\"name\":\"%.*s\","
                  "\"url\":\"https://misskey.example/neko.webp\"},", (int)strlen(reaction) - 2, reaction + 1);
    } else if (on) {
        world_put(w->body, WORLD_BODY_SIZE, "\"emoji\":null,");
    }
    world_put(w->body, WORLD_BODY_SIZE, "\"userId\":\"%s\"}", world_users[user].id);
    world_tell(w, WORLD_UPDATE, on ? "reacted" : "unreacted", n->id, user, w->body);
    if (!on || n->author != WORLD_YOU || user == WORLD_YOU) return;
    (void)snprintf(note, sizeof note, "{%s}", n->json);
    world_notify(w, "reaction", user, reaction, note);
}

static void world_vote(world *w, const world_note *n, uint32_t user, uint32_t choice)
{
    (void)snprintf(w->body, sizeof w->body, "{\"choice\":%u,\"userId\":\"%s\"}", (unsigned)choice,
                   world_users[user].id);
    world_tell(w, WORLD_UPDATE, "pollVoted", n->id, user, w->body);
}

static void world_delete(world *w, const world_note *n)
{
    char created[32];
    world_time(w, created);
    (void)snprintf(w->body, sizeof w->body, "{\"deletedAt\":\"%s\"}", created);
    world_tell(w, WORLD_UPDATE, "deleted", n->id, n->author, w->body);
}

/* --- what does happen --- */

/* A note that is still there, one of the last few; NULL: there is none. */
static world_note *world_pick(world *w, bool with_text)
{
    const uint32_t known = w->num < WORLD_NOTES ? w->num : WORLD_NOTES;
    world_note *n;
    if (known == 0) return NULL;
    n = &w->notes[(w->num - 1 - world_random(w, known < 6 ? known : 6)) % WORLD_NOTES];
    return n->deleted || (with_text && n->pure) ? NULL : n;
}

static void world_someone_posts(world *w)
{
    static const char *const warnings[] = { "ネタバレ注意", "飯テロ 🍣", "long text" };
    static world_note kept;
    const uint32_t author = world_random(w, WORLD_USERS), form = world_random(w, 12);
    const world_note *const other = form < 4 ? world_pick(w, true) : NULL;
    world_draft d = { 0 };
    if (other != NULL) kept = *other;
    d.text = form < 2 && other != NULL ? NULL : world_texts[world_random(w, WORLD_TEXTS)];
    d.renote = form != 2 && other != NULL ? &kept : NULL;
    d.reply = form == 2 && other != NULL ? &kept : NULL;
    d.cw = form == 4 ? warnings[world_random(w, 3)] : NULL;
    d.file = form == 5;
    d.poll = form == 6;
    (void)world_post(w, author, &d);
}

static void world_someone_reacts(world *w, world_note *n)
{
    const uint32_t user = world_random(w, WORLD_USERS), which = world_random(w, WORLD_REACTIONS);
    const bool on = n->reactions[user] == 0;
    world_react(w, n, user, world_reactions[on ? which : n->reactions[user] - 1u], on);
    n->reactions[user] = (uint8_t)(on ? which + 1 : 0);
}

static void world_something_else(world *w, world_note *n)
{
    const uint32_t user = 1 + world_random(w, WORLD_USERS - 1);
    w->body[0] = '\0';
    switch (world_random(w, 4)) {
    case 0:
        n->deleted = true;
        world_delete(w, n);
        break;
    case 1:
        world_put_user(w->body, WORLD_BODY_SIZE, &world_users[user]);
        world_tell(w, WORLD_MAIN, "followed", "", user, w->body);
        world_notify(w, "follow", user, NULL, NULL);
        break;
    case 2:
        world_put(w->body, WORLD_BODY_SIZE, "{\"emoji\":{\"aliases\":[\"ねこ\"],\"name\":\"cat_%u\","
                  "\"category\":null,\"url\":\"https://misskey.example/neko.webp\"}}", (unsigned)w->serial++);
        world_tell(w, WORLD_BROADCAST, "emojiAdded", "", user, w->body);
        break;
    default:
        world_put(w->body, WORLD_BODY_SIZE, "{\"cpu\":0.%02u,\"mem\":{\"used\":812646400,\"active\":653312000},"
                  "\"net\":{\"rx\":%u,\"tx\":%u},\"fs\":{\"r\":0,\"w\":%u}}", (unsigned)world_random(w, 100),
                  (unsigned)world_random(w, 99999), (unsigned)world_random(w, 99999), (unsigned)world_random(w, 50));
        world_tell(w, WORLD_STATS, "stats", "", user, w->body);
    }
}

/* What happens next: acts[0 .. num_acts). Returns how many milliseconds later the next call is due. */
static uint32_t world_next(world *w)
{
    const uint32_t what = world_random(w, 100), gap = 100 + world_random(w, 500), user = world_random(w, WORLD_USERS);
    world_note *const n = world_pick(w, true);
    w->num_acts = 0;
    w->ms += gap;
    if (what < 45 || n == NULL) {
        world_someone_posts(w);
    } else if (what < 85 && (n->choices == 0 || what < 60)) {
        world_someone_reacts(w, n);
    } else if (what < 85) {
        if (!n->voted[user]) world_vote(w, n, user, world_random(w, n->choices));
        n->voted[user] = true;
    } else {
        world_something_else(w, n);
    }
    return gap;
}

#endif /* WORLD_H */
