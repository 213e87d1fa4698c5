/* list_unknown - what is said in recordings that the library has no enumerator for
   usage: list_unknown recv|send <MESSAGES, lines of messages.jsonl
   Prints a line for each such message that servers (recv) or clients (send) have sent: "message", "event", "note
   update", "notification", "operation" or "channel" and the name, still escaped, or "text" for what is no message.
   Exit status: 0 read to the end, 2 the usage or the input is not as above.
   POSIX: getline. */
#define _POSIX_C_SOURCE 200809L
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"

#include <stdio.h>
#include <stdlib.h>

static void print_name(const char *what, misskey_jstr name) { printf("%s %.*s\n", what, (int)name.len, name.ptr); }

static void list_notification(misskey_json body)
{
    misskey_notification notification;
    if (misskey_notification_read(body, &notification) &&
        misskey_notification_find(notification.type) == MISSKEY_NOTIFICATION_OTHER)
        print_name("notification", notification.type);
}

static void list_received(const misskey_message *m)
{
    const misskey_channel_event event = misskey_channel_event_find(m->event);
    if (m->kind == MISSKEY_KIND_NOTE_UPDATED && misskey_note_update_find(m->event) == MISSKEY_NOTE_UPDATE_OTHER)
        print_name("note update", m->event);
    if (m->kind != MISSKEY_KIND_CHANNEL) return;
    if (event == MISSKEY_CHANNEL_EVENT_OTHER) print_name("event", m->event);
    if (event == MISSKEY_CHANNEL_EVENT_NOTIFICATION || event == MISSKEY_CHANNEL_EVENT_UNREAD_NOTIFICATION)
        list_notification(m->body);
}

static void list_sent(const misskey_message *m)
{
    if (m->kind == MISSKEY_KIND_CHANNEL && misskey_operation_find(m->event) == MISSKEY_OPERATION_OTHER)
        print_name("operation", m->event);
    if (m->kind == MISSKEY_KIND_CONNECT && misskey_channel_find(m->channel) == MISSKEY_CHANNEL_OTHER)
        print_name("channel", m->channel);
}

static void list_message(const misskey_message *m, bool sent)
{
    if (m->kind == MISSKEY_KIND_TEXT) puts("text");
    if (m->kind == MISSKEY_KIND_OTHER) print_name("message", m->type);
    if (sent) list_sent(m);
    else list_received(m);
}

int main(int argc, char **argv)
{
    const bool sent = argc == 2 && strcmp(argv[1], "send") == 0;
    char *line = NULL, *text;
    size_t cap = 0, len;
    ssize_t n;
    misskey_json object;
    misskey_jstr data;
    misskey_message message;
    if (!sent && (argc != 2 || strcmp(argv[1], "recv") != 0)) {
        fputs("usage: list_unknown recv|send <MESSAGES\n", stderr);
        return 2;
    }
    while ((n = getline(&line, &cap, stdin)) > 0) {
        (void)misskey_json_check(line, (size_t)n, &object, NULL);
        data = misskey_json_str(misskey_json_get(object, "data"));
        text = malloc(data.len + 1);
        if (data.ptr == NULL || text == NULL) {
            fputs(text == NULL ? "list_unknown: out of memory\n" : "list_unknown: a line has no data\n", stderr);
            return 2;
        }
        len = misskey_jstr_copy(data, text, data.len + 1);
        if (misskey_jstr_eq(misskey_json_str(misskey_json_get(object, "dir")), argv[1]) &&
            misskey_message_parse(text, len, &message) == MISSKEY_ERR_OK)
            list_message(&message, sent);
        free(text);
    }
    free(line);
    return 0;
}
