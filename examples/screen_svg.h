/* screen_svg.h - what screen.h has drawn, as an SVG picture on stdout: a cell is 9 by 18 dots
   What to copy: the file, with screen.h.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef SCREEN_SVG_H
#define SCREEN_SVG_H
#include "screen.h"

static inline void svg_colour_(const char *name, int number, const char *otherwise)
{
    static const int steps[] = { 0, 95, 135, 175, 215, 255 };
    const int n = number - 16, grey = 8 + 10 * (number - 232);
    if (number == 0) printf(" %s='%s'", name, otherwise);
    else if (number >= 232) printf(" %s='#%02x%02x%02x'", name, grey, grey, grey);
    else printf(" %s='#%02x%02x%02x'", name, steps[n / 36], steps[n / 6 % 6], steps[n % 6]);
}

/* Emoji, letters beyond the BMP and what is joined: fonts give them widths of their own. */
static inline bool svg_is_alone_(const screen_cell *c)
{
    uint32_t first;
    (void)width_decode(c->text, c->len, &first);
    return c->len > 3 || width_of(first) == WIDTH_EMOJI;
}

/* Where the piece that begins at x ends: cells of one look and one width, up to two blanks. What is alone and a border
   are pieces by themselves. */
static inline int svg_piece_(int x, int y)
{
    const screen_cell *const first = screen_at(x, y);
    int end = x + first->columns, blanks = 0;
    if (strncmp(first->text, "│", first->len) == 0) return end;
    for (; end < screen.width && !svg_is_alone_(first) && blanks < 2; end += first->columns) {
        const screen_cell *const c = screen_at(end, y);
        if (c->look != first->look || c->columns != first->columns || svg_is_alone_(c)) break;
        if (strncmp(c->text, "│", c->len) == 0) break;
        blanks = *c->text == ' ' ? blanks + 1 : 0;
    }
    return end - blanks * first->columns;
}

/* A viewer's fonts are not known: textLength keeps every piece on the grid. */
static inline void svg_text_(int x, int end, int y)
{
    const screen_cell *c = screen_at(x, y);
    const screen_look *const look = &screen.looks[c->look];
    const bool alone = svg_is_alone_(c);
    if (strncmp(c->text, "│", c->len) == 0) {
        printf("<path d='M%d.5 %dv18' stroke='#4b505c'/>\n", 9 * x + 4, 18 * y);
        return;
    }
    printf("<text x='%d' y='%d' class='%s%s'", alone ? 9 * x + 9 * c->columns / 2 : 9 * x, 18 * y + 14,
           alone ? "e" : c->columns == 2 ? "w" : "", look->attribute == 1 ? " b" : "");
    if (!alone) printf(" textLength='%d'", 9 * (end - x));
    svg_colour_("fill", look->ink, look->attribute == 2 ? "#8b919e" : "#dfe2e8");
    putchar('>');
    for (; x < end; x++) {
        c = screen_at(x, y);
        if (*c->text == '<' || *c->text == '&') printf("&#%d;", *c->text);
        else printf("%.*s", (int)c->len, c->text);
    }
    puts("</text>");
}

/* screen_svg -- prints the frame that is drawn. */
static inline void screen_svg(void)
{
    int x, y, end;
    const int w = 9 * screen.width + 18, h = 18 * screen.height + 18;
    printf("<svg xmlns='http://www.w3.org/2000/svg' viewBox='-9 -9 %d %d' width='%d' height='%d'>\n<style>"
           "text{white-space:pre;"
           "font:15px ui-monospace,Menlo,Consolas,DejaVu Sans Mono,Noto Sans Mono CJK JP,monospace}"
           ".b{font-weight:bold}.w{font-size:17px}"
           ".e{text-anchor:middle;font-family:Apple Color Emoji,Segoe UI Emoji,Noto Color Emoji}</style>\n"
           "<rect x='-9' y='-9' width='%d' height='%d' rx='8' fill='#17191e'/>\n", w, h, w, h, w, h);
    for (y = 0; y < screen.height; y++) {
        for (x = 0; x < screen.width; x = end) {
            const screen_look *const look = &screen.looks[screen_at(x, y)->look];
            for (end = x; end < screen.width && &screen.looks[screen_at(end, y)->look] == look; end++) {}
            if (look->paper == 0) continue;
            printf("<rect x='%d' y='%d' width='%d' height='18'", 9 * x, 18 * y, 9 * (end - x));
            svg_colour_("fill", look->paper, "");
            puts("/>");
        }
        for (x = 0; x < screen.width; x = end) {
            end = x + screen_at(x, y)->columns;
            if (*screen_at(x, y)->text == ' ') continue;
            end = svg_piece_(x, y);
            svg_text_(x, end, y);
        }
    }
    puts("</svg>");
}

#endif /* SCREEN_SVG_H */
