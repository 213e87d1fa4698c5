/* screen.h - a grid of characters on a terminal, without curses

        screen_open(looks, colour);                 // the terminal is the program's; poll screen.signals
        screen_resize(columns, rows);
        pen_window(left, columns, top, bottom);     // then pen_put and pen_line, as on paper
        screen_show();                              // what differs from what the terminal has is sent
        screen_leave();                             // as it was; done at every exit and deadly signal as well

   Control characters do not get through to the terminal, whoever wrote them. Characters are measured by width.h.
   screen_svg.h makes a picture of it.
   What to copy: this file and width.h. POSIX: termios, ioctl, sigaction. There is one terminal: one set of variables.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef SCREEN_H
#define SCREEN_H
#include "width.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* attribute: 1 bold, 2 dim. Colours out of the 256 of xterm, 16 and up; 0 = the terminal's own. */
typedef struct screen_look { int attribute, ink, paper; } screen_look;

typedef struct screen_cell {
    char text[44];          /* one character; of longer ones the last marks are left out */
    uint8_t len, columns;   /* columns 0: the right half of the one before */
    uint8_t look;           /* index of the looks */
} screen_cell;

static struct {
    int width, height;
    int signals;            /* a byte comes in here for each SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGTSTP */
    const screen_look *looks;
    bool colour;
    screen_cell *wanted, *shown;    /* the frame being drawn, and what the terminal has */
    bool unknown;           /* what the terminal has is not known */
    struct termios before;
    volatile sig_atomic_t raw;      /* it is not as it was before */
    int wake;
    char *out;              /* bytes for the terminal */
    size_t len, cap;
} screen;

/* --- the terminal --- */

static inline void screen_send_(const char *p, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(STDOUT_FILENO, p, len);
        if (n < 0 && errno != EINTR) return;
        p += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

/* screen_leave -- gives the terminal back. Only what a signal handler may call. */
static inline void screen_leave(void)
{
    static const char end[] = "\033[?2026l\033[0m\033[?7h\033[?25h\033[?1049l";
    if (!screen.raw) return;
    screen.raw = 0;
    screen_send_(end, sizeof end - 1);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &screen.before);
}

/* screen_enter -- another page than the shell's, no cursor, no wrapping; keys come one by one and are not shown. */
static inline void screen_enter(void)
{
    static const char begin[] = "\033[?1049h\033[?25l\033[?7l";
    struct termios t = screen.before;
    t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    t.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    screen.raw = 1;
    screen.unknown = true;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &t);
    screen_send_(begin, sizeof begin - 1);
}

static inline void screen_on_signal_(int number)
{
    const int saved = errno;
    const char byte = (char)number;
    (void)!write(screen.wake, &byte, 1);
    errno = saved;
}

/* Of faults: the terminal first, then what would have happened. */
static inline void screen_on_fault_(int number)
{
    screen_leave();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* screen_open -- False: standard input and output are no terminal. */
static inline bool screen_open(const screen_look *looks, bool colour)
{
    static const int asked[] = { SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGTSTP };
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT };
    struct sigaction action;
    int ends[2];
    size_t i;
    if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &screen.before) != 0 || pipe(ends) != 0) return false;
    screen.looks = looks;
    screen.colour = colour;
    screen.signals = ends[0];
    screen.wake = ends[1];
    memset(&action, 0, sizeof action);
    action.sa_handler = screen_on_signal_;
    for (i = 0; i < sizeof asked / sizeof asked[0]; i++) (void)sigaction(asked[i], &action, NULL);
    action.sa_handler = screen_on_fault_;
    for (i = 0; i < sizeof faults / sizeof faults[0]; i++) (void)sigaction(faults[i], &action, NULL);
    (void)atexit(screen_leave);
    screen_enter();
    return true;
}

/* screen_resize -- the size of the grid; 0, 0: as the terminal is. False: no memory. */
static inline bool screen_resize(int columns, int rows)
{
    struct winsize size;
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    size_t bytes;
    if (columns == 0) {
        columns = !known ? 80 : size.ws_col > 20 ? size.ws_col : 20;
        rows = !known ? 24 : size.ws_row > 5 ? size.ws_row : 5;
    }
    bytes = (size_t)columns * (size_t)rows * sizeof(screen_cell);
    free(screen.wanted);
    free(screen.shown);
    screen.width = columns;
    screen.height = rows;
    screen.wanted = (screen_cell *)malloc(bytes);
    screen.shown = (screen_cell *)malloc(bytes);
    screen.unknown = true;
    return screen.wanted != NULL && screen.shown != NULL;
}

/* --- cells --- */

static inline screen_cell *screen_at(int x, int y) { return screen.wanted + (size_t)y * (size_t)screen.width + x; }

static inline void screen_set(int x, int y, const char *text, size_t len, int columns, int look)
{
    screen_cell *const c = screen_at(x, y);
    if (len > sizeof c->text) {
        len = sizeof c->text;
        while ((text[len] & 0xC0) == 0x80) len--;
    }
    memset(c, 0, (size_t)columns * sizeof *c);
    memcpy(c->text, text, len);
    c->len = (uint8_t)len;
    c->columns = (uint8_t)columns;
    c->look = (uint8_t)look;
    c[columns - 1].look = (uint8_t)look;
}

/* screen_fill -- rows from y to below bottom: blanks. */
static inline void screen_fill(int y, int bottom, int look)
{
    int x;
    for (; y < bottom; y++) for (x = 0; x < screen.width; x++) screen_set(x, y, " ", 1, 1, look);
}

static inline void screen_emit_(const char *format, ...)
{
    va_list args;
    if (screen.cap - screen.len < 128) {
        char *const more = (char *)realloc(screen.out, screen.cap * 2 + 4096);
        if (more == NULL) return;
        screen.out = more;
        screen.cap = screen.cap * 2 + 4096;
    }
    va_start(args, format);
    screen.len += (size_t)vsnprintf(screen.out + screen.len, 128, format, args);
    va_end(args);
}

static inline void screen_emit_look_(const screen_look *look)
{
    screen_emit_("\033[0");
    if (look->attribute > 0) screen_emit_(";%d", look->attribute);
    if (screen.colour && look->ink > 0) screen_emit_(";38;5;%d", look->ink);
    if (screen.colour && look->paper > 0) screen_emit_(";48;5;%d", look->paper);
    screen_emit_("m");
}

/* Terminals disagree about emoji, above all where several code points are joined. So their place is blanked first, and
   where the next cell is, the terminal is told. */
static inline void screen_emit_row_(int y)
{
    int x, look = -1;
    bool lost = true;
    for (x = 0; x < screen.width; x++) {
        const screen_cell *const c = screen_at(x, y);
        const bool doubtful = c->len > 3;
        if (c->columns == 0) continue;
        if (c->look != look) screen_emit_look_(&screen.looks[look = c->look]);
        if (lost || doubtful) screen_emit_("\033[%d;%dH", y + 1, x + 1);
        if (doubtful) screen_emit_("%.*s\033[%d;%dH", (int)c->columns, "  ", y + 1, x + 1);
        screen_emit_("%.*s", (int)c->len, c->text);
        lost = doubtful;
    }
}

/* screen_show -- the rows that differ, all at once on terminals that know mode 2026. */
static inline void screen_show(void)
{
    const size_t bytes = (size_t)screen.width * sizeof(screen_cell);
    int y;
    screen.len = 0;
    screen_emit_("\033[?2026h");
    if (screen.unknown) screen_emit_("\033[0m\033[2J");
    for (y = 0; y < screen.height; y++) {
        screen_cell *const shown = screen.shown + (size_t)y * (size_t)screen.width;
        if (!screen.unknown && memcmp(screen_at(0, y), shown, bytes) == 0) continue;
        screen_emit_row_(y);
        memcpy(shown, screen_at(0, y), bytes);
    }
    screen_emit_("\033[?2026l");
    screen.unknown = false;
    screen_send_(screen.out, screen.len);
}

/* --- the pen --- */

static struct {
    int x, y;               /* of the next character; x counts from left */
    int left, columns;      /* the window */
    int top, bottom;        /* what is above, or from bottom on, is not drawn */
    bool word;              /* a word begins here */
    bool full;              /* nothing more goes into this line */
    int look;
} pen;

/* pen_window -- where the pen writes, from its first line on. */
static inline void pen_window(int left, int columns, int top, int bottom)
{
    pen.left = left;
    pen.columns = columns;
    pen.y = pen.top = top;
    pen.bottom = bottom;
    pen.x = 0;
    pen.word = true;
    pen.full = false;
}

/* pen_line -- on to the next line. */
static inline void pen_line(void)
{
    pen.x = 0;
    pen.y++;
    pen.word = true;
    pen.full = false;
}

/* pen_to -- on to that column of this line. */
static inline void pen_to(int x)
{
    pen.x = x;
    pen.full = false;
}

static inline bool pen_seen_(void) { return pen.y >= pen.top && pen.y < pen.bottom && pen.x >= 0; }

static inline void pen_cell_(const char *text, size_t len, int columns)
{
    if (pen_seen_() && pen.x + columns <= pen.columns)
        screen_set(pen.left + pen.x, pen.y, text, len, columns, pen.look);
    pen.x += columns;
}

/* No line begins with these: they stay with what stands before them. */
static inline bool pen_closes_(const char *text, size_t len)
{
    static const char signs[] = "、。，．！？」』）】";     /* 3 bytes each */
    size_t i;
    for (i = 0; len == 3 && i < sizeof signs - 1; i += 3) if (memcmp(signs + i, text, 3) == 0) return true;
    return false;
}

/* Columns of the text up to the next place where a line may end, which is *end. */
static inline int pen_word_(const char *text, size_t len, const char **end)
{
    int all = 0, columns;
    bool wide = false;
    size_t n;
    for (; len > 0; text += n, len -= n) {
        n = width_next(text, len, &columns);
        if (columns < 0 || *text == ' ' || (all > 0 && (wide || columns == 2) && !pen_closes_(text, n))) break;
        all += columns;
        wide = columns == 2;
    }
    *end = text;
    return all;
}

/* "…" as the last thing in this line, in place of what stands there. */
static inline void pen_cut_(void)
{
    pen.full = true;
    if (pen.x == pen.columns) pen.x--;
    if (pen_seen_() && screen_at(pen.left + pen.x, pen.y)->columns == 0)
        screen_set(pen.left + pen.x - 1, pen.y, " ", 1, 1, pen.look);
    pen_cell_("…", strlen("…"), 1);
}

/* pen_text -- over at most so many lines; "…" if it takes more. Each word is measured once. */
static inline void pen_text(const char *text, size_t len, int lines)
{
    const char *end = text;     /* of the word that was measured last */
    int columns, need;
    size_t n;
    for (; len > 0 && !pen.full; text += n, len -= n) {
        const char *sign = text;
        size_t size = n = width_next(text, len, &columns);
        if (columns == 0 || *text == '\r') continue;
        if (*text == '\n' && lines > 1) {
            pen_line();
            lines--;
            continue;
        }
        if (columns < 0) {
            sign = *text == '\n' || *text == '\t' ? " " : "\xEF\xBF\xBD";
            size = strlen(sign);
            columns = 1;
        }
        need = pen.word && text >= end ? pen_word_(text, len, &end) : columns;
        if (need < columns || need > pen.columns) need = columns;
        if (pen.x + need > pen.columns && lines > 1) {
            pen_line();
            lines--;
            if (*sign == ' ') continue;
        }
        if (pen.x + columns > pen.columns) pen_cut_();
        else pen_cell_(sign, size, columns);
        pen.word = *sign == ' ' || columns == 2;
    }
}

static inline void pen_put(const char *text) { pen_text(text, strlen(text), 1); }

/* pen_columns -- how many pen_put takes. */
static inline int pen_columns(const char *text)
{
    size_t len = strlen(text), n;
    int all = 0, columns;
    for (; len > 0; text += n, len -= n) {
        n = width_next(text, len, &columns);
        all += columns < 0 ? *text != '\r' : columns;
    }
    return all;
}

#endif /* SCREEN_H */
