/* misskey.hpp - misskey_stream.h for C++17: memory has an owner, text is std::string_view, channels and captured notes
   end with their objects, what is refused throws.

        misskey::settings s;
        s.host = "misskey.example";
        s.entropy = my_random_bytes;                        // bool (void *, std::size_t)
        misskey::client client(s);
        misskey::channel local = client.open("localTimeline");
        client.transport_up();                              // the socket is connected
        client.feed(received);                              // yours: the bytes
        client.sent(send(client.output()));                 // how many of them left
        while (const misskey::event *e = client.poll())     // good until the next poll
            if (e->on(local)) std::cout << e->body()["text"].text().value_or("") << '\n';

   Needs misskey_stream.h, and its implementation in one file: MISSKEY_STREAM_IMPLEMENTATION defined before the include,
   there or in C. The readers (misskey_note_read, ...) take e->body() as it is.
   What to copy: the file.
   SPDX-License-Identifier: Unlicense OR MIT-0 */
#ifndef MISSKEY_HPP
#define MISSKEY_HPP
#include "misskey_stream.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
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

/* One that was opened; closed when it goes. Must not outlive its client. */
class channel {
public:
    channel() = default;
    channel(misskey_session &session, misskey_channel handle) : session_(&session), handle_(handle) {}
    channel(channel &&other) noexcept { swap(other); }
    channel &operator=(channel &&other) noexcept { swap(other); return *this; }
    ~channel() { if (session_ != nullptr) misskey_channel_close(session_, handle_); }
    misskey_channel handle() const { return handle_; }
private:
    void swap(channel &other) { std::swap(session_, other.session_); std::swap(handle_, other.handle_); }
    misskey_session *session_ = nullptr;
    misskey_channel handle_ = {};
};

/* A note whose updates are wanted; released when it goes. Must not outlive its client. */
class capture {
public:
    capture() = default;
    capture(misskey_session &session, std::string_view id) : session_(&session), id_(id)
    {
        check(misskey_note_capture(session_, id_.data(), id_.size()));
    }
    capture(capture &&other) noexcept { swap(other); }
    capture &operator=(capture &&other) noexcept { swap(other); return *this; }
    ~capture() { if (session_ != nullptr) misskey_note_release(session_, id_.data(), id_.size()); }
private:
    void swap(capture &other) { std::swap(session_, other.session_); std::swap(id_, other.id_); }
    misskey_session *session_ = nullptr;
    std::string id_;
};

/* What has happened; the members of misskey_event, and views of them. */
struct event : misskey_event {
    std::string_view content() const { return { text.ptr, text.len }; }     /* of a message, or the reason of a close */
    std::string type_name() const { return misskey::text(message.event); }  /* "note" */
    std::string id() const { return misskey::text(message.id); }
    json body() const { return message.body; }
    bool on(const misskey::channel &c) const { return channel.id != 0 && channel.id == c.handle().id; }
};

struct settings {
    std::string host, path = "/streaming", token;   /* token "": anonymous */
    std::function<bool(void *, std::size_t)> entropy;
    std::vector<std::pair<std::string, std::string>> headers;   /* of the upgrade */
    std::size_t receive = 65536, send = 4096;       /* bytes of the longest message */
    uint16_t channels = 32, captures = 1024;        /* at most; 0 channels: what comes on any channel is an event */
};

/* It stays where it is: the library keeps addresses of it. */
class client {
public:
    explicit client(settings s)
        : settings_(std::move(s)), channels_(settings_.channels), captures_(settings_.captures),
          rx_(MISSKEY_RX_SIZE(settings_.receive)), tx_(MISSKEY_TX_SIZE(settings_.send))
    {
        misskey_conn_desc desc = {};
        for (const auto &[name, value] : settings_.headers) headers_.push_back({ name.c_str(), value.c_str() });
        desc.ws.host = settings_.host.c_str();
        desc.ws.path = settings_.path.c_str();
        desc.ws.token = settings_.token.empty() ? nullptr : settings_.token.c_str();
        desc.ws.headers = headers_.data();
        desc.ws.num_headers = headers_.size();
        desc.ws.entropy = entropy;
        desc.ws.user = this;
        desc.ws.rx = { rx_.data(), rx_.size() };
        desc.ws.tx = { tx_.data(), tx_.size() };
        desc.session.channels = channels_.data();
        desc.session.num_channels = settings_.channels;
        desc.session.captures = captures_.data();
        desc.session.num_captures = settings_.captures;
        check(misskey_conn_init(&conn_, &desc));
    }
    client(const client &) = delete;
    client &operator=(const client &) = delete;

    /* params: a JSON object. The library borrows both texts until the channel's disconnect has left, which may be long
       after ~channel: they stay with the client. */
    channel open(std::string_view name, std::string_view params = "{}")
    {
        misskey_channel handle;
        check(misskey_channel_open(&conn_.session, keep(name), keep(params), nullptr, &handle));
        return { conn_.session, handle };
    }
    capture watch(std::string_view note_id) { return { conn_.session, note_id }; }

    void transport_up() { misskey_conn_transport_up(&conn_); }
    void transport_down() { misskey_conn_transport_down(&conn_); }
    void close(uint16_t code = 1000) { check(misskey_conn_close(&conn_, code, nullptr)); }

    /* How many bytes were taken; poll until nullptr, then feed the rest. */
    std::size_t feed(std::string_view bytes) { return misskey_conn_feed(&conn_, bytes.data(), bytes.size()); }

    /* What is to be sent; and how much of it was. */
    std::string_view output() const
    {
        std::size_t len;
        const uint8_t *const p = misskey_conn_send_buf(&conn_, &len);
        return { reinterpret_cast<const char *>(p), len };
    }
    void sent(std::size_t len) { misskey_conn_send_ack(&conn_, len); }

    const event *poll() { return misskey_conn_poll(&conn_, &event_) ? &event_ : nullptr; }

    void tick(uint32_t now_ms) { misskey_conn_tick(&conn_, now_ms); }
    std::chrono::milliseconds timeout() const { return std::chrono::milliseconds(misskey_conn_timeout(&conn_)); }

    misskey_conn &get() { return conn_; }   /* for all else that the library has */

private:
    static bool entropy(void *user, void *dst, std::size_t len)
    {
        const auto &source = static_cast<client *>(user)->settings_.entropy;
        return source && source(dst, len);
    }
    const char *keep(std::string_view text) { return kept_.emplace(text).first->c_str(); }

    settings settings_;
    std::vector<misskey_channel_slot> channels_;
    std::vector<misskey_capture_slot> captures_;
    std::vector<uint8_t> rx_, tx_;
    std::vector<misskey_header> headers_;
    std::set<std::string, std::less<>> kept_;
    misskey_conn conn_;
    event event_;
};

} // namespace misskey
#endif // MISSKEY_HPP
