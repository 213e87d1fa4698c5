/* account.h - the access token of a program's user: where it is found, and how it is shown to a server

        account a = { .in_query = true };                            // only for servers before 13.14
        if (!account_read(&a, "misskey.example", token_file, false)) puts(a.error);
        account_show(&a, &desc.ws);                                  // then misskey_conn_init
        each event:   advice = account_advice(&a, &event, name_of_its_channel); if (advice != NULL) puts(advice);
        CLOSED came:  account_explain(&a, &event, "misskey.example", "", text, sizeof text);

   What to copy: the file. POSIX.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef ACCOUNT_H
#define ACCOUNT_H
#ifndef MISSKEY_STREAM_H
#error "include misskey_stream.h before account.h"
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct account {        /* zero-initialise */
    bool in_query;              /* yours: the token goes into ?i= instead of the Authorization header, which servers
                                   before 13.14 ignore. Proxies may log it */
    char token[513];            /* "" = anonymous */
    char error[5000];           /* one line, without anything of the token */
    bool no_token;              /* failed: what was read is no token; else a file cannot be read */
    bool opened_, works_, public_refused_, advised_;
} account;

/* account_file -- where `misskey-tail --login` stores the token for this host, which is written as in the Host header.
   False: the user has no folder for that, or the name is too long. */
static inline bool account_file(char *path, size_t cap, const char *host)
{
    const char *const config = getenv("XDG_CONFIG_HOME"), *const home = getenv("HOME");
    const bool own = config != NULL && *config != '\0';
    const int n = snprintf(path, cap, "%s%s/misskey-tail/%s", own ? config : home != NULL ? home : "",
                           own ? "" : "/.config", host);
    return (own || home != NULL) && n > 0 && (size_t)n < cap;
}

/* account_take -- takes the first line of text. from: where it stood, for the error. */
static inline bool account_take(account *a, const char *text, const char *from)
{
    const size_t len = strcspn(text, "\r\n");
    size_t i;
    for (i = 0; i < len && text[i] > ' ' && text[i] < 0x7F; i++) {}
    a->no_token = len == 0 || i < len || len >= sizeof a->token;
    if (a->no_token) {
        snprintf(a->error, sizeof a->error, "no token in %s: it is one line of letters and digits", from);
        return false;
    }
    memcpy(a->token, text, len);
    a->token[len] = '\0';
    return true;
}

/*
    account_read -- finds the token, if there is one

    file      as the user named it: nothing else is tried. NULL: MISSKEY_TOKEN, else the file of account_file.
    plain     the connection has no TLS: the stored token is for TLS only and is not sent over this one.
    False     .error says what cannot be read.
*/
static inline bool account_read(account *a, const char *host, const char *file, bool plain)
{
    const char *const given = getenv("MISSKEY_TOKEN");
    char path[4096], text[1024];
    FILE *f;
    bool failed;
    if (file == NULL && given != NULL && *given != '\0') return account_take(a, given, "MISSKEY_TOKEN");
    if (file == NULL && (plain || !account_file(path, sizeof path, host))) return true;
    f = fopen(file != NULL ? file : path, "r");
    if (f == NULL && file == NULL && errno == ENOENT) return true;
    if (f != NULL) text[fread(text, 1, sizeof text - 1, f)] = '\0';
    failed = f == NULL || ferror(f);
    if (failed) snprintf(a->error, sizeof a->error, "cannot read %s: %s", file != NULL ? file : path, strerror(errno));
    if (f != NULL) fclose(f);
    return !failed && account_take(a, text, file != NULL ? file : path);
}

/* account_show -- sets what the upgrade request says about the account. The token is lent: a must stay where it is. */
static inline void account_show(const account *a, misskey_ws_desc *desc)
{
    desc->token = *a->token != '\0' ? a->token : NULL;
    desc->token_in_query = a->in_query;
}

/* account_advice -- what to tell the user after this event; NULL: nothing. Servers before 13.14 ignore the
   Authorization header and take the client for anonymous: only channels that need an account are refused. */
static inline const char *account_advice(account *a, const misskey_event *e, const char *channel)
{
    const bool ready = e->type == MISSKEY_EVENT_CHANNEL_READY, refused = e->type == MISSKEY_EVENT_CHANNEL_REFUSED;
    misskey_channel_info about;
    a->opened_ = a->opened_ || e->type == MISSKEY_EVENT_OPEN;
    if (!ready && !refused) return NULL;
    if (!misskey_channel_about(misskey_channel_find(misskey_jstr_text(channel)), &about)) return NULL;
    if (ready && about.credential) a->works_ = true;
    if (refused && !about.credential) a->public_refused_ = true;
    if (ready || !about.credential || *a->token == '\0' || a->in_query) return NULL;
    if (a->works_ || a->public_refused_ || a->advised_) return NULL;
    a->advised_ = true;
    return "the server may be older than 13.14 and ignore the token: try --token-in-query";
}

/* account_explain -- why a connection ended (CLOSED), for the user: one line. lost: what the transport said, "" =
   nothing. */
static inline void account_explain(const account *a, const misskey_event *e, const char *host, const char *lost,
                                   char *text, size_t cap)
{
    const int len = (int)e->text.len, location = (int)e->location.len;
    const char *const reason = len > 0 ? e->text.ptr : "", *const to = location > 0 ? e->location.ptr : "";
    const unsigned code = e->code;
    if (e->err == MISSKEY_ERR_OK) {
        snprintf(text, cap, "closed by the server (%u%s%.*s)", code, len > 0 ? " " : "", len, reason);
    } else if (e->err == MISSKEY_ERR_HTTP_STATUS && code == 401) {
        snprintf(text, cap, "the server %s (401 %.*s)", *a->token != '\0' ? "refuses the token" : "wants a token", len,
                 reason);
    } else if (e->err == MISSKEY_ERR_HTTP_STATUS && code == 403) {
        snprintf(text, cap, "the server, or a CDN before it, refuses us (403 %.*s)%s", len, reason,
                 a->opened_ || *a->token == '\0' ? "" : "; is the account suspended?");
    } else if (e->err == MISSKEY_ERR_HTTP_STATUS) {
        snprintf(text, cap, "the server answers %u %.*s%s%.*s", code, len, reason, location > 0 ? ": go to " : "",
                 location, to);
    } else if (e->err == MISSKEY_ERR_TRANSPORT && *lost != '\0') {
        snprintf(text, cap, "%s", lost);
    } else if (e->err == MISSKEY_ERR_TIMEOUT) {
        snprintf(text, cap, "no answer from %s in time%s", host, a->in_query && code == 0 ?
                 "; servers before 13.13 do not answer at all if the token is wrong" : "");
    } else {
        snprintf(text, cap, "%s", misskey_err_text(e->err));
    }
}

#endif /* ACCOUNT_H */
