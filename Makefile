# For GNU make. Needs a C compiler and a POSIX shell, nothing else. Honoured: CC CPPFLAGS CFLAGS LDFLAGS PREFIX DESTDIR
# make            the programs, into build/      make check     tests, then everything that tests/check_*.sh checks
# make test       every tests/test_*.c           make size      flash, memory and stack
# make demo       a recorded timeline            make fuzz SECONDS=n   each fuzz/fuzz_*.c for n seconds (needs clang)
# make demo-live  misskey-tail and misskey-serve over loopback; it ends by itself
# make build/NAME one program                    make run-NAME   one program of tests/test_*.c or fuzz/fuzz_*.c
# make install, make clean
# make bench      speed, against the peers that are installed and those in PEERS="/path/to/a.so ..."; REPETITIONS=9
# make test GREATEST=/path/to/dir uses another greatest.h; BUILD=dir builds elsewhere. TLS=openssl, mbedtls, bearssl or
# none: what tail, tui and bot are built with; by default the first of them that pkg-config knows.

BUILD ?= build
PREFIX ?= /usr/local
GREATEST ?= tests/greatest
RECORDING ?= tests/recordings/timelines
CLANG ?= clang
SECONDS ?= 30
REPETITIONS ?= 9

ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
endif

ifndef TLS
TLS := $(firstword $(foreach name,openssl mbedtls bearssl,$(shell pkg-config --exists $(name) 2>/dev/null && echo $(name))) none)
endif
TLS_LIBS_openssl = -lssl -lcrypto
TLS_LIBS_mbedtls = -lmbedtls -lmbedx509 -lmbedcrypto
TLS_LIBS_bearssl = -lbearssl

TOOLS = $(patsubst tests/tools/%.c,$(BUILD)/%,$(wildcard tests/tools/*.c))
TESTS = $(patsubst tests/%.c,%,$(wildcard tests/test_*.c))
FUZZERS = $(patsubst fuzz/%.c,%,$(wildcard fuzz/fuzz_*.c))
PROGRAMS = tail serve tui bot
SECURE = $(BUILD)/misskey-tail $(BUILD)/misskey-tui $(BUILD)/misskey-bot
LINUX = $(filter Linux,$(shell uname -s))
PAGE = index.html page.css page.js
DEPS = misskey_stream.h $(wildcard tests/*.h tests/tools/*.h fuzz/*.h examples/*.h) $(BUILD)/flags
COMPILE = $(CC) -std=c99 -Wall -Wextra $(CPPFLAGS)

.PHONY: all test demo demo-live check size bench fuzz install clean FORCE $(BUILD)/browser \
	$(TESTS:%=log-%) $(TESTS:%=run-%) $(FUZZERS:%=run-%)

all: $(TOOLS) $(PROGRAMS:%=$(BUILD)/misskey-%) $(LINUX:%=$(BUILD)/misskey-epoll)

# Changes when the compiler or its options do, so that everything is built anew then.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILE) $(CFLAGS) $(LDFLAGS) $(GREATEST) $(TLS)' | cmp -s - $@ || \
		echo '$(COMPILE) $(CFLAGS) $(LDFLAGS) $(GREATEST) $(TLS)' >$@

$(BUILD)/wire_replay $(BUILD)/json_check: private CPPFLAGS += -DMISSKEY_MAX_DEPTH=4096

# For examples/python/misskey.py.
$(BUILD)/libmisskey_stream.so: examples/python/library.c $(DEPS)
	$(COMPILE) -O2 $(CFLAGS) $(LDFLAGS) -fPIC -shared -o $@ $<

$(BUILD)/misskey-%: examples/%.c $(DEPS)
	$(COMPILE) -O2 $(CFLAGS) $(LDFLAGS) -o $@ $< $(LIBS)

ifneq ($(TLS),none)
$(SECURE): private CPPFLAGS += -DTLS_HEADER='"tls_$(TLS).h"' $(shell pkg-config --cflags $(TLS) 2>/dev/null)
$(SECURE): private LIBS = $(shell pkg-config --libs $(TLS) 2>/dev/null || echo $(TLS_LIBS_$(TLS)))
endif

# These need more than a compiler: libcurl, libwebsockets.
$(BUILD)/curl $(BUILD)/lws: $(BUILD)/%: examples/%.c $(DEPS)
	$(COMPILE) -O2 $(CFLAGS) $(LDFLAGS) -o $@ $< $$(pkg-config --cflags --libs $(PACKAGE))
$(BUILD)/curl: private PACKAGE = libcurl
$(BUILD)/lws: private PACKAGE = libwebsockets

# The browser page, to be put on any server for files. Needs clang and lld, no libc.
$(BUILD)/browser: $(PAGE:%=$(BUILD)/browser/%) $(BUILD)/browser/page.wasm

$(PAGE:%=$(BUILD)/browser/%): $(BUILD)/browser/%: examples/browser/%
	@mkdir -p $(@D)
	cp $< $@

$(BUILD)/browser/page.wasm: examples/browser/page.c examples/browser/string.h $(DEPS)
	@mkdir -p $(@D)
	$(CLANG) --target=wasm32 -mbulk-memory -std=c99 -Wall -Wextra -O2 -ffreestanding -nostdlib -isystem $(<D) \
		-Wl,--no-entry,--strip-all,--stack-first -o $@ $<

$(BUILD)/%: tests/tools/%.c $(DEPS)
	$(COMPILE) -O2 $(CFLAGS) $(LDFLAGS) -o $@ $<

# The library as it is compiled for different targets, to be compared.
AGREE = $(BUILD)/agree_fast.o $(BUILD)/agree_fast_plain.o $(BUILD)/agree_small.o
AGREE_fast_plain = -DMISSKEY_NO_SIMD=1
AGREE_small = -D__OPTIMIZE_SIZE__=1
$(AGREE): $(BUILD)/agree_%.o: tests/agree_path.c $(DEPS)
	$(COMPILE) -O2 $(CFLAGS) $(AGREE_$*) -DAGREE_PATH=$* -c -o $@ $<

$(BUILD)/agree: tests/tools/agree.c $(AGREE) $(DEPS)
	$(COMPILE) -O2 $(CFLAGS) $(LDFLAGS) -o $@ $< $(AGREE)

# Test programs run shortly: what takes time is compiling them.
TESTED = $(COMPILE) -g -DMISSKEY_POISON=1

$(BUILD)/implementation.a: tests/implementation.c $(DEPS)
	$(TESTED) -O1 $(CFLAGS) -c -o $(@:.a=.o) $<
	$(AR) -rc $@ $(@:.a=.o)

# The archive is for tests that do not define MISSKEY_STREAM_IMPLEMENTATION themselves; others take nothing from it.
$(BUILD)/test_%: tests/test_%.c $(BUILD)/implementation.a $(GREATEST)/greatest.h
	$(TESTED) -I $(GREATEST) $(CFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/implementation.a

$(BUILD)/test_agree: tests/test_agree.c tests/tools/agree.c $(AGREE) $(GREATEST)/greatest.h
	$(TESTED) -O1 -I $(GREATEST) $(CFLAGS) $(LDFLAGS) -o $@ $< $(AGREE)

# Whatever comes of it, so that the others run too. Who wants to know reads the log: run-% and test.
$(TESTS:%=log-%): log-%: $(BUILD)/%
	@$(BUILD)/$* >$(BUILD)/$*.log 2>&1; echo "exit status $$?" >>$(BUILD)/$*.log

$(TESTS:%=run-%): run-%: log-%
	@awk -v goal=$@ -f tests/tools/summary.awk $(BUILD)/$*.log

test: $(TESTS:%=log-%)
	@awk -v goal=$@ -f tests/tools/summary.awk $(TESTS:%=$(BUILD)/%.log)

demo: $(BUILD)/misskey-tail
	@$(BUILD)/misskey-tail --replay $(RECORDING)

demo-live: $(BUILD)/misskey-tail $(BUILD)/misskey-serve
	@$(BUILD)/misskey-serve --speed 5 >$(BUILD)/demo.out 2>&1 & server=$$!; trap 'kill $$server' EXIT; \
	for i in 1 2 3 4 5 6 7 8 9 10; do grep -q : $(BUILD)/demo.out && break; sleep 0.1 2>/dev/null || sleep 1; done; \
	$(BUILD)/misskey-tail --plain --capture --seconds 6 "127.0.0.1:$$(sed -n 's/.*://p;q' $(BUILD)/demo.out)"

check: all
	@MAKE='$(MAKE)' BUILD=$(BUILD) sh tests/tools/run_checks.sh

size:
	@BUILD=$(BUILD) sh tests/tools/size.sh

bench:
	@MAKE='$(MAKE)' BUILD=$(BUILD) REPETITIONS=$(REPETITIONS) sh tests/bench/run.sh $(PEERS)

# The library three times: as the compiler has it, without vectors, and small.
BENCH_DEPS = tests/bench/peer.h tests/bench/bench.h tests/bench/own.c $(DEPS)
SHARED = -O2 -fPIC -shared -fvisibility=hidden -DNDEBUG
OWN_portable = -DMISSKEY_NO_SIMD=1
OWN_small = -DMISSKEY_NO_SIMD=1 -Os
$(BUILD)/bench/own.so: tests/bench/own.c $(BENCH_DEPS)
	@mkdir -p $(@D)
	$(COMPILE) $(SHARED) $(CFLAGS) $(LDFLAGS) -o $@ $<

$(BUILD)/bench/own-%.so: tests/bench/own.c $(BENCH_DEPS)
	@mkdir -p $(@D)
	$(COMPILE) $(SHARED) $(OWN_$*) -DOWN_NAME='"misskey_stream.h, $*"' $(CFLAGS) $(LDFLAGS) -o $@ $<

$(BUILD)/bench/%.so: tests/bench/peers/%.c $(BENCH_DEPS)
	@mkdir -p $(@D)
	$(COMPILE) $(SHARED) $(CFLAGS) $(LDFLAGS) -o $@ $< -l$*

PEER_LIBS_simdjson = -lsimdjson
$(BUILD)/bench/%.so: tests/bench/peers/%.cc $(BENCH_DEPS)
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -Wall -Wextra $(CPPFLAGS) $(SHARED) $(CXXFLAGS) $(LDFLAGS) -o $@ $< $(PEER_LIBS_$*)

$(BUILD)/bench/%: tests/bench/%.c $(BENCH_DEPS)
	@mkdir -p $(@D)
	$(COMPILE) -O2 -DNDEBUG $(CFLAGS) $(LDFLAGS) -o $@ $< -ldl -pthread

$(BUILD)/fuzz_%: fuzz/fuzz_%.c $(DEPS)
	$(CLANG) -std=c99 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $(CPPFLAGS) -o $@ $<

$(FUZZERS:%=run-%): run-fuzz_%:
	@MAKE='$(MAKE)' CLANG=$(CLANG) BUILD=$(BUILD) sh tests/tools/run_fuzzer.sh $* $(SECONDS)

fuzz: $(FUZZERS:%=run-%)

SHARE = $(DESTDIR)$(PREFIX)/share
install: $(BUILD)/misskey-tail
	mkdir -p $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/bin $(SHARE)/man/man1
	mkdir -p $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions
	cp misskey_stream.h $(DESTDIR)$(PREFIX)/include/
	cp $(BUILD)/misskey-tail $(DESTDIR)$(PREFIX)/bin/
	cp examples/misskey-tail.1 $(SHARE)/man/man1/
	cp examples/misskey-tail.bash $(SHARE)/bash-completion/completions/misskey-tail
	cp examples/_misskey-tail $(SHARE)/zsh/site-functions/

clean:
	rm -rf $(BUILD)
