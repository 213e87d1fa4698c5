/* The entities of misskey_stream.h as tables, expanded from its lists, and a second reader to compare with: one look-up
   by name per member, made of misskey_json_get and the conversions alone. For test_typed and coverage. Include it
   behind misskey_stream.h and call entities_init first. */
#ifndef ENTITIES_H
#define ENTITIES_H

#include <string.h>

enum field_kind {
    FIELD_STR, FIELD_BOOL, FIELD_INT, FIELD_DEC, FIELD_OBJ, FIELD_ARR, FIELD_LIST, FIELD_JSON
};

struct field {
    const char *member, *name;  /* in the struct, on the wire */
    const char *outer;          /* member that it is a part of; NULL = of the object itself */
    enum field_kind kind;
    bool alias;
    size_t at, has;             /* offsets of the member and of its misskey_presence */
};

struct entity {
    const char *name, *list;    /* note, NOTE */
    const struct field *fields;
    size_t num_fields;
    bool (*read)(misskey_json value, void *out);
};

#define X(name, NAME) ENTITY_##name,
enum { MISSKEY_ENTITY_LIST(X) NUM_ENTITIES };
#undef X
#define X(name, NAME) misskey_##name name;
union any { MISSKEY_ENTITY_LIST(X) };
#undef X

#define ROW(kind, member, name, outer, alias) \
    { #member, name, outer, FIELD_##kind, alias, offsetof(entity_t, member), offsetof(entity_t, has.member) },
#define ROW_OWN(kind, member, name) ROW(kind, member, name, NULL, false)
#define ROW_ALIAS(kind, member, name) ROW(kind, member, name, NULL, true)
#define ROW_IN(kind, member, outer, name) ROW(kind, member, name, #outer, false)
#define X(entity_name, NAME) \
    static bool read_##entity_name(misskey_json value, void *out) \
    { \
        return misskey_##entity_name##_read(value, (misskey_##entity_name *)out); \
    } \
    static struct entity table_of_##entity_name(void) \
    { \
        typedef misskey_##entity_name entity_t; \
        static const struct field fields[] = { \
            MISSKEY_##NAME##_FIELDS(ROW_OWN, ROW_OWN, ROW_OWN, ROW_ALIAS, ROW_IN) \
        }; \
        struct entity e = { #entity_name, #NAME, fields, sizeof fields / sizeof fields[0], read_##entity_name }; \
        return e; \
    }
MISSKEY_ENTITY_LIST(X)
#undef X
#undef ROW
#undef ROW_OWN
#undef ROW_ALIAS
#undef ROW_IN

static struct entity entities[NUM_ENTITIES];

static void entities_init(void)
{
#define X(name, NAME) entities[ENTITY_##name] = table_of_##name();
    MISSKEY_ENTITY_LIST(X)
#undef X
}

/* A member of any kind: what a struct holds, or what it should hold. */
struct value {
    int presence;               /* misskey_presence */
    int64_t number;             /* BOOL, INT, DEC: mantissa */
    int32_t exponent;
    const char *ptr;            /* STR, JSON, DEC */
    size_t len;
};

static struct value value_in(const struct field *f, const void *object)
{
    const char *const at = (const char *)object + f->at;
    struct value v = { 0, 0, 0, NULL, 0 };
    misskey_json text = { NULL, 0 };
    v.presence = ((const uint8_t *)object)[f->has];
    switch (f->kind) {
    case FIELD_BOOL: v.number = *(const bool *)at; break;
    case FIELD_INT:  v.number = *(const int64_t *)at; break;
    case FIELD_DEC:
        v.number = ((const misskey_decimal *)at)->mantissa;
        v.exponent = ((const misskey_decimal *)at)->exponent;
        text = ((const misskey_decimal *)at)->text;
        break;
    case FIELD_STR:
        text.ptr = ((const misskey_jstr *)at)->ptr;
        text.len = ((const misskey_jstr *)at)->len;
        break;
    default: text = *(const misskey_json *)at; break;
    }
    v.ptr = text.ptr;
    v.len = text.len;
    return v;
}

/* What a member becomes that has this value on the wire. */
static struct value value_of(enum field_kind kind, misskey_json json)
{
    struct value v = { MISSKEY_ABSENT, 0, 0, NULL, 0 };
    misskey_decimal decimal = { 0, 0, { NULL, 0 } };
    const misskey_jstr str = misskey_json_str(json);
    bool ok = true, yes = false;
    if (json.ptr == NULL) return v;
    v.presence = MISSKEY_NULL;
    if (misskey_json_type(json) == MISSKEY_TYPE_NULL) return v;
    switch (kind) {
    case FIELD_BOOL: ok = misskey_json_bool(json, &yes); v.number = yes; break;
    case FIELD_INT:  ok = misskey_json_i64(json, &v.number); break;
    case FIELD_DEC:
        ok = misskey_json_decimal(json, &decimal);
        v.number = decimal.mantissa;
        v.exponent = decimal.exponent;
        json = decimal.text;
        break;
    case FIELD_STR:
        json.ptr = str.ptr;
        json.len = str.len;
        ok = str.ptr != NULL;
        break;
    case FIELD_OBJ:  ok = misskey_json_type(json) == MISSKEY_TYPE_OBJECT; break;
    case FIELD_ARR:  ok = misskey_json_type(json) == MISSKEY_TYPE_ARRAY; break;
    case FIELD_LIST: ok = misskey_json_type(json) >= MISSKEY_TYPE_ARRAY; break;
    default: break;
    }
    if (ok && kind != FIELD_BOOL && kind != FIELD_INT) {
        v.ptr = json.ptr;
        v.len = json.len;
    }
    v.presence = ok ? MISSKEY_PRESENT : MISSKEY_ABSENT;
    return v;
}

/* The row of the member that has this name in the struct. */
static const struct field *field_of(const struct entity *e, const char *member)
{
    const struct field *f = e->fields;
    while (f->alias || strcmp(f->member, member) != 0) f++;
    return f;
}

/* What one row finds in an object; the part of an object that is none is absent. */
static struct value value_by_name(const struct entity *e, const struct field *f, misskey_json object)
{
    if (f->outer != NULL) object = misskey_json_get(object, field_of(e, f->outer)->name);
    return value_of(f->kind, misskey_json_get(object, f->name));
}

/* What a member should be: by its own name, else by an alias. f: not the row of an alias. */
static inline struct value value_wanted(const struct entity *e, const struct field *f, misskey_json object)
{
    struct value v = value_by_name(e, f, object);
    size_t i;
    for (i = 0; i < e->num_fields && v.presence == MISSKEY_ABSENT; i++) {
        if (e->fields[i].alias && e->fields[i].at == f->at) v = value_by_name(e, &e->fields[i], object);
    }
    return v;
}

static inline bool same_value(struct value a, struct value b)
{
    return a.presence == b.presence && a.number == b.number && a.exponent == b.exponent && a.len == b.len &&
           (a.ptr == NULL) == (b.ptr == NULL) && (a.ptr == NULL || memcmp(a.ptr, b.ptr, a.len) == 0);
}

#endif
