/* misskey.hpp - misskey_stream.h for C++17: memory has an owner, text is std::string_view, channels and captured notes
   are given back by destructors, a refused call throws misskey::error.

        misskey::settings s;
        s.host = "misskey.example";
        s.entropy = my_random_bytes;                        // bool (void *, std::size_t)
        misskey::client client(s);
        misskey::channel local = client.open("localTimeline");
        client.tick(my_milliseconds());
        client.transport_up();                              // your socket is connected
        for (bool open = true; open;) {
            client.sent(my_send(client.output()));          // returns how many bytes were sent
            std::optional<std::string_view> bytes = my_receive(client.timeout());   // waits at most so long
            client.tick(my_milliseconds());                 // before the client is told what has happened meanwhile
            if (!bytes) client.transport_down();            // the socket has ended
            client.receive(bytes.value_or(""), [&](const misskey::event &e) {
                if (e.on(local) && e.type_name() == "note")
                    std::cout << e.body()["text"].text().value_or("") << '\n';
                if (e.type == MISSKEY_EVENT_CLOSED) open = false;
            });
        }

   Needs exceptions, misskey_stream.h, and its implementation in one file: MISSKEY_STREAM_IMPLEMENTATION defined before
   the include, there or in C. The readers (misskey_note_read, ...) accept e.body() directly.
   What to copy: the file.

   Exceptions of your callbacks never pass through C code. An entropy callback that throws has failed, as if it had
   returned false: the connection ends with CLOSED and MISSKEY_ERR_ENTROPY, DIAL follows, and the client works again as
   soon as the callback does. An exception of trace changes nothing. client::failure() returns the exception.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef MISSKEY_HPP
#define MISSKEY_HPP
#include "misskey_stream.h"

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace misskey {

class error : public std::runtime_error {
public:
    explicit error(misskey_err number) : std::runtime_error(misskey_err_text(number)), code(number) {}
    const misskey_err code;
};

inline void check(misskey_err err)
{
    if (err != MISSKEY_ERR_OK) throw error(err);
}

/* Decoded; "" if it is missing. */
inline std::string text(misskey_jstr s)
{
    std::string out(s.len, '\0');   /* decoded text is never longer; [len] is the NUL */
    out.resize(misskey_jstr_copy(s, out.data(), out.size() + 1));
    return out;
}

/* As a JSON string, with its quotes. */
inline std::string quote(std::string_view plain)
{
    std::string out(plain.size() * 6 + 2, '\0');    /* every byte as \u00XX */
    misskey_json literal;
    misskey_jw w;
    misskey_jw_init(&w, out.data(), out.size());
    misskey_jw_str(&w, plain.data(), plain.size());
    check(misskey_jw_done(&w, &literal));
    out.resize(literal.len);
    return out;
}

/* A view of a JSON value: true if there is one. Missing members chain: v["a"]["b"]. */
class json {
public:
    struct member { std::string name; misskey_json value; };    /* name "" in an array */

    class iterator {
    public:
        explicit iterator(misskey_json value) : at_(misskey_json_iter(value)), more_(misskey_json_next(&at_)) {}
        iterator() : at_(), more_(false) {}
        member operator*() const { return { misskey::text(at_.key), at_.value }; }
        iterator &operator++() { more_ = misskey_json_next(&at_); return *this; }
        bool operator!=(const iterator &other) const { return more_ != other.more_; }
    private:
        misskey_iter at_;
        bool more_;
    };

    json() : value_() {}
    json(misskey_json value) : value_(value) {}
    operator misskey_json() const { return value_; }
    explicit operator bool() const { return value_.ptr != nullptr; }
    std::string_view raw() const { return { value_.ptr, value_.len }; }
    misskey_type type() const { return misskey_json_type(value_); }
    json operator[](const char *name) const { return misskey_json_get(value_, name); }
    iterator begin() const { return iterator(value_); }
    iterator end() const { return {}; }

    std::optional<std::string> text() const
    {
        if (type() != MISSKEY_TYPE_STRING) return std::nullopt;
        return misskey::text(misskey_json_str(value_));
    }
    std::optional<int64_t> integer() const
    {
        int64_t i = 0;
        return misskey_json_i64(value_, &i) ? std::optional<int64_t>(i) : std::nullopt;
    }
    std::optional<bool> boolean() const
    {
        bool b = false;
        return misskey_json_bool(value_, &b) ? std::optional<bool>(b) : std::nullopt;
    }

private:
    misskey_json value_;
};

/* The C calls that give back what a client holds for an object. */
inline void give_back(misskey_conn &conn, misskey_channel channel) { misskey_channel_close(&conn.session, channel); }
inline void give_back(misskey_conn &conn, const std::string &note_id)
{
    misskey_note_release(&conn.session, note_id.data(), note_id.size());
}

/* Something that a client holds until this object is destroyed or assigned to. May be moved, also into itself; may
   outlive its client and does nothing then. */
template <class Thing>
class held {
public:
    held() = default;
    held(held &&other) noexcept { swap(other); }
    held &operator=(held &&other) noexcept
    {
        held taken(std::move(other));   /* other is empty from here on, also if it is *this */
        swap(taken);
        return *this;
    }
    ~held()
    {
        if (const auto conn = conn_.lock()) give_back(*conn, thing_);
    }
protected:
    held(const std::shared_ptr<misskey_conn> &conn, Thing &&thing) : conn_(conn), thing_(std::move(thing)) {}
    const Thing &thing() const { return thing_; }
private:
    void swap(held &other) noexcept { std::swap(conn_, other.conn_); std::swap(thing_, other.thing_); }
    std::weak_ptr<misskey_conn> conn_;
    Thing thing_ = {};
};

/* An open channel; closed when this object is destroyed or assigned to. */
class channel : public held<misskey_channel> {
public:
    channel() = default;
    misskey_channel handle() const { return thing(); }  /* .id is 0 if nothing is held */
private:
    friend class client;
    channel(const std::shared_ptr<misskey_conn> &conn, misskey_channel handle) : held(conn, std::move(handle)) {}
};

/* A note whose updates are wanted; released when this object is destroyed or assigned to. */
class capture : public held<std::string> {
public:
    capture() = default;
private:
    friend class client;
    capture(const std::shared_ptr<misskey_conn> &conn, std::string &&id) : held(conn, std::move(id)) {}
};

/* The members of misskey_event, and views of them. */
struct event : misskey_event {
    std::string_view content() const { return { text.ptr, text.len }; }     /* of a message, or the reason of a close */
    std::string type_name() const { return misskey::text(message.event); }  /* "note" */
    std::string id() const { return misskey::text(message.id); }
    json body() const { return message.body; }
    bool on(const misskey::channel &c) const { return channel.id != 0 && channel.id == c.handle().id; }
};

constexpr std::size_t longest_message = std::size_t(64) << 20;  /* the library closes the connection on longer ones */

/* Texts must not contain NUL. */
struct settings {
    std::string host, path = "/streaming", token;   /* token "": anonymous */
    bool token_in_query = false;                    /* servers before 13.14 read the token from ?i= only */
    std::function<bool(void *, std::size_t)> entropy;               /* required: fills the memory; false: failed */
    std::function<void(bool sent, std::string_view text)> trace;    /* each text message, without the upgrade */
    std::vector<std::pair<std::string, std::string>> headers;       /* additional ones of the upgrade request */
    std::size_t receive = 65536, send = 4096;       /* bytes of the longest message, at most longest_message */
    std::size_t channels = 32, captures = 1024;     /* at most 65535 and 65534; 0 channels: the events of every channel
                                                       are delivered */
};

/* Cannot be copied or moved: the library keeps addresses of its members. For one thread at a time; entropy and trace
   must not call it. */
class client {
public:
    /* Throws BAD_ARG or TOO_SMALL as misskey_conn_init does, and BAD_ARG for settings out of range or with NUL. */
    explicit client(settings s)
        : settings_(checked(std::move(s))), channels_(settings_.channels), captures_(settings_.captures),
          rx_(MISSKEY_RX_SIZE(settings_.receive)), tx_(MISSKEY_TX_SIZE(settings_.send)), lent_(settings_.channels)
    {
        misskey_conn_desc desc = {};
        for (const auto &[name, value] : settings_.headers) headers_.push_back({ name.c_str(), value.c_str() });
        desc.ws.host = settings_.host.c_str();
        desc.ws.path = settings_.path.c_str();
        desc.ws.token = settings_.token.empty() ? nullptr : settings_.token.c_str();
        desc.ws.token_in_query = settings_.token_in_query;
        desc.ws.headers = headers_.data();
        desc.ws.num_headers = headers_.size();
        desc.ws.entropy = settings_.entropy ? entropy : nullptr;
        desc.ws.user = this;
        desc.ws.rx = { rx_.data(), rx_.size() };
        desc.ws.tx = { tx_.data(), tx_.size() };
        desc.session.trace = settings_.trace ? trace : nullptr;
        desc.session.channels = channels_.data();
        desc.session.num_channels = static_cast<uint16_t>(settings_.channels);
        desc.session.captures = captures_.data();
        desc.session.num_captures = static_cast<uint16_t>(settings_.captures);
        check(misskey_conn_init(conn_.get(), &desc));
    }
    client(const client &) = delete;
    client &operator=(const client &) = delete;

    /* Opens a channel. params: a JSON object. Throws the errors of misskey_channel_open. */
    channel open(std::string_view name, std::string_view params = "{}")
    {
        auto texts = std::make_unique<lent>(lent{ plain(name), plain(params), {} });
        misskey_channel &handle = texts->handle;
        check(misskey_channel_open(&conn_->session, texts->name.c_str(), texts->params.c_str(), nullptr, &handle));
        channel opened(conn_, handle);
        auto &slot = lent_[handle.id & 0xFFFF];     /* the low 16 bits of a handle are the index of its slot */
        if (slot == nullptr || slot->handle.id != handle.id) slot = std::move(texts);  /* else it was open: shared */
        return opened;
    }

    /* Subscribes to the updates of a note. Throws the errors of misskey_note_capture. */
    capture watch(std::string_view note_id)
    {
        std::string id(note_id);
        check(misskey_note_capture(&conn_->session, id.data(), id.size()));
        return { conn_, std::move(id) };
    }

    void transport_up() { misskey_conn_transport_up(conn_.get()); }
    void transport_down() { misskey_conn_transport_down(conn_.get()); }

    /* Starts the closing handshake and ends the retries. code: 1000 to 1003, 1007 to 1014, 3000 to 4999, 0 for none;
       throws BAD_ARG for others. */
    void close(unsigned code = 1000)
    {
        check(code <= 65535 ? misskey_conn_close(conn_.get(), static_cast<uint16_t>(code), nullptr)
                            : MISSKEY_ERR_BAD_ARG);
    }

    /* Takes all the bytes and calls handle(const event &) for every event; the event is valid until handle returns.
       Bytes after the end of a connection are discarded. No bytes: gives the events that time has brought. If handle
       throws, the exception passes through and the bytes not yet taken are lost: end the connection. */
    template <class Handle>
    void receive(std::string_view bytes, Handle &&handle)
    {
        for (;;) {
            while (const event *e = poll()) {
                if (e->type == MISSKEY_EVENT_CLOSED) bytes = {};    /* handle may bring the next transport up */
                handle(*e);
            }
            const std::size_t taken = feed(bytes);
            if (taken == 0) return;
            bytes.remove_prefix(taken);
        }
    }

    /* The two halves of receive. feed returns how many bytes were taken. If these are not all: call poll until it
       returns nullptr, then feed the rest. 0 right after that means that there is no connection: discard the rest.
       An event is valid until the next poll. */
    std::size_t feed(std::string_view bytes) { return misskey_conn_feed(conn_.get(), bytes.data(), bytes.size()); }
    const event *poll() { return misskey_conn_poll(conn_.get(), &event_) ? &event_ : nullptr; }

    /* The bytes to be sent, valid until the next call; and how many of them were sent. Throws BAD_ARG for more. */
    std::string_view output() const
    {
        std::size_t len;
        const uint8_t *const p = misskey_conn_send_buf(conn_.get(), &len);
        return { reinterpret_cast<const char *>(p), len };
    }
    void sent(std::size_t len)
    {
        check(len <= output().size() ? MISSKEY_ERR_OK : MISSKEY_ERR_BAD_ARG);   /* -1 of a failed send, for instance */
        misskey_conn_send_ack(conn_.get(), len);
    }

    /* The time now, of a clock that may wrap and goes on while the machine sleeps (Linux: CLOCK_BOOTTIME); and how long
       to wait at most for the next tick (0xFFFFFFFF: forever). */
    void tick(uint32_t now_ms) { misskey_conn_tick(conn_.get(), now_ms); }
    std::chrono::milliseconds timeout() const { return std::chrono::milliseconds(misskey_conn_timeout(conn_.get())); }

    /* Returns the last exception that a callback has thrown since the last call of failure; nullptr if none. */
    std::exception_ptr failure() { return std::exchange(failure_, nullptr); }

    misskey_conn &get() { return *conn_; }  /* for everything else that the library has */

private:
    /* What C borrows for a channel until its disconnect was sent, which may be long after ~channel. A slot is given to
       another channel only after that, so the texts of a slot are freed when open returns its next channel. */
    struct lent {
        std::string name, params;
        misskey_channel handle;
    };

    static std::string plain(std::string_view text)
    {
        check(text.find('\0') == text.npos ? MISSKEY_ERR_OK : MISSKEY_ERR_BAD_ARG);
        return std::string(text);
    }
    static settings checked(settings s)
    {
        const bool fits = s.channels <= 65535 && s.captures <= 65534 && s.receive <= longest_message &&
                          s.send <= longest_message;
        check(fits ? MISSKEY_ERR_OK : MISSKEY_ERR_BAD_ARG);
        for (const std::string *text : { &s.host, &s.path, &s.token }) plain(*text);
        for (const auto &[name, value] : s.headers) plain(name), plain(value);
        return s;
    }

    template <class Call>
    void guard(const Call &call) noexcept
    {
        try {
            call();
        } catch (...) {
            failure_ = std::current_exception();
        }
    }
    static bool entropy(void *user, void *dst, std::size_t len) noexcept
    {
        client &self = *static_cast<client *>(user);
        bool drawn = false;
        self.guard([&] { drawn = self.settings_.entropy(dst, len); });
        return drawn;
    }
    static void trace(void *user, bool sent, const char *text, std::size_t len) noexcept
    {
        client &self = *static_cast<client *>(user);
        self.guard([&] { self.settings_.trace(sent, { text, len }); });
    }

    settings settings_;
    std::vector<misskey_channel_slot> channels_;
    std::vector<misskey_capture_slot> captures_;
    std::vector<uint8_t> rx_, tx_;
    std::vector<misskey_header> headers_;
    std::vector<std::unique_ptr<lent>> lent_;   /* by slot */
    std::exception_ptr failure_;
    std::shared_ptr<misskey_conn> conn_ = std::make_shared<misskey_conn>();  /* ends before what it borrows */
    event event_;
};

} // namespace misskey
#endif // MISSKEY_HPP
