/* coverage - which member of which entity of misskey_stream.h was in which recording?
   usage: coverage <LINES, one JSON object a line:
       {"folder":NAME}              what follows is of the connection recorded there
       {"dir":"recv","data":TEXT}   a message, as in messages.jsonl; "send" likewise
       {"entity":NAME,"value":{}}   a case made by hand
   Prints a line for each member of each entity, and for each alias with its name on the wire:
       note.cw present FOLDER null FOLDER       the first with a value, the first with null; none = there is none
       note.files=media none                    neither
   and one for each member that is in a recording but in no list:
       unknown user.isProxy FOLDER              the first with it
   Every object is read twice, by its reader and member by member.
   Exit status: 0 done, 1 the two differ somewhere, 2 usage or input that is not as above. */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"
#include "../entities.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIFFER = 1, USAGE = 2 };
enum { MAX_FIELDS = 128, MAX_NESTING = 16 };

struct seen { misskey_jstr value, null; };      /* folders */
struct channel { char id[64]; misskey_channel_kind kind; };
struct unknown { const char *entity; misskey_jstr name, folder; };

static struct {
    misskey_jstr folder;
    struct channel *channels;                   /* that the client of this folder asked for */
    size_t num_channels;
    struct seen seen[NUM_ENTITIES][MAX_FIELDS];
    struct unknown *unknown;
    size_t num_unknown;
    bool differ;
} g;

static void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("coverage: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(USAGE);
}

static void *allocate(void *old, size_t size)
{
    void *const p = realloc(old, size);
    if (p == NULL) fail("out of memory");
    return p;
}

/* --- objects --- */

/* X(entity, member, entity of its value, or of the elements of its value) */
#define NESTED_LIST(X) \
    X(note, user, user)                 X(note, files, file)                X(note, poll, poll) \
    X(note, channel, note_channel)      X(note, renote, note)               X(note, reply, note) \
    X(poll, choices, poll_choice)       X(user, instance, instance)         X(user, avatar_decorations, decoration) \
    X(user, badge_roles, badge_role)    X(user_detail, fields, profile_field) \
    X(user_detail, roles, role)         X(user_detail, pinned_notes, note) \
    X(me, unread_announcements, announcement) X(me, achievements, achievement) \
    X(me, security_keys_list, security_key) X(notification, user, user)     X(notification, note, note) \
    X(notification, role, role)         X(notification, invitation, chat_invitation) \
    X(notification, note_draft, note_draft) X(notification, draft, note_draft) \
    X(notification, reactions, reaction) X(notification, users, user)       X(note_update, files, file) \
    X(note_update, note, note)          X(file, folder, folder)             X(file, user, user) \
    X(folder, parent, folder)           X(chat_message, from_user, user)    X(chat_message, to_user, user) \
    X(chat_message, to_room, chat_room) X(chat_message, file, file)         X(chat_message, reactions, reaction) \
    X(chat_message, reply, chat_message) X(reaction, user, user)            X(chat_room, owner, user) \
    X(chat_invitation, room, chat_room) X(chat_invitation, user, user)      X(messaging_message, user, user) \
    X(messaging_message, recipient, user) X(messaging_message, file, file)  X(page_event, user, user_detail) \
    X(url_upload, file, file)           X(reversi_game, user1, user)        X(reversi_game, user2, user) \
    X(reversi_game, winner, user)       X(reversi_game, logs, reversi_log)  X(reversi_game, settings, reversi_game) \
    X(reversi_event, game, reversi_game) X(reversi_event, user, user)       X(reversi_invitation, parent, user) \
    X(reversi_invitation, child, user)  X(note_draft, user, user)           X(note_draft, reply, note) \
    X(note_draft, renote, note)         X(note_draft, files, file)          X(note_draft, poll, poll) \
    X(note_draft, channel, note_channel) X(broadcast, emoji, emoji)         X(broadcast, emojis, emoji) \
    X(broadcast, announcement, announcement) X(broadcast, user, user)       X(answer, room, chat_room) \
    X(answer, user, user)               X(answer, messages, chat_message)   X(answer, memberships, chat_invitation) \
    X(answer, notifications, notification)

static const struct { int entity, inner; size_t at; } nested[] = {
#define X(entity, member, inner) { ENTITY_##entity, ENTITY_##inner, offsetof(misskey_##entity, member) },
    NESTED_LIST(X)
#undef X
};

static void mark(struct seen *seen, int presence)
{
    if (presence == MISSKEY_PRESENT && seen->value.ptr == NULL) seen->value = g.folder;
    if (presence == MISSKEY_NULL && seen->null.ptr == NULL) seen->null = g.folder;
}

static void compare_and_mark(int entity, misskey_json object, const union any *read)
{
    const struct entity *const e = &entities[entity];
    size_t i;
    for (i = 0; i < e->num_fields; i++) {
        const struct field *const f = &e->fields[i];
        const struct value v = value_in(f, read);
        const struct value wanted = value_wanted(e, f, object);
        if (!f->alias) mark(&g.seen[entity][i], v.presence);
        else if (value_by_name(e, field_of(e, f->member), object).presence == MISSKEY_ABSENT)
            mark(&g.seen[entity][i], value_by_name(e, f, object).presence);
        if (f->alias || same_value(v, wanted)) continue;
        fprintf(stderr, "coverage: %.*s: %s.%s is read as %d %.*s (%lld), but by its name it is %d %.*s (%lld)\n",
                (int)g.folder.len, g.folder.ptr, e->name, f->member, v.presence, (int)v.len, v.ptr ? v.ptr : "",
                (long long)v.number, wanted.presence, (int)wanted.len, wanted.ptr ? wanted.ptr : "",
                (long long)wanted.number);
        g.differ = true;
    }
}

/* The other form of the same object, from which more readers take members; NUM_ENTITIES = there is none. */
static int wider(int entity)
{
    if (entity == ENTITY_user) return ENTITY_user_detail;
    return entity == ENTITY_user_detail ? ENTITY_me : NUM_ENTITIES;
}

/* Has the entity a row for a member with this name? outer: the struct member that it is a part of, or NULL. */
static bool is_known(int entity, const char *outer, misskey_jstr name)
{
    const struct entity *const e = &entities[entity];
    size_t i;
    for (i = 0; i < e->num_fields; i++) {
        const struct field *const f = &e->fields[i];
        if ((f->outer == NULL) != (outer == NULL) || (outer != NULL && strcmp(f->outer, outer) != 0)) continue;
        if (misskey_jstr_eq(name, f->name)) return true;
    }
    return false;
}

static void note_unknown(const char *entity, misskey_jstr name)
{
    size_t i;
    for (i = 0; i < g.num_unknown; i++) {
        const struct unknown *const u = &g.unknown[i];
        if (u->entity == entity && u->name.len == name.len && memcmp(u->name.ptr, name.ptr, name.len) == 0) return;
    }
    g.unknown = allocate(g.unknown, (g.num_unknown + 1) * sizeof *g.unknown);
    g.unknown[g.num_unknown].entity = entity;
    g.unknown[g.num_unknown].name.ptr = memcpy(allocate(NULL, name.len + 1), name.ptr, name.len);
    g.unknown[g.num_unknown].name.len = name.len;
    g.unknown[g.num_unknown++].folder = g.folder;
}

/* Members of an object, and of the members that have parts, that there is no row for. */
static void find_unknown(int entity, misskey_json object)
{
    const struct entity *const e = &entities[entity];
    misskey_iter it = misskey_json_iter(object), part;
    size_t i;
    while (misskey_json_next(&it)) {
        int also = entity == ENTITY_me || entity == ENTITY_user_detail ? ENTITY_user : entity;
        while (also < NUM_ENTITIES && !is_known(also, NULL, it.key)) also = wider(also);
        if (also == NUM_ENTITIES) note_unknown(e->name, it.key);
    }
    for (i = 0; i < e->num_fields; i++) {
        if (e->fields[i].outer == NULL || (i > 0 && e->fields[i - 1].outer == e->fields[i].outer)) continue;
        part = misskey_json_iter(misskey_json_get(object, field_of(e, e->fields[i].outer)->name));
        while (misskey_json_next(&part)) {
            if (part.key.ptr != NULL && !is_known(entity, e->fields[i].outer, part.key))
                note_unknown(field_of(e, e->fields[i].outer)->name, part.key);
        }
    }
}

/* An object of this entity, or an array of them, and everything in it. */
static void visit(int entity, misskey_json value, unsigned depth)
{
    union any object;
    misskey_iter it;
    size_t i;
    if (depth > MAX_NESTING) return;
    if (misskey_json_type(value) == MISSKEY_TYPE_ARRAY) {
        for (it = misskey_json_iter(value); misskey_json_next(&it);) visit(entity, it.value, depth + 1);
        return;
    }
    if (!entities[entity].read(value, &object)) return;
    compare_and_mark(entity, value, &object);
    find_unknown(entity, value);
    for (i = 0; i < sizeof nested / sizeof nested[0]; i++) {
        misskey_json inner;
        if (nested[i].entity != entity) continue;
        memcpy(&inner, (const char *)&object + nested[i].at, sizeof inner);
        visit(nested[i].inner, inner, depth + 1);
    }
    if (entity == ENTITY_me) visit(ENTITY_user_detail, value, depth);
    if (entity == ENTITY_user_detail) visit(ENTITY_user, value, depth);
}

/* --- messages --- */

/* The body that a group of channels sends with an event; of the first group that has it if the group is NULL. */
static const char *body_name(const char *group, misskey_channel_event event)
{
#define X(group, event, body, first, last) { #group, #body, MISSKEY_CHANNEL_EVENT_##event },
    static const struct { const char *group, *body; misskey_channel_event event; } bodies[] = {
        MISSKEY_CHANNEL_BODY_LIST(X, X, X)
    };
#undef X
    size_t i;
    for (i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        if (bodies[i].event == event && (group == NULL || strcmp(bodies[i].group, group) == 0)) return bodies[i].body;
    }
    return "ANY";
}

/* The entity of a body; -1 = none. An S behind the name stands for an array of them. */
static int entity_of(const char *body)
{
    const size_t len = strlen(body);
    int e;
    for (e = 0; e < NUM_ENTITIES; e++) if (strcmp(entities[e].list, body) == 0) return e;
    for (e = 0; e < NUM_ENTITIES; e++) {
        if (body[len - 1] == 'S' && strlen(entities[e].list) == len - 1 &&
            strncmp(entities[e].list, body, len - 1) == 0) return e;
    }
    return -1;
}

static void add_channel(const misskey_message *m)
{
    struct channel c;
    misskey_jstr_copy(m->id, c.id, sizeof c.id);
    c.kind = misskey_channel_find(m->channel);
    g.channels = allocate(g.channels, (g.num_channels + 1) * sizeof c);
    g.channels[g.num_channels++] = c;
}

/* The group of events of the channel that was opened last with this id; NULL = not known. */
static const char *group_of(misskey_jstr id)
{
#define X(kind, name, credential, share, releases, permission, events, first, last) #events,
    static const char *const groups[] = { MISSKEY_CHANNEL_LIST(X, X, X) NULL };
#undef X
    size_t i = g.num_channels;
    while (i > 0) if (misskey_jstr_eq(id, g.channels[--i].id)) return groups[g.channels[i].kind];
    return NULL;
}

static void take_message(const char *text, size_t len, bool sent)
{
    misskey_message m;
    int entity = -1;
    if (misskey_message_parse(text, len, &m) != MISSKEY_ERR_OK) return;
    if (sent) {
        if (m.kind == MISSKEY_KIND_CONNECT) add_channel(&m);
        return;
    }
    switch (m.kind) {
    case MISSKEY_KIND_CHANNEL:
        entity = entity_of(body_name(group_of(m.id), misskey_channel_event_find(m.event)));
        break;
    case MISSKEY_KIND_NOTE_UPDATED: entity = ENTITY_note_update; break;
    case MISSKEY_KIND_EMOJI_ADDED:
    case MISSKEY_KIND_EMOJI_UPDATED:
    case MISSKEY_KIND_EMOJI_DELETED:
    case MISSKEY_KIND_ANNOUNCEMENT_CREATED:
    case MISSKEY_KIND_USER_UPDATED: entity = ENTITY_broadcast; break;
    default: break;
    }
    if (entity >= 0) visit(entity, m.body, 0);
}

/* --- lines --- */

static void take_case(misskey_jstr name, misskey_json value)
{
    int e = 0;
    while (e < NUM_ENTITIES && !misskey_jstr_eq(name, entities[e].name)) e++;
    if (e == NUM_ENTITIES || misskey_json_type(value) != MISSKEY_TYPE_OBJECT)
        fail("%.*s: no entity \"%.*s\", or its value is no object", (int)g.folder.len, g.folder.ptr, (int)name.len,
             name.ptr);
    visit(e, value, 0);
}

/* text: room for what a line decodes to. */
static void take_line(const char *line, size_t len, char *text)
{
    misskey_json object;
    misskey_jstr folder, entity, data;
    if (misskey_json_check(line, len, &object, NULL) != MISSKEY_ERR_OK) fail("no JSON: %.*s", (int)len, line);
    folder = misskey_json_str(misskey_json_get(object, "folder"));
    entity = misskey_json_str(misskey_json_get(object, "entity"));
    data = misskey_json_str(misskey_json_get(object, "data"));
    if (folder.ptr != NULL) {
        g.folder = folder;
        g.num_channels = 0;
    } else if (entity.ptr != NULL) {
        take_case(entity, misskey_json_get(object, "value"));
    } else if (data.ptr != NULL) {
        const misskey_jstr dir = misskey_json_str(misskey_json_get(object, "dir"));
        const size_t text_len = misskey_jstr_copy(data, text, data.len + 1);
        take_message(text, text_len, misskey_jstr_eq(dir, "send"));
    } else {
        fail("neither folder nor message nor case: %.*s", (int)len, line);
    }
}

static void print_folder(const char *what, misskey_jstr folder)
{
    if (folder.ptr == NULL) folder = misskey_jstr_text("none");
    printf(" %s %.*s", what, (int)folder.len, folder.ptr);
}

static void print_all(void)
{
    size_t e, i;
    for (e = 0; e < NUM_ENTITIES; e++) {
        for (i = 0; i < entities[e].num_fields; i++) {
            const struct field *const f = &entities[e].fields[i];
            const struct seen *const seen = &g.seen[e][i];
            printf("%s.%s%s%s", entities[e].name, f->member, f->alias ? "=" : "", f->alias ? f->name : "");
            if (seen->value.ptr == NULL && seen->null.ptr == NULL) {
                puts(" none");
                continue;
            }
            print_folder("present", seen->value);
            print_folder("null", seen->null);
            putchar('\n');
        }
    }
    for (i = 0; i < g.num_unknown; i++) {
        const struct unknown *const u = &g.unknown[i];
        printf("unknown %s.%.*s %.*s\n", u->entity, (int)u->name.len, u->name.ptr, (int)u->folder.len, u->folder.ptr);
    }
}

int main(int argc, char **argv)
{
    size_t len = 0, cap = 0, n, e;
    char *input = NULL, *line, *end, *text;
    (void)argv;
    if (argc != 1) fail("usage: coverage <LINES");
    entities_init();
    for (e = 0; e < NUM_ENTITIES; e++) if (entities[e].num_fields > MAX_FIELDS) fail("MAX_FIELDS is too small");
    do {
        if (len == cap) input = allocate(input, cap = cap * 2 + 65536);
        len += n = fread(input + len, 1, cap - len, stdin);
    } while (n > 0);
    text = allocate(NULL, len + 1);
    for (line = input; line < input + len; line = end + 1) {
        end = memchr(line, '\n', (size_t)(input + len - line));
        if (end == NULL) end = input + len;
        if (end > line) take_line(line, (size_t)(end - line), text);
    }
    print_all();
    free(text);
    free(input);
    while (g.num_unknown > 0) free((char *)g.unknown[--g.num_unknown].name.ptr);
    free(g.unknown);
    free(g.channels);
    return g.differ ? DIFFER : 0;
}
