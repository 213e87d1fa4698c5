"""misskey.py - misskey_stream.h for Python: bytes in, events out, by ctypes and a shared object.

    client = misskey.Client("misskey.example")
    with client.open("localTimeline") as local:
        client.tick(time.monotonic_ns() // 1_000_000)
        client.transport_up()                   # sock is connected and blocking
        connected = True
        while connected:
            sock.sendall(client.take_output())
            ready = select.select([sock], [], [], client.timeout() / 1000)[0]
            client.tick(time.monotonic_ns() // 1_000_000)   # before the client is told what has happened
            data = sock.recv(65536) if ready else b""
            if ready and not data:
                client.transport_down()
            for event in client.receive(data):
                if event.type == "MESSAGE" and event.name == "note" and event.on(local):
                    print(event.get("text"))
                if event.type == "CLOSED":
                    connected = False

Build the library with `make build/libmisskey_stream.so` and put it beside this file, or its path into MISSKEY_LIBRARY.
At import every struct below is compared with the one that the C compiler made; if one differs, the import fails.
What to copy: the file, with library.c. Python 3.8 or later.

A refused call raises Error, or TypeError or ValueError for an argument that C cannot have. A client is for one thread
at a time, and its callbacks must not call it: RuntimeError. Exceptions of callbacks never pass through C. An entropy
callback that raises, or does not return as many bytes as it was asked for, has failed: the connection ends with a
CLOSED event whose error is ENTROPY, DIAL follows, and the client works again as soon as the callback does. An exception
of trace changes nothing. Client.failure is the last such exception. KeyboardInterrupt and SystemExit are raised again
as soon as C has returned.
SPDX-License-Identifier: Unlicense OR MIT-0
"""
import ctypes
import json
import operator
import os
import re
import threading
from collections.abc import Callable
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_bool, c_char_p, c_int, c_size_t, c_uint8, c_uint16,
                    c_uint32, c_uint64, c_void_p, sizeof)

_here = os.path.dirname(os.path.abspath(__file__))
library = ctypes.CDLL(os.environ.get("MISSKEY_LIBRARY") or os.path.join(_here, "libmisskey_stream.so"))
library.misskey_fact.argtypes, library.misskey_fact.restype = [c_char_p], c_size_t
_used = set()


def _fact(name):
    """Returns a size, offset or number by its name in C."""
    value = library.misskey_fact(name.encode())
    if value == c_size_t(-1).value:
        raise ImportError(f"the shared object knows nothing of {name}: build it anew from the same release")
    _used.add(name)
    return value


def _like_c(name):
    """Class decorator: compares the layout with that of the C struct of this name."""
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
    """misskey_str, misskey_jstr and misskey_json."""
    _fields_ = [("ptr", c_void_p), ("len", c_size_t)]

    def bytes(self):
        """Returns a copy; None if it is missing."""
        return None if self.ptr is None else ctypes.string_at(self.ptr, self.len)

    def decoded(self):
        """Returns the text of a misskey_jstr; None if it is missing."""
        return None if self.ptr is None else _parse(b'"' + self.bytes() + b'"')


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
TRACE = CFUNCTYPE(None, c_void_p, c_bool, c_void_p, c_size_t)


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
                ("entropy", ENTROPY), ("trace", TRACE), ("user", c_void_p), ("ack_ms", c_uint32),
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
KIND_TEXT = _fact("MISSKEY_KIND_TEXT_PING")     # from here on: the text is not a message
_DEPTH = _fact("MISSKEY_ERR_DEPTH")
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
    """A call was refused. name: that of the error without MISSKEY_ERR_."""

    def __init__(self, number):
        super().__init__(library.misskey_err_text(number).decode())
        self.name = library.misskey_err_name(number).decode()


def _check(number):
    if number != 0:
        raise Error(number)


def _of_type(kind, name, value):
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {kind.__name__}, not {type(value).__name__}")
    return value


def _text(name, value):
    """Returns value as C has it."""
    _of_type(str, name, value)
    if "\0" in value:
        raise ValueError(f"{name} must not contain NUL")
    return value.encode()


def _optional(name, value):
    return None if value is None else _text(name, value)


def _number(name, value):
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be int, not {type(value).__name__}") from None


def _count(name, value, most):
    value = _number(name, value)
    if not 0 <= value <= most:
        raise ValueError(f"{name} must be from 0 to {most}")
    return value


def _json(value):
    try:
        return json.dumps(value, allow_nan=False).encode()
    except RecursionError:
        raise Error(_DEPTH) from None


_surrogate = re.compile(rb"\\u[dD][89a-fA-F]")
_escape = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)|\\.", re.DOTALL)
_long_integer = re.compile(rb"[0-9]{640}")  # the lowest limit that sys.set_int_max_str_digits accepts


def _integer(digits):
    """Returns a float, as JavaScript has it, for an integer with more digits than Python converts."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def _parse(text):
    """Returns the value of a JSON text. A lone surrogate becomes U+FFFD, as in misskey_jstr_copy."""
    if _surrogate.search(text):
        text = _escape.sub(lambda escape: rb"\ufffd" if escape[1] else escape[0], text)
    try:
        return json.loads(text.decode(), parse_int=_integer if _long_integer.search(text) else None)
    except RecursionError:
        raise Error(_DEPTH) from None


class Event:
    """A copy of misskey_event, which is valid only until the next poll."""

    def __init__(self, e):
        self.type = _types[e.type]
        self.error = library.misskey_err_name(e.err).decode()
        self.code, self.size, self.outage_ms = e.code, e.size, e.outage_ms
        self.retry_after, self.resumed, self.reason = e.retry_after, e.resumed, e.reason
        self.kind, self.name, self.id = e.message.kind, e.message.event.decoded(), e.message.id.decoded()
        self.deep = e.message.deep      # nested deeper than MISSKEY_MAX_DEPTH
        self.text = e.text.bytes()      # the whole message; of CLOSED the reason
        self.body = e.message.raw.bytes() if self.deep else e.message.body.bytes()
        self.last_id, self.location = e.last_id.bytes(), e.location.bytes()
        self._channel = e.channel.id

    def on(self, channel):
        """Is it an event of this channel?"""
        return self._channel != 0 and self._channel == channel.handle.id

    def json(self):
        """Returns the body as Python values; None if there is none. An integer with more digits than Python converts is
        a float. Raises Error, DEPTH, for a body nested deeper than the library or Python allows."""
        if self.body is None:
            return None
        if self.deep:
            raise Error(_DEPTH)
        return _parse(self.body)

    def get(self, *path):
        """Returns what json() has at this path of names and indices, such as get("user", "username"). None if there is
        nothing, whatever the server has sent."""
        try:
            value = self.json()
            for step in path:
                value = value[step]
        except (Error, LookupError, TypeError):
            return None
        return value


class _Entry:
    """The way into C: one call at a time. Keeps the exceptions of callbacks out of C."""

    def __init__(self):
        self._lock, self._interrupt, self.failure = threading.Lock(), None, None

    def __enter__(self):
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("a client is for one thread at a time, and its callbacks must not call it")

    def __exit__(self, *_):
        interrupt, self._interrupt = self._interrupt, None
        self._lock.release()
        if interrupt is not None:
            raise interrupt

    def callback(self, function):
        """Returns function as C may call it: what it raises gives False."""
        def call(*arguments):
            try:
                return function(*arguments)
            except Exception as failure:
                self.failure = failure
            except BaseException as interrupt:
                self._interrupt = interrupt
            return False
        return call


class _Held:
    """Something that a client holds until it is given back, or until the end of the with block."""

    def __init__(self, give_back):
        self._give_back = give_back

    def _end(self):
        """Gives it back. The second time does nothing: C counts, and the rest belongs to other objects."""
        if self._give_back is not None:
            self._give_back()
            self._give_back = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end()


class Channel(_Held):
    """Open until close(), or until the end of the with block."""

    def __init__(self, handle, give_back):
        super().__init__(give_back)
        self.handle = handle

    def close(self):
        """Closes it. Does nothing if it is closed already."""
        self._end()


class Capture(_Held):
    """The updates of a note are wanted until release(), or until the end of the with block."""

    def release(self):
        """Releases it. Does nothing if it is released already."""
        self._end()


LONGEST_MESSAGE = 64 << 20  # the library closes the connection on longer ones


class Client:
    """host, path, token: str; path None is "/streaming", token None is anonymous. token_in_query: for servers before
    13.14, which read the token from ?i= only. headers: pairs of str for the upgrade request. entropy(n) returns n
    random bytes. trace(sent, text) gets each text message as bytes, without the upgrade. receive, send: bytes of the
    longest message, at most LONGEST_MESSAGE. channels, captures: how many at most, up to 65535 and 65534; 0 channels:
    the events of every channel are delivered."""

    def __init__(self, host, path=None, token=None, headers=(), entropy=os.urandom, receive=65536, send=4096,
                 channels=32, captures=1024, token_in_query=False, trace=None):
        def draw(_, dst, size):
            drawn = bytes(memoryview(entropy(size)))
            if len(drawn) != size:
                raise ValueError(f"entropy({size}) returned {len(drawn)} bytes")
            ctypes.memmove(dst, drawn, size)
            return True

        def traced(_, sent, text, size):
            trace(sent, ctypes.string_at(text, size))

        def memory(size):
            self._kept.append(ctypes.create_string_buffer(max(size, 256)))
            return Memory(ctypes.cast(self._kept[-1], c_void_p), sizeof(self._kept[-1]))

        self._kept = []             # what C points at until the end
        self._texts = {}            # what C borrows for a channel, by slot: see open
        self._entry = _Entry()
        desc = ConnDesc()
        desc.ws.rx = memory(_count("receive", receive, LONGEST_MESSAGE) + _rx_more)
        desc.ws.tx = memory(_count("send", send, LONGEST_MESSAGE) + _tx_more)
        desc.ws.host, desc.ws.path = _text("host", host), _optional("path", path)
        desc.ws.token = _optional("token", token)
        desc.ws.token_in_query = _of_type(bool, "token_in_query", token_in_query)
        fields = [Header(_text("the name of a header", name), _text("the value of a header", value))
                  for name, value in headers]
        desc.ws.headers, desc.ws.num_headers = (Header * len(fields))(*fields), len(fields)
        _of_type(Callable, "entropy", entropy)
        desc.ws.entropy = ENTROPY(self._entry.callback(draw))
        if trace is not None:
            _of_type(Callable, "trace", trace)
            desc.session.trace = TRACE(self._entry.callback(traced))
        desc.session.num_channels = _count("channels", channels, 65535)
        desc.session.num_captures = _count("captures", captures, 65534)
        desc.session.channels = memory(desc.session.num_channels * _sizes["misskey_channel_slot"]).ptr
        desc.session.captures = memory(desc.session.num_captures * _sizes["misskey_capture_slot"]).ptr
        self._kept.append(desc)     # which keeps what was assigned to its members
        self._conn = c_void_p(memory(_sizes["misskey_conn"]).ptr)
        self._session = c_void_p(self._conn.value + _session_offset)
        _check(library.misskey_conn_init(self._conn, byref(desc)))

    @property
    def failure(self):
        """The last exception that a callback has raised; None if there was none."""
        return self._entry.failure

    def _call(self, function, *arguments):
        with self._entry:
            return function(*arguments)

    def open(self, name, /, **params):
        """Opens a channel and returns the Channel. Raises the errors of misskey_channel_open."""
        texts = _text("name", name), _json(params)
        handle = Handle()
        with self._entry:
            # An interrupt between two lines must not free what C has borrowed.
            self._kept.append(texts)
            error = library.misskey_channel_open(self._session, *texts, None, byref(handle))
            # C borrows both texts until the channel's disconnect was sent. Its slot, the low 16 bits of the handle, is
            # given to another channel only after that: so the texts that this slot had before are free now. The same
            # handle again is a shared channel that was open before, and C has the texts of that.
            if error == 0 and self._texts.get(handle.id & 0xFFFF, (0, None))[0] != handle.id:
                self._texts[handle.id & 0xFFFF] = handle.id, texts
            self._kept.pop()
        _check(error)
        return Channel(handle, lambda: _check(self._call(library.misskey_channel_close, self._session, handle)))

    def watch(self, note_id):
        """Subscribes to the updates of a note and returns the Capture. Raises the errors of misskey_note_capture."""
        note = _text("note_id", note_id)
        _check(self._call(library.misskey_note_capture, self._session, note, len(note)))
        return Capture(lambda: _check(self._call(library.misskey_note_release, self._session, note, len(note))))

    def transport_up(self):
        self._call(library.misskey_conn_transport_up, self._conn)

    def transport_down(self):
        self._call(library.misskey_conn_transport_down, self._conn)

    def receive(self, data):
        """Takes all of data, which is bytes or another buffer, and returns a list of the events that are due. What
        follows the end of the connection is discarded. b"": the events that time has brought."""
        data, at, due = bytes(memoryview(data)), 0, []
        while True:
            due += self.events()
            taken = self.feed(data[at:at + 65536])
            if taken == 0:
                return due
            at += taken

    def feed(self, data):
        """The first half of receive. Returns how many bytes were taken. If these are not all: take all the events, then
        feed the rest. 0 right after that means that there is no connection: discard the rest."""
        data = bytes(memoryview(data))
        return self._call(library.misskey_conn_feed, self._conn, data, len(data))

    def events(self):
        """The second half of receive: a generator of the events that are due."""
        e = EventStruct()
        while True:
            with self._entry:
                event = Event(e) if library.misskey_conn_poll(self._conn, byref(e)) else None
            if event is None:
                return
            yield event

    def take_output(self):
        """Returns all that is to be sent. It counts as sent."""
        out, size = b"", c_size_t()
        with self._entry:
            while at := library.misskey_conn_send_buf(self._conn, byref(size)):
                out += ctypes.string_at(at, size.value)
                library.misskey_conn_send_ack(self._conn, size.value)
        return out

    def tick(self, milliseconds):
        """The time now, of any clock in milliseconds that runs forward; it may wrap at a power of two from 2**32 on.
        Where there is one, take a clock that goes on while the machine sleeps (Linux: time.CLOCK_BOOTTIME)."""
        self._call(library.misskey_conn_tick, self._conn, _number("milliseconds", milliseconds) & 0xFFFFFFFF)

    def timeout(self):
        """Returns the milliseconds until the next tick is due; 0xFFFFFFFF: none is."""
        return self._call(library.misskey_conn_timeout, self._conn)

    def close(self, code=1000, reason=None):
        """Starts the closing handshake and ends the retries. code: 1000 to 1003, 1007 to 1014, 3000 to 4999, or 0 for
        none. reason: at most 123 bytes in UTF-8, not with code 0."""
        code, reason = _count("code", code, 65535), _optional("reason", reason)
        if reason is not None and len(reason) > 123:
            raise ValueError("reason must be at most 123 bytes long in UTF-8")
        _check(self._call(library.misskey_conn_close, self._conn, code, reason))
