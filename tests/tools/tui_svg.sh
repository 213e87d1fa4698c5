#!/bin/sh
# Prints examples/tui.svg: the end of a recording of misskey-serve, as misskey-tui draws it. usage: tui_svg.sh [PROGRAM]
TZ=JST-9 "${1:-build/misskey-tui}" --replay tests/recordings/demo --svg 100x30
