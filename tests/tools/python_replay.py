"""python_replay.py DIR...: what wire_replay prints for each recording, by way of examples/python/misskey.py.
With --check, the objects of that module: channels, captures, errors."""
import base64
import gzip
import json
import os
import sys

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


def expect(right, what):
    if not right:
        sys.exit(f"FAIL wrappers Python objects: {what}")


def refused(name, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except misskey.Error as error:
        return error.name == name and str(error) != ""
    return False


def frame(text):
    return (b"\x81" + bytes([len(text)]) if len(text) < 126 else b"\x81\x7e" + len(text).to_bytes(2, "big")) + text


def check_objects():
    expect(refused("BAD_ARG", misskey.Client, "two\nlines"), "a host with a line break is refused")
    client = misskey.Client("misskey.example", entropy=bytes, channels=2, captures=1)
    expect(refused("NO_TOKEN", client.open, "main"), "main without token is refused")
    client.tick(0)
    with client.open("localTimeline", withReplies=True) as local:
        client.transport_up()
        list(client.events())
        expect(b"GET /streaming HTTP/1.1\r\nHost: misskey.example\r\n" in client.take_output(), "the request")
        client.feed(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n")
        expect([event.type for event in client.events()] == ["OPEN"], "OPEN")
        sent = client.take_output()     # masks are zero: the text can be read
        connect = json.loads(sent[sent.index(b"{"):])["body"]
        expect(connect["channel"] == "localTimeline" and connect["params"] == {"withReplies": True}, "connect")
        note = {"id": connect["id"], "type": "note", "body": {"id": "n1", "text": "あ"}}
        for text in ({"type": "connected", "body": {"id": connect["id"]}}, {"type": "channel", "body": note}):
            client.feed(frame(json.dumps(text).encode()))
        events = list(client.events())
        expect([event.type for event in events] == ["CHANNEL_READY", "MESSAGE"], "READY and the note")
        expect(events[-1].on(local) and events[-1].name == "note" and events[-1].json()["text"] == "あ", "the note")
        with client.watch("n1"):
            expect(refused("FULL", client.watch, "n2"), "no place for another capture")
            list(client.events())
            expect(b'{"type":"subNote","body":{"id":"n1"}}' in client.take_output(), "subNote")
        list(client.events())
        expect(b'"unsubNote"' in client.take_output(), "unsubNote when the capture goes")
    list(client.events())
    expect(b'{"type":"disconnect","body":{"id":"' in client.take_output(), "disconnect when the channel goes")
    expect(refused("STALE", local.close), "a closed channel is stale")
    client.close()
    expect(b"\x88\x82" in client.take_output(), "Close")
    print("PASS wrappers Python objects")


if sys.argv[1:] == ["--check"]:
    check_objects()
for folder in sys.argv[1:]:
    if folder != "--check":
        replay(folder)
