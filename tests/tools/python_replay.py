"""python_replay.py DIR...: prints what wire_replay prints for each recording, by examples/python/misskey.py.
python_replay.py --check: tests that module."""
import base64
import contextlib
import ctypes
import gc
import gzip
import hashlib
import io
import json
import math
import os
import sys
import threading
import time
import traceback
import weakref
from array import array
from random import Random

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/python"))
import misskey

out = sys.stdout.buffer


def read_file(path):
    if os.path.exists(path):
        with open(path, "rb") as file:
            return file.read()
    with gzip.open(path + ".gz") as file:
        return file.read()


def headers(request):
    lines = request.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    return {name.lower(): value.strip().decode() for name, _, value in (line.partition(b":") for line in lines)}


def member(value, name):
    """As it is on the wire; None if there is none."""
    return misskey.library.misskey_json_get(value, name)


def if_string(value):
    raw = value.bytes()
    return raw if raw is not None and raw.startswith(b'"') else None


def print_message(e):
    if e.kind >= misskey.KIND_TEXT:
        out.write(b'{"event":"text","data":%s}\n' % json.dumps(e.text.decode(), ensure_ascii=False).encode())
        return
    text = e.text.strip(b" \t\r\n")
    root = misskey.Text(misskey.ctypes.cast(misskey.ctypes.c_char_p(text), misskey.c_void_p), len(text))
    outer = member(root, b"body")
    wraps = e.kind in (misskey.KIND_CHANNEL, misskey.KIND_NOTE_UPDATED)
    parts = (("type", member(root, b"type").bytes()), ("id", if_string(member(outer, b"id"))),
             ("inner", member(outer, b"type").bytes() if wraps else None),
             ("body", e.body if wraps else outer.bytes()))
    out.write(b'{"event":"message"')
    for name, value in parts:
        value = b"null" if value is None else value.replace(b"\n", b" ").replace(b"\r", b" ")
        out.write(b',"%s":%s' % (name.encode(), value))
    out.write(b"}\n")


def print_event(e):
    """False after the last one."""
    if e.type == "OPEN":
        out.write(b'{"event":"open"}\n')
    elif e.type == "MESSAGE":
        print_message(e)
    elif e.type == "DROPPED":
        out.write(b'{"event":"dropped","size":%d}\n' % e.size)
    elif e.type == "CLOSED":
        out.write(b'{"event":"closed","code":%d,"error":"%s"}\n' % (e.code, e.error.encode()))
    return e.type != "CLOSED"


def replay(folder):
    server, request = read_file(folder + "/server.bin"), read_file(folder + "/client.bin")
    fields = headers(request)
    try:
        nonce = base64.b64decode(fields.get(b"sec-websocket-key", ""), validate=True)
    except ValueError:
        nonce = b""
    nonce = nonce if len(nonce) == 16 else bytes(16)
    protocols = fields.get(b"sec-websocket-protocol")
    client = misskey.Client("replay", headers=[("Sec-WebSocket-Protocol", protocols)] if protocols else [],
                            entropy=lambda size: nonce if size == 16 else bytes(size),
                            receive=len(server) + len(request), channels=0, captures=0)

    def drain():
        still_open = True
        for event in client.events():
            still_open = print_event(event) and still_open
        client.take_output()
        return still_open

    client.transport_up()
    drain()
    while server:
        server = server[client.feed(server):]
        if not drain():
            break
    client.transport_down()
    drain()


# --- tests of the module ---

ACCEPTED = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %s\r\n\r\n")
SIZE = (b"", b"\x7e", b"\x7f")


def expect(right, what):
    if not right:
        raise AssertionError(what)


def refused(name, call, *arguments, **named):
    """Does it raise Error of this name, or an exception of this class, with a sentence?"""
    try:
        call(*arguments, **named)
    except misskey.Error as error:
        return error.name == name and str(error) != ""
    except Exception as error:
        return isinstance(name, type) and isinstance(error, name) and " " in str(error)
    return False


def frame(text):
    text = text.encode() if isinstance(text, str) else text
    kind = (len(text) > 125) + (len(text) > 65535)
    size = bytes([len(text)]) if kind == 0 else SIZE[kind] + len(text).to_bytes(2 if kind == 1 else 8, "big")
    return b"\x81" + size + text


def accept(request):
    key = headers(request)[b"sec-websocket-key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return ACCEPTED % base64.b64encode(hashlib.sha1(key).digest())


class World:
    """A client and its server, which acknowledges channels."""

    def __init__(self, host="misskey.example", entropy=bytes, **named):
        self.client = misskey.Client(host, entropy=entropy, **named)    # bytes(n): masks are zero
        self.events, self.texts, self.request, self.now = [], [], b"", 0
        self.upgraded, self.id = False, ""

    def dial(self):
        self.upgraded = False
        self.client.tick(self.now)
        self.client.transport_up()
        self.turn()

    def redials(self):
        """Ends the connection and waits for DIAL."""
        before = len(self.events)
        self.client.transport_down()
        self.turn()
        while self.count("DIAL", before) == 0 and self.now < 3_600_000:
            self.now += 1000
            self.client.tick(self.now)
            self.turn()
        return self.count("DIAL", before) > 0

    def turn(self, answer=b""):
        while True:
            self.events += self.client.receive(answer)
            answer = self.serve(self.client.take_output())
            if not answer:
                return

    def serve(self, out):
        answer = b""
        if out and not self.upgraded:
            self.request, self.upgraded = out, True
            answer, out = accept(out), out[out.index(b"\r\n\r\n") + 4:]
        while out:
            size, at = out[1] & 127, 6
            if size == 126:
                size, at = int.from_bytes(out[2:4], "big"), 8
            mask, text = out[at - 4:at], out[at:at + size]
            text = bytes(byte ^ mask[i % 4] for i, byte in enumerate(text))
            self.texts.append(b"control" if out[0] & 8 else text)
            out = out[at + size:]
            if b'"type":"connect"' in self.texts[-1]:
                self.id = json.loads(text)["body"]["id"]
                answer += frame(json.dumps({"type": "connected", "body": {"id": self.id}}))
        return answer

    def message(self, body, name='"note"'):
        """The event of a channel message with this body; both are JSON texts."""
        before = len(self.events)
        self.turn(frame(f'{{"type":"channel","body":{{"id":"{self.id}","type":{name},"body":{body}}}}}'))
        return self.events[before]

    def count(self, kind, since=0):
        return sum(event.type == kind for event in self.events[since:])

    def sent(self, part, since=0):
        return sum(part in text for text in self.texts[since:])


def open_world(**named):
    world = World(**named)
    world.dial()
    channel = world.client.open("localTimeline")
    world.turn()
    return world, channel


def test_traffic():
    expect(refused("BAD_ARG", misskey.Client, "two\nlines"), "a host with a line break is refused")
    world = World(channels=2, captures=1)
    client = world.client
    expect(refused("NO_TOKEN", client.open, "main"), "main without token is refused")
    with client.open("localTimeline", withReplies=True, name="a parameter") as local:
        world.dial()
        expect(b"GET /streaming HTTP/1.1\r\nHost: misskey.example\r\n" in world.request, "the request")
        body = json.loads(world.texts[0])["body"]
        expect(body["channel"] == "localTimeline", "connect")
        expect(body["params"] == {"withReplies": True, "name": "a parameter"}, "params")
        event = world.message('{"id":"n1","text":"あ","files":[{"url":"u"}]}')
        expect([e.type for e in world.events] == ["OPEN", "CHANNEL_READY", "MESSAGE"], "OPEN, READY and the note")
        expect(event.on(local) and event.name == "note" and event.json()["text"] == "あ", "the note")
        expect(event.get("files", 0, "url") == "u" and event.get() == event.json(), "a path")
        for path in (("x",), ("text", "x"), ("files", 1), ("files", "0"), ("id", "x", 0), (None,), ([],)):
            expect(event.get(*path) is None, f"nothing at {path}")
        with client.watch("n1"):
            expect(refused("FULL", client.watch, "n2"), "no place for another capture")
            world.turn()
            expect(world.sent(b'{"type":"subNote","body":{"id":"n1"}}') == 1, "subNote")
        world.turn()
        expect(world.sent(b'"unsubNote"') == 1, "unsubNote when the capture is gone")
    world.turn()
    expect(world.sent(b'{"type":"disconnect","body":{"id":"') == 1, "disconnect when the channel is gone")
    client.close(reason="bye")
    world.turn()
    expect(world.texts[-1] == b"control", "Close")


def test_twice():
    world = World(token="secret")
    world.dial()
    with world.client.open("main") as first, world.client.open("main") as second, world.client.watch("n1") as note:
        with world.client.watch("n1"):
            world.turn()
            for _ in range(3):
                first.close()
                note.release()
            world.turn()
            expect(world.sent(b'"disconnect"') + world.sent(b'"unsubNote"') == 0, "the other owner still has it")
        expect(second.handle.id == first.handle.id, "a shared channel")
    world.turn()
    expect(world.sent(b'"disconnect"') == 1 and world.sent(b'"unsubNote"') == 1, "given back once by each owner")


# What a server may send as the body of a note.
ODD_BODIES = ('{"text":"hello"}', '{"text":"\\ud800"}', '{"text":"\\udfff\\ud83d\\ude00\\ud83d"}', '{"text":null}',
              "{}", "[]", "null", '"text"', "7", '{"text":7,"n":%s}' % ("1" * 5000), '{"text":-%s}' % ("1" * 5000),
              '{"text":"deep","x":%s}' % ("[" * 500 + "]" * 500), "[" * 2000 + "]" * 2000,
              "[" * 600 + "1]" + "}" * 87 + "]" * 512, '{"text":"%s"}' % ("\\u0000" * 10), '{"text":1e999999}')


def test_odd_bodies():
    world, _ = open_world(receive=300000)
    texts = []
    for body in ODD_BODIES:
        event = world.message(body)
        texts.append(event.get("text"))
        repr(texts[-1]).encode()
        str(texts[-1]).encode()
        if event.deep:
            expect(refused("DEPTH", event.json), "deeper than the library checks")
        else:
            repr(event.json()).encode()
    expect(texts == ["hello", "\ufffd", "\ufffd\U0001f600\ufffd", None, None, None, None, None, None, 7, -math.inf,
                     "deep", None, None, "\0" * 10, math.inf], f"texts: {texts}")
    event = world.message("null", '"\\udfff\\n"')
    expect(event.name == "\ufffd\n", "the name of an event")
    world.turn(frame('{"type":"x","body":{"id":12}}'))
    expect(world.events[-1].json() == {"id": 12}, "an id that is a number")
    event = world.message('{"id":"9a","user":{"username":"ann"},"a":"%s"}' % ("x" * 400000))
    expect(event.type == "DROPPED" and event.json() == {"id": "9a", "user": {"username": "ann"}},
           "a note that is larger than the receive memory")

    event = world.message("[" * 500 + "]" * 500)

    def nested(depth):
        return nested(depth - 1) if depth > 0 else event.get()

    expect(nested(sys.getrecursionlimit() - 300) in (None, event.json()), "nested deeper than Python has room for")


def test_surrogates():
    random, decode = Random(1), misskey.library.misskey_jstr_copy
    decode.restype, decode.argtypes = ctypes.c_size_t, (misskey.Text, ctypes.c_char_p, ctypes.c_size_t)
    parts = ("\\ud800", "\\uDBFF", "\\udc00", "\\uDFFF", "\\\\", "\\u0041", "\\ud83d\\ude00", "ud800", "\\n", "\\\"",
             "a", "あ", "\\u005c", "\\uD7FF", "\\ue000", "\U0001f600")
    for _ in range(20000):
        inside = "".join(random.choice(parts) for _ in range(random.randrange(8))).encode()
        source, copy = ctypes.create_string_buffer(inside), ctypes.create_string_buffer(100)
        text = misskey.Text(ctypes.cast(source, ctypes.c_void_p), len(inside))
        size = decode(text, copy, 100)
        right = copy.raw[:size].decode()
        expect(misskey._parse(b'{"%s":["%s"]}' % (inside, inside)) == {right: [right]}, f"{inside}")


# --- callbacks ---

def use(world):
    """A connection in which entropy is asked five times: upgrade, connect, subNote, pong, and the delay before DIAL."""
    world.dial()
    world.turn(b"\x89\x01p")
    return world.redials()


def raising(size):
    raise OSError("no random bytes")


NO_ENTROPY = (raising, lambda size: b"ab", lambda size: bytes(size + 1), lambda size: None, lambda size: size,
              lambda size: "x" * size, lambda size: [0] * size, lambda: b"", lambda size: b"",
              lambda size: memoryview(bytes(2 * size))[:0], lambda size: object())


def test_entropy():
    for broken in NO_ENTROPY:
        for k in (0, 1, 2, 3, 4, 1000):
            calls = [0]

            def entropy(size):
                calls[0] += 1
                return broken(size) if calls[0] == k + 1 else bytes(size)

            world = World(entropy=entropy)
            with world.client.open("localTimeline"), world.client.watch("n1"):
                expect(use(world), f"call {k}: DIAL")
                ends = [event.error for event in world.events if event.type == "CLOSED"]
                expect(("ENTROPY" in ends) == (k < 4), f"call {k}: CLOSED with ENTROPY if a frame needed it: {ends}")
                failure = world.client.failure
                expect((failure is not None and " " in str(failure)) == (k < calls[0]), f"call {k}: {failure!r}")
                expect(k < calls[0] or calls[0] == 5, "entropy is asked five times")
                before, sent = len(world.events), len(world.texts)
                expect(use(world) and world.count("CHANNEL_READY", before) == 1, f"call {k}: READY again")
                expect(world.sent(b"subNote", sent) == 1 and world.sent(b"control", sent) == 1, "subNote and pong")
    for good in (bytearray, lambda size: memoryview(bytes(size)), lambda size: memoryview(bytes(2 * size))[::2]):
        expect(use(World(entropy=good)), "every buffer will do")


def test_entropy_for_long():
    for broken in NO_ENTROPY:
        out = [True]
        world = World(entropy=lambda size: broken(size) if out[0] else bytes(size))
        world.client.open("localTimeline")
        for _ in range(5):
            expect(use(world), "DIAL comes while entropy is broken")
        expect(world.request == b"" and not world.texts, "nothing is sent")
        out[0] = False
        expect(use(world) and world.count("CHANNEL_READY") == 1, "READY when entropy is back")


def test_trace():
    traced, loud = [], []

    def failing(sent, text):
        loud.append(text)
        raise OSError("disk full")

    worlds = [World(trace=lambda sent, text: traced.append((sent, text))), World(trace=failing)]
    for world in worlds:
        world.client.open("localTimeline")
        world.dial()
        world.message('{"id":"n1"}')
        expect(use(world), "DIAL")
    a, b = worlds
    expect([(e.type, e.body) for e in a.events] == [(e.type, e.body) for e in b.events] and a.texts == b.texts,
           "an exception of trace changes nothing")
    expect(a.client.failure is None and str(b.client.failure) == "disk full", "failure")
    expect([text for sent, text in traced if sent] == [text for text in a.texts if text != b"control"], "what is sent")
    expect(sum(not sent for sent, _ in traced) == 3 and len(loud) == len(traced), "what is received")


def test_interrupts():
    for interrupt in (KeyboardInterrupt, SystemExit):
        stop = [True]

        def entropy(size):
            if stop[0]:
                raise interrupt
            return bytes(size)

        world = World(entropy=entropy)
        try:
            world.client.transport_up()
            expect(False, "it is raised")
        except interrupt:
            stop[0] = False
        expect([e.error for e in world.client.events()] == ["ENTROPY"], "and the connection has ended")
        expect(use(world), "and the client goes on")


def test_one_call_at_a_time():
    calls, inner = ("transport_up", "transport_down", "take_output", "timeout", "close", "events"), []

    def entropy(size):
        for name in calls:
            inner.append(refused(RuntimeError, lambda: list(getattr(world.client, name)() or ())))
        for call in (lambda: world.client.open("hashtag"), lambda: world.client.feed(b""), lambda: world.client.tick(0),
                     lambda: world.client.watch("n"), channel.close, note.release):
            inner.append(refused(RuntimeError, call))
        return bytes(size)

    world = World(entropy=entropy)
    channel, note = world.client.open("localTimeline"), world.client.watch("n1")
    expect(use(world) and len(inner) == 60 and all(inner), "callbacks must not call the client")
    with channel, note:
        pass
    busy, seen = threading.Event(), threading.Event()

    def slow(size):
        busy.set()
        seen.wait(10)
        return bytes(size)

    world = World(entropy=slow)
    thread = threading.Thread(target=world.client.transport_up)
    thread.start()
    busy.wait(10)
    expect(refused(RuntimeError, world.client.take_output), "another thread is refused while one is in C")
    seen.set()
    thread.join()
    expect(b"GET /streaming" in world.client.take_output(), "and may go on afterwards")


# --- memory ---

def test_leaks():
    world, _ = open_world(channels=4)
    client, blocks = world.client, []
    for i in range(3000):
        client.open("hashtag", q=[[f"tag {i}"]]).close()
        client.watch(f"n{i}").release()
        if i % 100 == 0:
            world.dial()
        if i % 7 == 0:
            client.tick(i * 1000)
            world.turn()
        world.events.clear()
        world.texts.clear()
        if i in (1000, 2999):
            gc.collect()
            blocks.append(sys.getallocatedblocks())
    expect(len(client._kept) + len(client._texts) < 20, "objects kept after 3000 times open and close")
    if sys.flags.dev_mode:      # with another allocator nothing is counted
        expect(0 < blocks[1] < blocks[0] + 200, f"memory: {blocks}")
    before = len(client._kept)
    for name in ("two\nlines", "", "\0", "main", 5):
        for _ in range(100):
            expect(refused(type(name) is int and TypeError or name == "\0" and ValueError or
                           name == "main" and "NO_TOKEN" or "BAD_ARG", client.open, name), f"open({name!r})")
    expect(len(client._kept) == before, "nothing is kept of a channel that was refused")


def test_freed():
    gc.disable()
    world, channel = open_world()
    gone = weakref.ref(world.client)
    world = None
    expect(gone() is not None, "a channel keeps its client")
    channel.close()
    channel = None
    expect(gone() is None, "a client that nobody has is freed at once, without the garbage collector")
    gc.enable()


def test_churn():
    """Opens and closes at random; a sanitizer sees texts that were freed too early."""
    random, world, channels, bad = Random(1), World(token="secret", channels=6), [], 0
    world.dial()
    for _ in range(6000):
        what = random.randrange(8)
        try:
            if what < 4:
                name = random.choice(("main", "localTimeline", "hashtag", "userList", "drive"))
                channels.append(world.client.open(name, parameter=random.randrange(3)))
        except misskey.Error as error:
            expect(error.name in ("FULL", "SHARED"), error.name)
            bad += 1
        if what == 4 and channels:
            channels.pop(random.randrange(len(channels))).close()
        if what == 5:
            world.now += 100
            world.client.tick(world.now)
        if what == 6:
            world.turn()
        if what == 7 and random.randrange(8) == 0:
            expect(world.redials(), "DIAL")
            world.dial()
        expect(all(b"parameter" in text for text in world.texts if b'"connect"' in text), "params")
        world.texts.clear()
        world.events.clear()
    expect(0 < bad < 3000, "many are opened, and some refused")


# --- arguments ---

class Index:
    def __index__(self):
        return 300


def odd_values():
    released = memoryview(b"abc")
    released.release()
    return (None, True, 0, -1, 1, 255, 256, 65534, 65535, 65536, 70000, 2**31, 2**32, 2**63, 2**64, -2**63, 10**5000,
            -10**5000, 1.5, math.nan, math.inf, 1j, "", "x", "\0", "a\0b", "\ud800", "\n", "x" * 200, "/" * 70000,
            "あ", b"", b"x", b"\0", b"x" * 70000, bytearray(b"abc"), memoryview(b"abc"), memoryview(b"abcd")[::2],
            released, [], [1], [("a", "b")], [("a", "b", "c")], [("a", 1)], [("a\0", "b")], (), {}, {"a": "b"}, {1, 2},
            object(), type, len, Index(), NotImplemented, range(3), array("H", [1, 2]), misskey.Handle(), iter("ab"))


def attempt(name, value, call):
    """A clean result, or a clean exception with a sentence."""
    what = f"{name}({value:#x})" if isinstance(value, int) else f"{name}({value!r:.40})"
    try:
        return call()
    except (misskey.Error, TypeError, ValueError) as error:
        expect(" " in str(error), f"{what}: {error!r}")
    except Exception as error:
        expect(False, f"{what}: {error!r}")
    return None


def test_odd_arguments():
    settings = ("host", "path", "token", "headers", "entropy", "receive", "send", "channels", "captures",
                "token_in_query", "trace")
    for value in odd_values():
        for name in settings:
            client = attempt(name, value, lambda: misskey.Client(**{"host": "h", name: value}))
            if client is not None:
                client.transport_up()
                attempt(f"open, {name}", value, lambda: client.open("localTimeline"))
                client.feed(b"HTTP/1.1 101 S\r\n\r\n")
                list(client.events())
                client.take_output()
    for value in odd_values():
        world, channel = open_world()
        client, event = world.client, world.message('{"text":"x"}')
        for name in ("open", "watch", "feed", "receive", "tick", "close", "timeout", "take_output", "events",
                     "transport_up", "transport_down"):
            if name != "close":
                attempt(name, value, lambda: getattr(client, name)(value))
        attempt("parameter", value, lambda: client.open("hashtag", q=value))
        attempt("get", value, lambda: event.get(value, value))
        world.turn()
        world.client.tick(world.now)
        expect(world.redials(), "the client lives")
        world.dial()
        expect(world.message('{"text":"x"}').get("text") == "x", f"the client works after {type(value)}")
        for code, reason in ((value, None), (1000, value), (0, value), (value, value)):
            attempt("close", value, lambda: client.close(code, reason))
        channel.close()


def test_arguments():
    world, _ = open_world()
    client = world.client
    for size in (-1, -2**70, misskey.LONGEST_MESSAGE + 1, 2**32, 2**64, 10**5000):
        expect(refused(ValueError, misskey.Client, "h", receive=size), "receive")
        expect(refused(ValueError, misskey.Client, "h", send=size), "send")
    for count in (-1, 65536, 70000, 2**32, 10**5000):
        expect(refused(ValueError, misskey.Client, "h", channels=count), "channels")
        expect(refused(ValueError, misskey.Client, "h", captures=count), "captures")
    expect(refused(ValueError, misskey.Client, "h", captures=65535), "captures")
    many = misskey.Client("h", channels=65535, captures=65534, receive=0, send=0)
    expect(all(many.watch(f"n{i}") for i in range(65534)) and refused("FULL", many.watch, "x"), "all captures")
    for named in ({"host": "good.example\0evil"}, {"path": "/\0"}, {"token": "a\0b"}, {"headers": [("a\0", "b")]},
                  {"headers": [("a", "b\0")]}):
        expect(refused(ValueError, lambda: misskey.Client(**{"host": "h", **named})), f"NUL: {named}")
    expect(refused(ValueError, client.open, "localTimeline\0x"), "NUL in a name")
    expect(refused(ValueError, client.watch, "a\0b"), "NUL in an id")
    for call in (client.watch, client.open, misskey.Client):
        expect(refused(TypeError, call, b"ab") and refused(TypeError, call, None), "bytes for text")
    expect(refused(ValueError, client.open, "hashtag", q=math.nan), "NaN is not JSON")
    deep = []
    for _ in range(100000):
        deep = [deep]
    expect(refused("DEPTH", client.open, "hashtag", q=deep), "parameters that are too deep")
    while deep:
        deep = deep[0]
    for data in (b"abc", bytearray(b"abc"), memoryview(b"abc"), memoryview(b"a.b.c.")[::2], array("b", [1, 2, 3])):
        expect(World().client.feed(data) == 0 and client.feed(data) == 3, "every buffer")
    for data in ("abc", None, 3, [1], iter(b"abc")):
        expect(refused(TypeError, client.feed, data) and refused(TypeError, client.receive, data), "not a buffer")
    expect(refused(ValueError, client.close, 1000, "x" * 124), "a reason of 124 bytes")
    expect(refused(ValueError, client.close, 1000, "あ" * 42), "a reason of 126 bytes")
    expect(refused(ValueError, client.close, 1000, "\ud800"), "a reason that is not Unicode")
    expect(refused(ValueError, client.close, -1) and refused(ValueError, client.close, 66536), "a code that wraps")
    expect(refused("BAD_ARG", client.close, 1006), "a code that must not be sent")
    expect(refused(TypeError, client.tick, 1.5) and refused(TypeError, client.close, "1000"), "numbers")
    client.close(1000, "あ" * 41)


def test_token():
    for in_query in (False, True):
        world = World(token="a+b/c", token_in_query=in_query)
        for _ in range(2):
            world.dial()
            expect((b"GET /streaming?i=a%2Bb%2Fc HTTP/1.1\r\n" in world.request) == in_query, "?i=")
            expect((b"\r\nAuthorization: Bearer a+b/c\r\n" in world.request) != in_query, "Authorization")
            expect(world.redials(), "DIAL")
    world = World(token_in_query=True)
    world.dial()
    expect(world.request.startswith(b"GET /streaming HTTP/1.1\r\n"), "no token, no ?i=")


def test_receive():
    got = misskey.Client("h").receive(bytes(1000000))
    expect([e.type for e in got] == ["DIAL"] and misskey.Client("h").feed(b"x") == 0, "no connection")
    for memory in (65536, 300):
        for piece in (1, 2, 100, 256, 300, 100000):
            world, _ = open_world(receive=memory)
            note = '{"type":"channel","body":{"id":"%s","type":"note","body":"%s"}}'
            data = b"".join(frame(note % (world.id, "a" * i)) for i in range(200))
            at = world.client.feed(data if piece == 256 else b"")   # once the memory is full of what was not polled
            got = [e for i in range(at, len(data) + 1, piece) for e in world.client.receive(data[i:i + piece])]
            expect([e.json() for e in got] == ["a" * i for i in range(200)], f"pieces of {piece} bytes")
    world = World()
    world.client.transport_up()
    got = world.client.receive(b"HTTP/1.1 403 Forbidden\r\n\r\n" + bytes(1000000))
    expect([e.type for e in got] == ["CLOSED"], "bytes after a refusal")
    world, _ = open_world()
    got = world.client.receive(b"\xff\xff" + bytes(1000000))
    world.client.take_output()
    got += world.client.receive(bytes(1000000))
    expect([e.type for e in got] == ["CLOSED"], "bytes after one that breaks the protocol")


class Socket:
    """The server of the example: odd notes, with a pause before each one, then the end. It is its own select."""

    def __init__(self):
        self.world, self.answers, self.pauses = World(), [], 0
        self.bodies = [body for body in ODD_BODIES if '"\\u0000' not in body]

    def sendall(self, data):
        self.answers += [self.world.serve(data)] if data else []

    def select(self, *arguments):
        expect(arguments[:3] == ([self], [], []) and arguments[3] > 0, "waits")
        self.pauses += 1
        return ([self] if self.pauses % 2 == 0 else [], [], [])

    def recv(self, _):
        if self.answers:
            return self.answers.pop(0)
        body = self.bodies.pop(0) if self.bodies else None
        note = '{"type":"channel","body":{"id":"%s","type":"note","body":%s}}'
        return b"" if body is None else frame(note % (self.world.id, body))


def test_example():
    lines = misskey.__doc__.split("\n\n")[1].split("\n")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        sock = Socket()
        exec("\n".join(line[4:] for line in lines), {"misskey": misskey, "sock": sock, "select": sock, "time": time})
    right = ["hello", "\ufffd", "\ufffd\U0001f600\ufffd", *["None"] * 6, "7", "-inf", "deep", "None", "None", "inf", ""]
    expect(printed.getvalue().split("\n") == right, f"it prints {printed.getvalue()!r}")
    printed.getvalue().encode()


TESTS = (
    ("a channel, a note, its members, and a capture", test_traffic),
    ("what is closed twice is given back once", test_twice),
    ("every body of a server is a clean result", test_odd_bodies),
    ("text is decoded as C decodes it", test_surrogates),
    ("entropy that fails ends in CLOSED with ENTROPY, and the client recovers", test_entropy),
    ("the client redials for as long as entropy fails", test_entropy_for_long),
    ("trace gets every message, and its exceptions change nothing", test_trace),
    ("interrupts in a callback are raised when C has returned", test_interrupts),
    ("one call at a time: callbacks and other threads are refused", test_one_call_at_a_time),
    ("open, close, capture and release keep nothing", test_leaks),
    ("a client is freed with its last owner", test_freed),
    ("texts of channels live exactly as long as C borrows them", test_churn),
    ("odd arguments give a clean result or a clean exception", test_odd_arguments),
    ("numbers out of range, NUL and wrong types are refused with a sentence", test_arguments),
    ("the token is sent where the settings say", test_token),
    ("receive gives the same events for pieces of any size, and ends", test_receive),
    ("the example prints what a server sends, and ends", test_example),
)


def run_tests():
    failed = False
    for name, test in TESTS:
        try:
            test()
            print(f"PASS wrappers Python: {name}", flush=True)
        except Exception as error:
            failed = True
            at = traceback.extract_tb(error.__traceback__)[-1 if not isinstance(error, AssertionError) else -2]
            print(f"FAIL wrappers Python: {name}: {error!r:.200} (line {at.lineno})", flush=True)
    sys.exit(failed)


if sys.argv[1:] == ["--check"]:
    run_tests()
for folder in sys.argv[1:]:
    replay(folder)
