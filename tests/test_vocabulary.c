/* The section vocabulary: the lists against what the protocol pages state, in both directions, and the look-ups. The
   pages are read as tests/tools/vocabulary.awk extracts them: tests/golden/vocabulary.txt, or the file that VOCABULARY
   in the environment names. check_vocabulary.sh runs this with every option that leaves vocabulary out. */
#include "../misskey_stream.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])

/* ---- the lists as tables: in front of greatest.h, whose TEST is the name of a notification ---- */

enum list { NOW, OLD, FORK };

struct row {
    enum list list;
    int value;                  /* enumerator: of the row, or what the row is about */
    const char *name;           /* on the wire */
    const char *first, *last;
    const char *group;          /* of events */
    const char *form;           /* of the body; permission, kind, need, member */
    bool seen, stated;          /* a line of the extract says it; a line says what the body is */
};

struct table { const char *what; struct row *rows; size_t num; };

static bool present(enum list list)
{
    return !(list == OLD && MISSKEY_NO_HISTORIC) && !(list == FORK && MISSKEY_NO_FORKS);
}

static struct { bool credential, releases; misskey_share share; } attributes[] = {
#define CHANNEL(kind, name, credential, share, releases, ...) { credential, releases, MISSKEY_SHARE_##share },
    MISSKEY_CHANNEL_LIST(CHANNEL, CHANNEL, CHANNEL)
#undef CHANNEL
};

#define ROW(list, value, name, first, last, group, form) { list, value, name, first, last, group, form, false, false },

#define CHANNEL(list, kind, name, credential, share, releases, permission, events, first, last) \
    ROW(list, MISSKEY_CHANNEL_##kind, name, first, last, #events, permission)
#define CHANNEL_NOW(...) CHANNEL(NOW, __VA_ARGS__)
#define CHANNEL_OLD(...) CHANNEL(OLD, __VA_ARGS__)
#define CHANNEL_FORK(...) CHANNEL(FORK, __VA_ARGS__)
static struct row channels[] = { MISSKEY_CHANNEL_LIST(CHANNEL_NOW, CHANNEL_OLD, CHANNEL_FORK) };

#define EVENT(list, event, name) ROW(list, MISSKEY_CHANNEL_EVENT_##event, name, "", "", "", "")
#define EVENT_NOW(...) EVENT(NOW, __VA_ARGS__)
#define EVENT_OLD(...) EVENT(OLD, __VA_ARGS__)
#define EVENT_FORK(...) EVENT(FORK, __VA_ARGS__)
static struct row events[] = { MISSKEY_CHANNEL_EVENT_LIST(EVENT_NOW, EVENT_OLD, EVENT_FORK) };

#define BODY(list, group, event, body, first, last) \
    ROW(list, MISSKEY_CHANNEL_EVENT_##event, #event, first, last, #group, #body)
#define BODY_NOW(...) BODY(NOW, __VA_ARGS__)
#define BODY_OLD(...) BODY(OLD, __VA_ARGS__)
#define BODY_FORK(...) BODY(FORK, __VA_ARGS__)
static struct row bodies[] = { MISSKEY_CHANNEL_BODY_LIST(BODY_NOW, BODY_OLD, BODY_FORK) };

#define UPDATE(list, update, name, first, last) ROW(list, MISSKEY_NOTE_UPDATE_##update, name, first, last, "", "")
#define UPDATE_NOW(...) UPDATE(NOW, __VA_ARGS__)
#define UPDATE_OLD(...) UPDATE(OLD, __VA_ARGS__)
#define UPDATE_FORK(...) UPDATE(FORK, __VA_ARGS__)
static struct row updates[] = { MISSKEY_NOTE_UPDATE_LIST(UPDATE_NOW, UPDATE_OLD, UPDATE_FORK) };

#define NOTIFICATION(list, type, name, first, last) \
    ROW(list, MISSKEY_NOTIFICATION_##type, name, first, last, "", "")
#define NOTIFICATION_NOW(...) NOTIFICATION(NOW, __VA_ARGS__)
#define NOTIFICATION_OLD(...) NOTIFICATION(OLD, __VA_ARGS__)
#define NOTIFICATION_FORK(...) NOTIFICATION(FORK, __VA_ARGS__)
static struct row notifications[] = {
    MISSKEY_NOTIFICATION_LIST(NOTIFICATION_NOW, NOTIFICATION_OLD, NOTIFICATION_FORK)
};

#define OPERATION(list, operation, name, group, first, last) \
    ROW(list, MISSKEY_OPERATION_##operation, name, first, last, #group, "")
#define OPERATION_NOW(...) OPERATION(NOW, __VA_ARGS__)
#define OPERATION_OLD(...) OPERATION(OLD, __VA_ARGS__)
#define OPERATION_FORK(...) OPERATION(FORK, __VA_ARGS__)
static struct row operations[] = { MISSKEY_OPERATION_LIST(OPERATION_NOW, OPERATION_OLD, OPERATION_FORK) };

#define PART(list, operation, part, need, name) ROW(list, MISSKEY_OPERATION_##operation, name, "", "", #need, #part)
#define PART_NOW(...) PART(NOW, __VA_ARGS__)
#define PART_OLD(...) PART(OLD, __VA_ARGS__)
#define PART_FORK(...) PART(FORK, __VA_ARGS__)
static struct row parts[] = { MISSKEY_BODY_PART_LIST(PART_NOW, PART_OLD, PART_FORK) };

/* A parameter: first is the default. Of a channel: the name is that of the member. */
#define PARAM(list, kind, member, name, unless) ROW(list, 0, name, unless, "", #member, #kind)
#define PARAM_NOW(...) PARAM(NOW, __VA_ARGS__)
#define PARAM_OLD(...) PARAM(OLD, __VA_ARGS__)
#define PARAM_FORK(...) PARAM(FORK, __VA_ARGS__)
static struct row params[] = { MISSKEY_PARAM_LIST(PARAM_NOW, PARAM_OLD, PARAM_FORK) };

#define TAKES(list, channel, member, need, first, last) \
    ROW(list, MISSKEY_CHANNEL_##channel, #member, first, last, #channel, #need)
#define TAKES_NOW(...) TAKES(NOW, __VA_ARGS__)
#define TAKES_OLD(...) TAKES(OLD, __VA_ARGS__)
#define TAKES_FORK(...) TAKES(FORK, __VA_ARGS__)
static struct row channel_params[] = { MISSKEY_CHANNEL_PARAM_LIST(TAKES_NOW, TAKES_OLD, TAKES_FORK) };

struct field { const char *kind, *name; };

#define NO_FIELD(kind, member, outer, name)
#define FIELD(kind, member, name) { #kind, name },
#define X(entity, NAME) \
    static const struct field fields_of_##entity[] = { MISSKEY_##NAME##_FIELDS(FIELD, FIELD, FIELD, FIELD, NO_FIELD) };
MISSKEY_ENTITY_LIST(X)
#undef X
#define X(entity, NAME) { #NAME, fields_of_##entity, COUNT(fields_of_##entity) },
static const struct entity { const char *list; const struct field *fields; size_t num; } entities[] = {
    MISSKEY_ENTITY_LIST(X)
};
#undef X

#include "greatest.h"

static int find_channel(misskey_jstr name) { return (int)misskey_channel_find(name); }
static int find_event(misskey_jstr name) { return (int)misskey_channel_event_find(name); }
static int find_update(misskey_jstr name) { return (int)misskey_note_update_find(name); }
static int find_notification(misskey_jstr name) { return (int)misskey_notification_find(name); }
static int find_operation(misskey_jstr name) { return (int)misskey_operation_find(name); }

enum { CHANNELS, EVENTS, UPDATES, NOTIFICATIONS, OPERATIONS, VOCABULARIES };

static const struct vocabulary { struct table t; int (*find)(misskey_jstr name); int other; } vocabularies[] = {
    { { "channel", channels, COUNT(channels) }, find_channel, MISSKEY_CHANNEL_OTHER },
    { { "event", events, COUNT(events) }, find_event, MISSKEY_CHANNEL_EVENT_OTHER },
    { { "update", updates, COUNT(updates) }, find_update, MISSKEY_NOTE_UPDATE_OTHER },
    { { "notification", notifications, COUNT(notifications) }, find_notification, MISSKEY_NOTIFICATION_OTHER },
    { { "operation", operations, COUNT(operations) }, find_operation, MISSKEY_OPERATION_OTHER }
};

static struct row *row_of(struct table t, const char *name)
{
    size_t i;
    for (i = 0; i < t.num; i++) if (strcmp(t.rows[i].name, name) == 0) return &t.rows[i];
    return NULL;
}

static struct row *notification_of(const char *name)
{
    return row_of(vocabularies[NOTIFICATIONS].t, strcmp(name, "poll_vote") == 0 ? "pollVote" : name);
}

static struct row *param_of(const char *member)
{
    size_t i;
    for (i = 0; i < COUNT(params); i++) if (strcmp(params[i].group, member) == 0) return &params[i];
    return NULL;
}

/* ---- versions ---- */

static bool is_version(const char *s) { return *s >= '0' && *s <= '9' && strspn(s, "0123456789.") == strlen(s); }

static int compare_versions(const char *a, const char *b)
{
    char *a_end, *b_end;
    for (;; a = a_end + 1, b = b_end + 1) {
        const unsigned long x = strtoul(a, &a_end, 10), y = strtoul(b, &b_end, 10);
        if (x != y) return x < y ? -1 : 1;
        if (*a_end == 0 || *b_end == 0) return (*a_end != 0) - (*b_end != 0);
    }
}

/* "" is a version that has not come. */
static const char *earlier(const char *a, const char *b)
{
    if (*a == 0 || *b == 0) return *a == 0 ? b : a;
    return compare_versions(a, b) < 0 ? a : b;
}

/* Are all of these forks ("nekomiya v12, nexkey", "CherryPick / yojo-art 2026") in the text? */
static bool names_owners(const char *text, const char *owners)
{
    char owner[40];
    while (*owners != 0) {
        size_t n = strcspn(owners, " ,/");
        if (n > 0 && *owners >= 'A') {
            snprintf(owner, sizeof owner, "%.*s", (int)n, owners);
            if (strstr(text, owner) == NULL) return false;
            n += strcspn(owners + n, ",/");
        }
        owners += n + (owners[n] != 0);
    }
    return true;
}

/* first and last are what the page says of the row; channel, which may be NULL, limits them. Marks the row as seen if
   the page says exactly what it says. */
static const char *check_versions(struct row *r, const struct row *channel, const char *first, const char *last)
{
    const char *since = r->first, *until = r->last;
    if (strcmp(last, "-") == 0) return NULL;
    if (strcmp(last, "fork") == 0) {
        if (r->list != FORK) return NULL; /* a fork has it as well */
        if (!names_owners(r->first, first)) return "the row does not name that fork";
        r->seen = true;
        return NULL;
    }
    if (r->list == FORK) return strcmp(r->name, "updated") == 0 ? NULL : "the row is one of forks";
    if (strcmp(last, "now") == 0) last = "";
    if (channel != NULL && compare_versions(since, channel->first) < 0) since = channel->first;
    if (channel != NULL) until = earlier(until, channel->last);
    if (strcmp(since, first) != 0) return "the row has another first version";
    if (strcmp(until, last) != 0) return "the row has another last version";
    r->seen |= strcmp(r->first, first) == 0 && strcmp(r->last, last) == 0;
    return NULL;
}

/* ---- bodies ---- */

/* One of "name?: type, name, ..." in front of } or the end. Moves *s behind it; false at the end. */
static bool next_member(const char **s, char name[64], char type[200])
{
    const char *p = *s + strspn(*s, " ,");
    const size_t len = strcspn(p, "?:,}");
    int depth = 0;
    size_t n = 0;
    if (len == 0) return false;
    snprintf(name, 64, "%.*s", (int)len, p);
    p += len + (p[len] == '?');
    p += strspn(p, ": ");
    for (; *p != 0 && !(depth == 0 && (*p == ',' || *p == '}')); p++) {
        depth += (*p == '{') - (*p == '}');
        if (n + 1 < 200) type[n++] = *p;
    }
    type[n] = 0;
    *s = p;
    return true;
}

static bool begins(const char *s, const char *with) { return strncmp(s, with, strlen(with)) == 0; }

static bool fits_field(const char *type, const char *kind)
{
    if (*type == 0) return true;
    if (begins(type, "str") || *type == '"') return strcmp(kind, "STR") == 0;
    if (begins(type, "bool") || begins(type, "true")) return strcmp(kind, "BOOL") == 0;
    if (begins(type, "num")) return strcmp(kind, "INT") == 0 || strcmp(kind, "DEC") == 0;
    if (begins(type, "any")) return strcmp(kind, "JSON") == 0;
    return strcmp(kind, begins(type, "arr") || strstr(type, "[]") != NULL ? "ARR" : "OBJ") == 0 ||
           strcmp(kind, "LIST") == 0;
}

static const struct entity *entity_of(const char *list)
{
    size_t i;
    for (i = 0; i < COUNT(entities); i++) if (strcmp(entities[i].list, list) == 0) return &entities[i];
    return NULL;
}

static const char *check_field(const struct entity *e, const char *name, const char *type)
{
    size_t i;
    const char *problem = "no reader has this member";
    for (i = 0; i < e->num; i++) {
        if (strcmp(e->fields[i].name, name) != 0) continue;
        if (fits_field(type, e->fields[i].kind)) return NULL;
        problem = "the reader takes this member for another type";
    }
    return problem;
}

/* Every member of "{name: type, ...}", or of that without braces, is one that the entity has. */
static const char *check_members(const struct entity *e, const char *stated)
{
    char name[64], type[200];
    const char *problem = NULL;
    if (strcmp(stated, "-") == 0) return NULL;
    stated += strspn(stated, "{");
    while (problem == NULL && next_member(&stated, name, type)) problem = check_field(e, name, type);
    return problem;
}

static const struct { const char *stated, *form; } forms[] = {
    { "null", "NONE" },                             { "str", "ID" },
    { "arr of str", "IDS" },                        { "arr of widget or null", "ANY" },
    { "Note", "NOTE" },                             { "Note or minimized Note", "NOTE" },
    { "Notification", "NOTIFICATION" },             { "UserLite", "USER" },
    { "arr of UserLite", "USERS" },                 { "UserDetailed", "USER_DETAIL" },
    { "MeDetailed", "ME" },                         { "DriveFile", "FILE" },
    { "DriveFolder", "FOLDER" },                    { "Antenna raw row", "ANTENNA" },
    { "MessagingMessage", "MESSAGING_MESSAGE" },    { "ChatMessage", "CHAT_MESSAGE" },
    { "ChatMessageLite", "CHAT_MESSAGE" },          { "Signin", "SIGNIN" },
    { "ReversiGame", "REVERSI_GAME" },              { "Matching", "REVERSI_INVITATION" },
    { "arr of ServerStats", "SERVER_STATSS" }
};

static const char *check_body(const char *form, const char *group, const char *stated)
{
    const struct entity *const e = entity_of(form);
    const char *const brace = strchr(stated, '{');
    size_t i;
    if (strcmp(stated, "-") == 0) return NULL;
    if (brace != NULL && e != NULL) return check_members(e, brace);
    if (brace != NULL) return brace > stated && strcmp(form, "ANY") == 0 ? NULL : "the row has no entity for it";
    if (strcmp(stated, "one sample") == 0) return strcmp(form, group) == 0 ? NULL : "another body";
    if (strcmp(stated, "arr of samples") == 0) {
        return begins(form, group) && strcmp(form + strlen(group), "S") == 0 ? NULL : "another body";
    }
    for (i = 0; i < COUNT(forms); i++) {
        if (strcmp(forms[i].stated, stated) == 0) return strcmp(forms[i].form, form) == 0 ? NULL : "another body";
    }
    return "this test does not know that body";
}

static bool fits_part(const char *type, const char *member)
{
    if (*type == 0) return true;
    if (begins(type, "str")) return strcmp(member, "number") != 0 && strcmp(member, "yes") != 0;
    if (begins(type, "num")) return strcmp(member, "number") == 0;
    if (begins(type, "bool")) return strcmp(member, "yes") == 0;
    return strcmp(member, "value") == 0;
}

/* The pages know no part that may be missing but that of read, whose body chats do not look at. */
static bool mark_part(int operation, const char *name, const char *type)
{
    const char *const need = operation == MISSKEY_OPERATION_READ ? "MAY" : "MUST";
    size_t i;
    bool fits;
    for (i = 0; i < COUNT(parts); i++) {
        if (parts[i].value != operation || strcmp(parts[i].name, name) != 0) continue;
        fits = fits_part(type, parts[i].form) && strcmp(parts[i].group, need) == 0;
        parts[i].seen |= fits;
        return fits;
    }
    return false;
}

static const char *check_parts(struct row *r, const char *stated)
{
    char name[64], type[200];
    if (strcmp(stated, "-") == 0) return NULL;
    r->stated = true;
    if (strcmp(stated, "ignored") == 0) return NULL;
    if (*stated != '{') return mark_part(r->value, "", stated) ? NULL : "its body is not written like that";
    stated++;
    while (next_member(&stated, name, type)) {
        if (!mark_part(r->value, name, type)) return "its body is not written with that member, as needed";
    }
    return NULL;
}

/* ---- the lines of the extract ---- */

static const char *check_channel(char **f)
{
    struct row *const r = row_of(vocabularies[CHANNELS].t, f[1]);
    const char *share;
    if (r == NULL) return "the list has no such channel";
    share = attributes[r->value].share == MISSKEY_SHARE_ONE ? "yes" :
            attributes[r->value].share == MISSKEY_SHARE_ANY ? "no" : "until 2023.9";
    if (*f[2] != '-' && (*f[2] == 'y') != attributes[r->value].credential) return "another credential";
    if (strcmp(strcmp(f[3], "none") == 0 ? "" : f[3], r->form) != 0) return "another permission";
    if (*f[4] != '-' && strcmp(f[4], share) != 0) return "another share";
    if (*f[5] != '-' && (*f[5] == 'y') != attributes[r->value].releases) return "another releases";
    return check_versions(r, NULL, f[6], f[7]);
}

static bool is_upper_case_of(const char *s, const char *lower)
{
    while (*lower != 0 && *s == toupper((unsigned char)*lower)) s++, lower++;
    return *lower == 0 && *s == 0;
}

static const char *check_param(char **f)
{
    static const struct { const char *stated, *kind; } kinds[] = {
        { "bool", "FLAG" }, { "str", "STR" }, { "arr of arr of str", "TAGS" }, { "num or null", "INT" }, { "-", "" }
    };
    const struct row *const channel = row_of(vocabularies[CHANNELS].t, f[1]);
    struct table t = { "param", params, COUNT(params) };
    struct row *const p = row_of(t, f[2]);
    size_t i, k = 0;
    if (p == NULL) return "the list has no such parameter";
    while (strcmp(kinds[k].stated, f[4]) != 0) if (++k == COUNT(kinds)) return "this test does not know that type";
    if (*kinds[k].kind != 0 && strcmp(kinds[k].kind, p->form) != 0) return "another type";
    if (*f[5] != '-' && strcmp(p->first, f[5]) != 0) return "another default";
    for (i = 0; *f[1] != '-' && i < COUNT(channel_params); i++) {
        struct row *const r = &channel_params[i];
        if (channel == NULL || r->value != channel->value || strcmp(r->name, p->group) != 0) continue;
        if (*f[3] != '-' && !is_upper_case_of(r->form, f[3])) return "another need";
        p->seen = true;
        return check_versions(r, NULL, f[6], f[7]);
    }
    return *f[1] == '-' ? NULL : "the channel has no such parameter";
}

/* What the channel says of an event, NULL if it does not send it; *event is set to the row of the event alone. */
static struct row *body_of(const struct row *channel, const char *name, struct row **event)
{
    size_t i;
    *event = row_of(vocabularies[EVENTS].t, name);
    for (i = 0; channel != NULL && *event != NULL && i < COUNT(bodies); i++) {
        if (bodies[i].value == (*event)->value && strcmp(bodies[i].group, channel->group) == 0) return &bodies[i];
    }
    return NULL;
}

static const char *check_event(char **f)
{
    const struct row *const channel = row_of(vocabularies[CHANNELS].t, f[1]);
    struct row *event, *const r = body_of(channel, f[2], &event);
    const char *problem;
    if (event == NULL) return "the list has no such event";
    if (r == NULL) return "no row says that this channel sends it";
    event->seen = true;
    problem = check_body(r->form, r->group, f[3]);
    return problem != NULL ? problem : check_versions(r, channel->list == FORK ? NULL : channel, f[4], f[5]);
}

/* Of operations with one name, one has to fit; that of another channel may be used, if its body fits. */
static const char *check_operation(char **f)
{
    const struct row *const channel = row_of(vocabularies[CHANNELS].t, f[1]);
    const char *problem = "the list has no such operation";
    size_t i;
    for (i = 0; problem != NULL && i < COUNT(operations); i++) {
        struct row *const r = &operations[i];
        if (strcmp(r->name, f[2]) != 0) continue;
        problem = check_parts(r, f[3]);
        if (problem == NULL && channel != NULL && strcmp(r->group, channel->group) == 0)
            problem = check_versions(r, channel->list == FORK ? NULL : channel, f[4], f[5]);
    }
    return problem;
}

static const char *check_root(char **f)
{
    static const struct { const char *name; bool raw; } kinds[] = {
#define KIND(kind, type, form) { type, #form[0] == 'R' },
        MISSKEY_KIND_LIST(KIND)
#undef KIND
    };
    char text[120];
    misskey_message message;
    size_t i = 0;
    while (i < COUNT(kinds) && strcmp(kinds[i].name, f[1]) != 0) i++;
    if (i == COUNT(kinds)) return "the list has no such message";
    snprintf(text, sizeof text, "{\"type\":\"%s\",\"body\":{\"id\":\"a\",\"type\":\"b\",\"body\":null}}", f[1]);
    if (misskey_message_parse(text, strlen(text), &message) != MISSKEY_ERR_OK) return "it cannot be read";
    if (message.kind == MISSKEY_KIND_OTHER || message.kind == MISSKEY_KIND_TEXT) return "it is read as OTHER";
    return kinds[i].raw && f[2] != NULL && *f[2] == '{' ? check_members(entity_of("BROADCAST"), f[2]) : NULL;
}

static const char *check_update(char **f)
{
    struct row *const r = row_of(vocabularies[UPDATES].t, f[1]);
    if (r == NULL) return "the list has no such note update";
    if ((strcmp(f[3], "all") == 0) != (r->list == NOW)) return "the row is in the wrong place";
    if (r->list == NOW && strcmp(r->first, "10.0") != 0) return "the row has another first version";
    r->seen = true;
    return check_members(entity_of("NOTE_UPDATE"), f[2]);
}

static const char *check_notification(char **f)
{
    struct row *const r = notification_of(f[1]);
    const char *problem;
    if (r == NULL) return "the list has no such notification";
    problem = check_members(entity_of("NOTIFICATION"), f[2]);
    return problem != NULL ? problem : check_versions(r, NULL, f[3], f[4]);
}

static const char *check_entity(char **f)
{
    static const struct { const char *section, *list; } sections[] = {
        { "3", "NOTE" }, { "3.1", "NOTE" }, { "4.1", "USER" }, { "4.2", "USER_DETAIL" }, { "4.3", "ME" },
        { "5", "NOTIFICATION" }, { "6.1", "FILE" }, { "6.2", "FOLDER" }, { "7.1", "CHAT_MESSAGE" },
        { "7.2", "CHAT_MESSAGE" }, { "7.3", "CHAT_ROOM" }, { "7.3.2", "CHAT_INVITATION" },
        { "7.4", "MESSAGING_MESSAGE" }, { "8.1", "EMOJI" }, { "8.2", "ANNOUNCEMENT" }, { "8.3", "ANTENNA" },
        { "8.4", "SIGNIN" }, { "8.8", "REVERSI_GAME" }, { "8.10", "ROLE" }, { "8.11", "NOTE_DRAFT" }
    };
    size_t i = 0;
    /* these have other types elsewhere: a number on v10, a date on MisskeyIO */
    if (strcmp(f[1], "8.8") == 0 && strcmp(f[2], "bw") == 0) f[3] = "any";
    if (strcmp(f[1], "8.11") == 0 && strcmp(f[2], "scheduledAt") == 0) f[3] = "any";
    while (strcmp(sections[i].section, f[1]) != 0) if (++i == COUNT(sections)) return "no entity has this section";
    return check_field(entity_of(sections[i].list), f[2], f[3]);
}

/* Channels are not looked at: one id can have stood for two of them. */
static const char *check_recorded(char **f)
{
    struct row *event, *r;
    if (strcmp(f[1], "root") == 0) return check_root(f + 1);
    if (strcmp(f[1], "update") == 0) r = row_of(vocabularies[UPDATES].t, f[2]);
    else if (strcmp(f[1], "notification") == 0) r = notification_of(f[2]);
    else {
        r = body_of(row_of(vocabularies[CHANNELS].t, f[2]), f[3], &event);
        if (r != NULL && r->list == FORK) r->seen = event->seen = true;
        r = event;
    }
    return r == NULL ? "the list has no such name" : NULL;
}

/* Gives the lines of one kind to the check and says which do not pass. False if that is any, or there is no line. */
static bool walk(const char *kind, const char *(*check)(char **f))
{
    const char *const path = getenv("VOCABULARY") != NULL ? getenv("VOCABULARY") : "tests/golden/vocabulary.txt";
    FILE *const file = fopen(path, "r");
    char line[1000], *f[12], *p;
    unsigned number = 0, lines = 0, problems = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        size_t n = 0;
        const char *problem;
        number++;
        line[strcspn(line, "\n")] = 0;
        memset(f, 0, sizeof f);
        for (p = line; n < COUNT(f) && p != NULL; n++) {
            f[n] = p;
            p = strchr(p, '\t');
            if (p != NULL) *p++ = 0;
        }
        if (strcmp(f[0], kind) != 0) continue;
        lines++;
        problem = check(f);
        if (problem == NULL) continue;
        problems++;
        printf("%s:%u: %s", path, number, kind);
        for (n = 1; n < 4 && f[n] != NULL; n++) printf(" %s", f[n]);
        printf(": %s\n", problem);
    }
    if (file == NULL) printf("%s cannot be read\n", path);
    else fclose(file);
    return lines > 0 && problems == 0;
}

TEST the_pages_are_in_the_lists(const char *kind, const char *(*check)(char **f))
{
    ASSERT(walk(kind, check));
    PASS();
}

/* ---- the lists alone ---- */

/* Runs behind the tests of the pages, which mark what they see. */
TEST nothing_is_invented(struct table t)
{
    unsigned unseen = 0;
    size_t i;
    for (i = 0; i < t.num; i++) {
        const char *const name = t.rows[i].name;
        if (t.rows[i].seen) continue;
        printf("%s %s %s: no page says so\n", t.what, t.rows[i].group, name);
        unseen++;
    }
    ASSERT_EQ_FMT(0u, unseen, "%u");
    PASS();
}

/* Of operations whose body the pages tell. */
TEST no_part_is_invented(void)
{
    size_t i;
    for (i = 0; i < COUNT(parts); i++) {
        if (!operations[parts[i].value].stated || parts[i].seen) continue;
        printf("part %s of %s: no page says so\n", parts[i].name, operations[parts[i].value].name);
        FAIL();
    }
    PASS();
}

static bool versions_fit_list(const struct row *r)
{
    if (r->list == FORK) return *r->first >= 'A' && *r->last == 0;
    if (!is_version(r->first)) return false;
    if (r->list == NOW) return *r->last == 0;
    return is_version(r->last) && compare_versions(r->first, r->last) < 0;
}

TEST versions_fit_the_lists(struct table t)
{
    size_t i;
    for (i = 0; i < t.num; i++) {
        if (versions_fit_list(&t.rows[i])) continue;
        printf("%s %s: %s, %s\n", t.what, t.rows[i].name, t.rows[i].first, t.rows[i].last);
        FAIL();
    }
    PASS();
}

/* An event is one of today if a channel of today sends it today, one of the past if one of the past did. */
TEST events_fit_their_bodies(void)
{
    size_t i, k;
    for (i = 0; i < COUNT(events); i++) {
        int list = -1;
        for (k = 0; k < COUNT(bodies); k++) {
            const int of_body = (int)bodies[k].list;
            if (bodies[k].value == events[i].value && (list < 0 || of_body < list)) list = of_body;
        }
        if (list != (int)events[i].list) FAILm(events[i].name);
    }
    for (k = 0; k < COUNT(bodies); k++) {
        for (i = 0; i < COUNT(channels) && strcmp(channels[i].group, bodies[k].group) != 0; i++) {}
        if (i == COUNT(channels)) FAILm(bodies[k].group);
        for (i = k + 1; i < COUNT(bodies); i++) {
            if (bodies[i].value == bodies[k].value && strcmp(bodies[i].group, bodies[k].group) == 0)
                FAILm(bodies[k].name);
        }
    }
    PASS();
}

TEST parameters_stand_once(void)
{
    size_t i, k;
    for (i = 0; i < COUNT(channel_params); i++) {
        ASSERT(param_of(channel_params[i].name) != NULL);
        for (k = i + 1; k < COUNT(channel_params); k++) {
            if (channel_params[i].value == channel_params[k].value &&
                strcmp(channel_params[i].name, channel_params[k].name) == 0)
                FAILm(channel_params[i].name);
        }
    }
    PASS();
}

/* ---- look-up ---- */

static misskey_jstr jstr(const char *text, size_t len)
{
    misskey_jstr s;
    s.ptr = text;
    s.len = len;
    return s;
}

/* What the look-up has to give, found the slow way. */
static int expected(const struct vocabulary *v, const char *name)
{
    size_t i;
    if (v->find == find_notification && strcmp(name, "poll_vote") == 0) name = "pollVote";
    for (i = 0; i < v->t.num; i++) {
        if (present(v->t.rows[i].list) && strcmp(v->t.rows[i].name, name) == 0) return v->t.rows[i].value;
    }
    return v->other;
}

static bool found_as_expected(const struct vocabulary *v, const char *name)
{
    const int found = v->find(jstr(name, strlen(name)));
    if (found != expected(v, name)) printf("%s %s: found %d\n", v->t.what, name, found);
    return found == expected(v, name);
}

/* Names written with escapes: each character, one of them, in both cases. */
static bool escapes_are_decoded(const struct vocabulary *v, const char *name)
{
    char all[300] = "", one[300];
    size_t i;
    bool ok = true;
    for (i = 0; name[i] != 0; i++) {
        snprintf(all + 6 * i, sizeof all - 6 * i, i % 2 == 0 ? "\\u%04x" : "\\u%04X", (unsigned)name[i]);
        snprintf(one, sizeof one, "%.*s\\u%04X%s", (int)i, name, (unsigned)name[i], name + i + 1);
        ok = ok && v->find(jstr(one, strlen(one))) == expected(v, name);
    }
    snprintf(one, sizeof one, "%s\\u0000", name);
    return ok && v->find(jstr(all, strlen(all))) == expected(v, name) && v->find(jstr(one, strlen(one))) == v->other;
}

/* Near misses: shorter, longer, with a NUL, one letter changed, in the other case. */
static bool near_misses_are_other(const struct vocabulary *v, const char *name)
{
    char text[100];
    const size_t len = strlen(name);
    size_t i;
    bool ok = true;
    for (i = 0; i < len; i++) {
        snprintf(text, sizeof text, "%.*s", (int)i, name);
        ok = ok && found_as_expected(v, text);
        memcpy(text, name, len + 1);
        text[i] = (char)(text[i] ^ 0x20);
        ok = ok && found_as_expected(v, text);
        text[i] = (char)(name[i] ^ 1);
        ok = ok && found_as_expected(v, text);
        ok = ok && found_as_expected(v, name + i);
    }
    snprintf(text, sizeof text, "%ss", name);
    ok = ok && found_as_expected(v, text) && v->find(jstr(name, len + 1)) == v->other;
    snprintf(text, sizeof text, " %s", name);
    return ok && found_as_expected(v, text);
}

TEST names_are_found(const struct vocabulary *v)
{
    char text[1000];
    size_t i;
    ASSERT_EQ_FMT((int)v->t.num, v->other, "%d");
    for (i = 0; i < v->t.num; i++) {
        const struct row *const r = &v->t.rows[i];
        ASSERT_EQ_FMT((int)i, r->value, "%d");
        ASSERT(found_as_expected(v, r->name));
        if (!escapes_are_decoded(v, r->name) || !near_misses_are_other(v, r->name)) FAILm(r->name);
        if (v->find != find_operation && row_of(v->t, r->name) != r) FAILm(r->name); /* there twice */
        if (v->find != find_operation && present(r->list)) ASSERT_EQ(r->value, v->find(misskey_jstr_text(r->name)));
    }
    ASSERT_EQ(v->other, v->find(jstr(NULL, 0)));
    ASSERT_EQ(v->other, v->find(jstr("", 0)));
    memset(text, 'n', sizeof text);
    ASSERT_EQ(v->other, v->find(jstr(text, sizeof text)));
    ASSERT(found_as_expected(v, "poll_vote"));
    ASSERT(found_as_expected(v, "OTHER"));
    PASS();
}

TEST channels_are_told_about(void)
{
    static const int wrong[] = {
        MISSKEY_CHANNEL_OTHER, MISSKEY_CHANNEL_OTHER + 1, 256, 65536, MISSKEY_CHANNEL_FORCE32_
    };
    misskey_channel_info info, none;
    size_t i;
    memset(&none, 0, sizeof none);
    for (i = 0; i < COUNT(channels); i++) {
        const struct row *const r = &channels[i];
        memset(&info, 0x55, sizeof info);
        ASSERT_EQ(present(r->list), misskey_channel_about((misskey_channel_kind)r->value, &info));
        if (!present(r->list)) {
            ASSERT(info.name == NULL && info.permission == NULL && info.first == NULL && info.last == NULL);
            ASSERT(info.share == (misskey_share)0 && !info.credential && !info.releases);
            continue;
        }
        ASSERT_STR_EQ(r->name, info.name);
        ASSERT_STR_EQ(r->form, info.permission);
        ASSERT_STR_EQ(r->first, info.first);
        ASSERT_STR_EQ(r->last, info.last);
        ASSERT_EQ(attributes[i].share, info.share);
        ASSERT_EQ(attributes[i].credential, info.credential);
        ASSERT_EQ(attributes[i].releases, info.releases);
    }
    for (i = 0; i < COUNT(wrong); i++) {
        memset(&info, 0x55, sizeof info);
        ASSERT_FALSE(misskey_channel_about((misskey_channel_kind)wrong[i], &info));
        ASSERT_MEM_EQ(&none, &info, sizeof info);
    }
    PASS();
}

TEST operations_are_named(void)
{
    size_t i;
    for (i = 0; i < COUNT(operations); i++) {
        ASSERT_STR_EQ(present(operations[i].list) ? operations[i].name : "",
                      misskey_operation_name((misskey_operation_kind)operations[i].value));
    }
    ASSERT_STR_EQ("", misskey_operation_name(MISSKEY_OPERATION_OTHER));
    ASSERT_STR_EQ("", misskey_operation_name((misskey_operation_kind)256));
    ASSERT_STR_EQ("", misskey_operation_name(MISSKEY_OPERATION_FORCE32_));
    PASS();
}

SUITE(pages)
{
    static const struct { const char *kind; const char *(*check)(char **f); } kinds[] = {
        { "channel", check_channel }, { "param", check_param }, { "event", check_event },
        { "operation", check_operation }, { "root", check_root }, { "update", check_update },
        { "notification", check_notification }, { "field", check_entity }, { "recorded", check_recorded }
    };
    static const struct table others[] = {
        { "body", bodies, COUNT(bodies) }, { "param", params, COUNT(params) },
        { "channel param", channel_params, COUNT(channel_params) }
    };
    size_t i;
    for (i = 0; i < COUNT(kinds); i++) {
        greatest_set_test_suffix(kinds[i].kind);
        RUN_TESTp(the_pages_are_in_the_lists, kinds[i].kind, kinds[i].check);
    }
    for (i = 0; i < VOCABULARIES; i++) {
        greatest_set_test_suffix(vocabularies[i].t.what);
        RUN_TESTp(nothing_is_invented, vocabularies[i].t);
    }
    for (i = 0; i < COUNT(others); i++) {
        greatest_set_test_suffix(others[i].what);
        RUN_TESTp(nothing_is_invented, others[i]);
    }
    RUN_TEST(no_part_is_invented);
}

SUITE(lists)
{
    static const struct table versioned[] = {
        { "channel", channels, COUNT(channels) }, { "body", bodies, COUNT(bodies) },
        { "update", updates, COUNT(updates) }, { "notification", notifications, COUNT(notifications) },
        { "operation", operations, COUNT(operations) }, { "channel param", channel_params, COUNT(channel_params) }
    };
    size_t i;
    for (i = 0; i < COUNT(versioned); i++) {
        greatest_set_test_suffix(versioned[i].what);
        RUN_TESTp(versions_fit_the_lists, versioned[i]);
    }
    RUN_TEST(events_fit_their_bodies);
    RUN_TEST(parameters_stand_once);
}

SUITE(look_up)
{
    size_t i;
    for (i = 0; i < VOCABULARIES; i++) {
        greatest_set_test_suffix(vocabularies[i].t.what);
        RUN_TESTp(names_are_found, &vocabularies[i]);
    }
    RUN_TEST(channels_are_told_about);
    RUN_TEST(operations_are_named);
}

GREATEST_MAIN_DEFS();

int main(int argc, char **argv)
{
    GREATEST_MAIN_BEGIN();
    RUN_SUITE(pages);
    RUN_SUITE(lists);
    RUN_SUITE(look_up);
    GREATEST_MAIN_END();
}
