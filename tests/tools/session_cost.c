/* session_cost - runs one kind of work of a session many times, for counting instructions in measured()
   usage: session_cost event|note|capture CHANNELS CAPTURES COUNT
   event: an event of one of CHANNELS channels; note: an update of one of CAPTURES notes; capture: capture and
   release of one more note, with subNote and unsubNote. Each time the clock goes on, too. Prints how many events and
   texts came of it.
   Exit status: 0, or 2 on usage. */
#define MISSKEY_STREAM_IMPLEMENTATION
#include "../../misskey_stream.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_CHANNELS = 32, MAX_CAPTURES = 10000, ID = 16, TEXT = 128 };

static misskey_session session;
static misskey_channel_slot channels[MAX_CHANNELS];
static misskey_capture_slot captures[MAX_CAPTURES + 1];
static char notes[MAX_CAPTURES + 1][ID + 1], ids[MAX_CHANNELS][20];
static char channel_events[MAX_CHANNELS][TEXT], note_events[MAX_CAPTURES + 1][TEXT];
static uint32_t now, seed = 1;
static unsigned long events, texts;

static unsigned random_below(unsigned n)
{
    seed = seed * 1664525u + 1013904223u;
    return (unsigned)((uint64_t)seed * n >> 32);
}

/* The kind of id that servers make by default: 8 digits of time, 4 of the server, 4 of a counter, to the base of 36. */
static void make_id(char *id, unsigned n)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    uint64_t time = UINT64_C(820000000000) + (uint64_t)n * 977;
    unsigned i;
    memcpy(id, "00000000xzet0000", ID + 1);
    for (i = 8; i-- > 0; time /= 36) id[i] = digits[time % 36];
    for (i = ID; i-- > 12; n /= 36) id[i] = digits[n % 36];
}

/* Everything that waits to be sent; ids of connects are kept. */
static void send_all(void)
{
    char text[256];
    misskey_message m;
    size_t len;
    static unsigned connects;
    while (misskey_session_send_message(&session, text, sizeof text, &len) == MISSKEY_ERR_OK) {
        texts++;
        if (len < 9 || memcmp(text, "{\"type\":\"connect\"", 17) != 0) continue;
        misskey_message_parse(text, len, &m);
        misskey_jstr_copy(m.id, ids[connects++], sizeof ids[0]);
    }
}

static void receive(const char *text)
{
    misskey_event e;
    misskey_session_recv_message(&session, text, strlen(text));
    while (misskey_session_poll(&session, &e)) events++;
    send_all();
}

static void set_up(unsigned num_channels, unsigned num_captures)
{
    misskey_session_desc desc;
    misskey_channel channel;
    char text[TEXT];
    unsigned i;
    memset(&desc, 0, sizeof desc);
    desc.channels = channels;
    desc.num_channels = (uint16_t)num_channels;
    desc.captures = captures;
    desc.num_captures = (uint16_t)(num_captures + 1);
    desc.rate = 0xFFFF;
    desc.heartbeat_ms = MISSKEY_FOREVER;
    misskey_session_init(&session, &desc);
    for (i = 0; i < num_channels; i++) misskey_channel_open(&session, "hashtag", NULL, NULL, &channel);
    for (i = 0; i <= num_captures; i++) {
        make_id(notes[i], i);
        sprintf(note_events[i], "{\"type\":\"noteUpdated\",\"body\":{\"id\":\"%.16s\",\"type\":\"reacted\","
                                "\"body\":{\"reaction\":\":a@.:\"}}}", notes[i]);
    }
    for (i = 0; i < num_captures; i++) misskey_note_capture(&session, notes[i], ID);
    misskey_session_transport_up(&session);
    receive("pong");
    for (i = 0; i < num_channels; i++) {
        sprintf(text, "{\"type\":\"connected\",\"body\":{\"id\":\"%.16s\"}}", ids[i]);
        receive(text);
        sprintf(channel_events[i], "{\"type\":\"channel\",\"body\":{\"id\":\"%.16s\",\"type\":\"note\","
                                   "\"body\":{\"id\":\"%.16s\"}}}", ids[i], notes[i % num_captures]);
    }
}

/* Not static, and called through a pointer, so that it has a name to count by. */
void measured(char mode, unsigned num_channels, unsigned num_captures, unsigned long count);
void measured(char mode, unsigned num_channels, unsigned num_captures, unsigned long count)
{
    misskey_event e;
    for (; count > 0; count--) {
        const unsigned channel = random_below(num_channels), note = random_below(num_captures);
        misskey_session_tick(&session, now += 1000);
        if (mode == 'e') {
            receive(channel_events[channel]);
        } else if (mode == 'n') {
            receive(note_events[note]);
        } else if (mode == 'c') {
            misskey_note_capture(&session, notes[num_captures], ID);
            send_all();
            misskey_note_release(&session, notes[num_captures], ID);
            send_all();
            while (misskey_session_poll(&session, &e)) events++;
        }
    }
}

int main(int argc, char **argv)
{
    void (*volatile work)(char, unsigned, unsigned, unsigned long) = measured;
    const unsigned num_channels = argc == 5 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    const unsigned num_captures = argc == 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    if (num_channels < 1 || num_channels > MAX_CHANNELS || num_captures < 1 || num_captures > MAX_CAPTURES) {
        fprintf(stderr, "usage: session_cost event|note|capture CHANNELS CAPTURES COUNT, up to %d and %d\n",
                MAX_CHANNELS, MAX_CAPTURES);
        return 2;
    }
    set_up(num_channels, num_captures);
    events = texts = 0;
    work(argv[1][0], num_channels, num_captures, strtoul(argv[4], NULL, 10));
    printf("%lu events, %lu texts\n", events, texts);
    return 0;
}
