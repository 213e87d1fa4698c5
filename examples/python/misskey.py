"""misskey.py - misskey_stream.h for Python: bytes in, events out, by way of ctypes and a shared object.

    client = misskey.Client("misskey.example")
    with client.open("localTimeline") as local:
        client.transport_up()                   # the socket is connected
        client.feed(sock.recv(65536)); sock.sendall(client.take_output())
        for event in client.events():
            if event.type == "MESSAGE" and event.name == "note" and event.on(local):
                print(event.json()["text"])

Build the library with `make build/libmisskey_stream.so` and put it beside this file, or its path into MISSKEY_LIBRARY.
At import every struct below is compared with what the C compiler made of it; if one differs, the import fails.
What to copy: the file, with library.c.
SPDX-License-Identifier: Unlicense OR MIT-0
"""
import ctypes
import json
import os
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_bool, c_char_p, c_int, c_size_t, c_uint8, c_uint16,
                    c_uint32, c_uint64, c_void_p, sizeof)

_here = os.path.dirname(os.path.abspath(__file__))
library = ctypes.CDLL(os.environ.get("MISSKEY_LIBRARY") or os.path.join(_here, "libmisskey_stream.so"))
library.misskey_fact.argtypes, library.misskey_fact.restype = [c_char_p], c_size_t
_used = set()


def _fact(name):
    """Size, offset or number by its name in C."""
    value = library.misskey_fact(name.encode())
    if value == c_size_t(-1).value:
        raise ImportError(f"the shared object knows nothing of {name}: build it anew from the same release")
    _used.add(name)
    return value


def _like_c(name):
    """A class decorator: the same layout as the struct of this name."""
    def compare(cls):
        mine = {name: sizeof(cls)}
        mine.update({f"{name}.{field[0]}": getattr(cls, field[0]).offset for field in cls._fields_})
        for fact, value in mine.items():
            if value != _fact(fact):
                raise ImportError(f"{fact} is {value} here and {_fact(fact)} in the shared object")
        return cls
    return compare


@_like_c("misskey_str")
class Text(Structure):
    """misskey_str, misskey_jstr and misskey_json: the bytes at some place."""
    _fields_ = [("ptr", c_void_p), ("len", c_size_t)]

    def bytes(self):
        """A copy; None if it is missing."""
        return None if self.ptr is None else ctypes.string_at(self.ptr, self.len)

    def decoded(self):
        """Of a misskey_jstr: the text."""
        return None if self.ptr is None else json.loads(b'"' + self.bytes() + b'"')


@_like_c("misskey_mem")
class Memory(Structure):
    _fields_ = [("ptr", c_void_p), ("size", c_size_t)]


@_like_c("misskey_header")
class Header(Structure):
    _fields_ = [("name", c_char_p), ("value", c_char_p)]


@_like_c("misskey_channel")
class Handle(Structure):
    _fields_ = [("id", c_uint32)]


ENTROPY = CFUNCTYPE(c_bool, c_void_p, c_void_p, c_size_t)


@_like_c("misskey_ws_desc")
class WsDesc(Structure):
    _fields_ = [("rx", Memory), ("tx", Memory), ("host", c_char_p), ("path", c_char_p), ("token", c_char_p),
                ("headers", POINTER(Header)), ("num_headers", c_size_t), ("entropy", ENTROPY), ("user", c_void_p),
                ("max_message", c_uint32), ("handshake_ms", c_uint32), ("ping_ms", c_uint32), ("pong_ms", c_uint32),
                ("close_ms", c_uint32), ("server", c_bool), ("token_in_query", c_bool)]


@_like_c("misskey_session_desc")
class SessionDesc(Structure):
    _fields_ = [("channels", c_void_p), ("captures", c_void_p), ("num_channels", c_uint16), ("num_captures", c_uint16),
                ("rate", c_uint16), ("max_channels", c_uint8), ("old_timelines", c_bool), ("anonymous", c_bool),
                ("entropy", c_void_p), ("trace", c_void_p), ("user", c_void_p), ("ack_ms", c_uint32),
                ("blink_ms", c_uint32), ("heartbeat_ms", c_uint32), ("retry_ms", c_uint32), ("retry_max_ms", c_uint32),
                ("stable_ms", c_uint32)]


@_like_c("misskey_conn_desc")
class ConnDesc(Structure):
    _fields_ = [("ws", WsDesc), ("session", SessionDesc)]


@_like_c("misskey_message")
class Message(Structure):
    _fields_ = [("kind", c_int), ("alias", c_uint8), ("pong", c_bool), ("read", c_bool), ("id_number", c_bool),
                ("deep", c_bool), ("type", Text), ("id", Text), ("channel", Text), ("event", Text), ("body", Text),
                ("raw", Text)]


@_like_c("misskey_event")
class EventStruct(Structure):
    _fields_ = [("type", c_int), ("err", c_int), ("reason", c_int), ("code", c_uint16), ("resumed", c_bool),
                ("channel", Handle), ("user", c_void_p), ("retry_after", c_uint32), ("outage_ms", c_uint32),
                ("size", c_uint64), ("message", Message), ("text", Text), ("last_id", Text), ("location", Text)]


_names = ("DIAL", "OPEN", "MESSAGE", "CHANNEL_READY", "CHANNEL_REFUSED", "GAP", "DROPPED", "CLOSED")
_types = {_fact(f"MISSKEY_EVENT_{name}"): name for name in _names}
KIND_CHANNEL, KIND_NOTE_UPDATED = _fact("MISSKEY_KIND_CHANNEL"), _fact("MISSKEY_KIND_NOTE_UPDATED")
KIND_TEXT = _fact("MISSKEY_KIND_TEXT_PING")     # this and above: the text is no message
_sizes = {name: _fact(name) for name in ("misskey_conn", "misskey_channel_slot", "misskey_capture_slot")}
_session_offset = _fact("misskey_conn.session")
_rx_more, _tx_more = _fact("misskey_rx_size"), _fact("misskey_tx_size")
if len(_used) != library.misskey_fact(None):
    raise ImportError("the shared object has structs or members that misskey.py does not know")

for _name, _result, *_arguments in (
        ("misskey_err_name", c_char_p, c_int), ("misskey_err_text", c_char_p, c_int),
        ("misskey_conn_init", c_int, c_void_p, POINTER(ConnDesc)),
        ("misskey_conn_transport_up", None, c_void_p), ("misskey_conn_transport_down", None, c_void_p),
        ("misskey_conn_feed", c_size_t, c_void_p, c_char_p, c_size_t),
        ("misskey_conn_send_buf", c_void_p, c_void_p, POINTER(c_size_t)),
        ("misskey_conn_send_ack", None, c_void_p, c_size_t), ("misskey_conn_tick", None, c_void_p, c_uint32),
        ("misskey_conn_timeout", c_uint32, c_void_p), ("misskey_conn_close", c_int, c_void_p, c_uint16, c_char_p),
        ("misskey_conn_poll", c_bool, c_void_p, POINTER(EventStruct)),
        ("misskey_channel_open", c_int, c_void_p, c_char_p, c_char_p, c_void_p, POINTER(Handle)),
        ("misskey_channel_close", c_int, c_void_p, Handle),
        ("misskey_note_capture", c_int, c_void_p, c_char_p, c_size_t),
        ("misskey_note_release", c_int, c_void_p, c_char_p, c_size_t),
        ("misskey_json_get", Text, Text, c_char_p)):
    getattr(library, _name).restype, getattr(library, _name).argtypes = _result, _arguments


class Error(Exception):
    """A call was refused; .name is that of the error without MISSKEY_ERR_."""

    def __init__(self, number):
        super().__init__(library.misskey_err_text(number).decode())
        self.name = library.misskey_err_name(number).decode()


def _check(number):
    if number != 0:
        raise Error(number)


class Event:
    """A copy of what C has only until the next poll."""

    def __init__(self, e):
        self.type = _types[e.type]
        self.error = library.misskey_err_name(e.err).decode()
        self.code, self.size, self.outage_ms = e.code, e.size, e.outage_ms
        self.retry_after, self.resumed, self.reason = e.retry_after, e.resumed, e.reason
        self.kind, self.name, self.id = e.message.kind, e.message.event.decoded(), e.message.id.decoded()
        self.text = e.text.bytes()      # the whole message; of CLOSED the reason
        self.body = e.message.raw.bytes() if e.message.deep else e.message.body.bytes()
        self.last_id, self.location = e.last_id.bytes(), e.location.bytes()
        self._channel = e.channel.id

    def on(self, channel):
        return self._channel != 0 and self._channel == channel.handle.id

    def json(self):
        """The body as Python has it; None if there is none."""
        return None if self.body is None else json.loads(self.body)


class Channel:
    """Open until close(), or the end of the with block."""

    def __init__(self, client, name, params):
        self._client, self.handle = client, Handle()
        # C borrows both texts until the disconnect has left: they stay with the client
        client._kept += [name.encode(), json.dumps(params).encode()]
        _check(library.misskey_channel_open(client._session, *client._kept[-2:], None, byref(self.handle)))

    def close(self):
        _check(library.misskey_channel_close(self._client._session, self.handle))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Capture:
    """The updates of a note are wanted until release(), or the end of the with block."""

    def __init__(self, client, note_id):
        self._client, self._id = client, note_id.encode()
        _check(library.misskey_note_capture(client._session, self._id, len(self._id)))

    def release(self):
        _check(library.misskey_note_release(self._client._session, self._id, len(self._id)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()


class Client:
    """receive, send: bytes of the longest message. channels, captures: how many at most; 0 channels: the events of all
    channels come. entropy(n) returns n random bytes."""

    def __init__(self, host, path=None, token=None, headers=(), entropy=os.urandom, receive=65536, send=4096,
                 channels=32, captures=1024):
        def draw(_, dst, size):     # an exception gives False: the connection dies, no weak mask is sent
            ctypes.memmove(dst, entropy(size), size)
            return True

        def memory(size):
            self._kept.append(ctypes.create_string_buffer(max(size, 256)))
            return ctypes.cast(self._kept[-1], c_void_p)

        def text(plain):
            self._kept.append(None if plain is None else plain.encode())
            return self._kept[-1]

        self._kept = []             # what C points at
        desc = ConnDesc()
        desc.ws.rx = Memory(memory(receive + _rx_more), max(receive + _rx_more, 256))
        desc.ws.tx = Memory(memory(send + _tx_more), max(send + _tx_more, 256))
        desc.ws.host, desc.ws.path, desc.ws.token = text(host), text(path), text(token)
        fields = (Header * len(headers))(*((text(name), text(value)) for name, value in headers))
        desc.ws.headers, desc.ws.num_headers = fields, len(headers)
        desc.ws.entropy = ENTROPY(draw)
        desc.session.channels = memory(channels * _sizes["misskey_channel_slot"])
        desc.session.captures = memory(captures * _sizes["misskey_capture_slot"])
        desc.session.num_channels, desc.session.num_captures = channels, captures
        self._kept += [desc, fields, desc.ws.entropy]
        self._conn = memory(_sizes["misskey_conn"])
        self._session = c_void_p(self._conn.value + _session_offset)
        _check(library.misskey_conn_init(self._conn, byref(desc)))

    def open(self, name, **params):
        return Channel(self, name, params)

    def watch(self, note_id):
        return Capture(self, note_id)

    def transport_up(self):
        library.misskey_conn_transport_up(self._conn)

    def transport_down(self):
        library.misskey_conn_transport_down(self._conn)

    def feed(self, data):
        """How many bytes were taken; take all events, then feed the rest."""
        return library.misskey_conn_feed(self._conn, data, len(data))

    def take_output(self):
        """All that is to be sent. It counts as sent."""
        out, size = b"", c_size_t()
        while True:
            at = library.misskey_conn_send_buf(self._conn, byref(size))
            if not at:
                return out
            out += ctypes.string_at(at, size.value)
            library.misskey_conn_send_ack(self._conn, size.value)

    def events(self):
        e = EventStruct()
        while library.misskey_conn_poll(self._conn, byref(e)):
            yield Event(e)

    def tick(self, milliseconds):
        library.misskey_conn_tick(self._conn, milliseconds & 0xFFFFFFFF)

    def timeout(self):
        """Milliseconds until the next tick is due; 0xFFFFFFFF: not at all."""
        return library.misskey_conn_timeout(self._conn)

    def close(self, code=1000, reason=None):
        _check(library.misskey_conn_close(self._conn, code, None if reason is None else reason.encode()))
