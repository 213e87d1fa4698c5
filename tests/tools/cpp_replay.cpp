// cpp_replay DIR...: prints what wire_replay prints for each recording, by examples/cpp/misskey.hpp.
// cpp_replay --check: tests the objects of that file. MISSKEY_EXAMPLE: a file with the example of its first comment.
#ifndef MISSKEY_IMPLEMENTED_IN_C
#define MISSKEY_STREAM_IMPLEMENTATION
#endif
#include "examples/cpp/misskey.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <new>
#include <sstream>
#include <strings.h>

static std::string read_file(const std::string &path)
{
    const std::string command = "cat '" + path + "' 2>/dev/null || gzip -dc '" + path + ".gz'";
    std::FILE *const file = popen(command.c_str(), "r");
    std::string all;
    char piece[65536];
    for (std::size_t n; (n = std::fread(piece, 1, sizeof piece, file)) > 0;) all.append(piece, n);
    if (pclose(file) != 0) throw std::runtime_error("cannot read " + path);
    return all;
}

// Value of a header of the request, "" if it has none.
static std::string header(const std::string &request, const std::string &name)
{
    const std::string head = request.substr(0, request.find("\r\n\r\n") + 2);
    for (std::size_t at = 0, end; (end = head.find("\r\n", at)) != std::string::npos; at = end + 2) {
        const std::string line = head.substr(at, end - at);
        if (strncasecmp(line.c_str(), (name + ":").c_str(), name.size() + 1) != 0) continue;
        return line.substr(std::min(line.find_first_not_of(' ', name.size() + 1), line.size()));
    }
    return "";
}

static std::string decode_key(const std::string &key)
{
    static const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string nonce;
    unsigned bits = 0;
    if (key.size() != 24 || key.find_first_not_of(digits) != 22) return std::string(16, '\0');
    for (std::size_t i = 0; i < 22; i++) {
        bits = bits << 6 | static_cast<unsigned>(digits.find(key[i]));
        if (i % 4 != 0) nonce += static_cast<char>(bits >> (6 - i % 4 * 2));
    }
    return nonce;
}

// LF and CR can only be white space between tokens here.
static void print_member(const char *name, misskey::json value)
{
    std::cout << ",\"" << name << "\":";
    if (!value) std::cout << "null";
    for (const char c : value.raw()) std::cout << (c == '\n' || c == '\r' ? ' ' : c);
}

static misskey::json if_string(misskey::json value)
{
    return value.type() == MISSKEY_TYPE_STRING ? value : misskey::json();
}

static void print_message(const misskey::event &e)
{
    const misskey_kind kind = e.message.kind;
    const std::string_view all = e.content();
    if (kind >= MISSKEY_KIND_TEXT_PING) {
        std::cout << "{\"event\":\"text\",\"data\":" << misskey::quote(all) << "}\n";
        return;
    }
    const std::size_t begin = all.find('{'), len = all.rfind('}') + 1 - begin;
    const misskey::json root = misskey_json{ all.data() + begin, len }, outer = root["body"];
    const bool wraps = kind == MISSKEY_KIND_CHANNEL || kind == MISSKEY_KIND_NOTE_UPDATED;
    std::cout << "{\"event\":\"message\"";
    print_member("type", root["type"]);
    print_member("id", if_string(outer["id"]));
    print_member("inner", wraps ? outer["type"] : misskey::json());
    print_member("body", !wraps ? outer : e.message.deep ? outer["body"] : e.body());
    std::cout << "}\n";
}

static bool print_event(const misskey::event &e)
{
    switch (e.type) {
    case MISSKEY_EVENT_OPEN:    std::cout << "{\"event\":\"open\"}\n"; break;
    case MISSKEY_EVENT_MESSAGE: print_message(e); break;
    case MISSKEY_EVENT_DROPPED: std::cout << "{\"event\":\"dropped\",\"size\":" << e.size << "}\n"; break;
    case MISSKEY_EVENT_CLOSED:
        std::cout << "{\"event\":\"closed\",\"code\":" << e.code;
        std::cout << ",\"error\":\"" << misskey_err_name(e.err) << "\"}\n";
        return false;
    default: break;
    }
    return true;
}

static void replay(const std::string &dir)
{
    const std::string server = read_file(dir + "/server.bin"), request = read_file(dir + "/client.bin");
    const std::string nonce = decode_key(header(request, "sec-websocket-key"));
    const std::string protocols = header(request, "sec-websocket-protocol");
    misskey::settings s;
    s.host = "replay";
    s.receive = server.size() + request.size();
    s.channels = s.captures = 0;
    s.entropy = [&nonce](void *dst, std::size_t len) {
        std::memset(dst, 0, len);
        if (len == 16) std::memcpy(dst, nonce.data(), len);
        return true;
    };
    if (!protocols.empty()) s.headers.push_back({ "Sec-WebSocket-Protocol", protocols });
    misskey::client client(s);
    bool open = true;
    const auto drain = [&] {
        while (const misskey::event *e = client.poll()) open = print_event(*e) && open;
        while (!client.output().empty()) client.sent(client.output().size());
    };
    client.transport_up();
    drain();
    for (std::string_view rest = server; open && !rest.empty(); drain()) rest.remove_prefix(client.feed(rest));
    client.transport_down();
    drain();
}

static int failed = 0;
static bool right_so_far;

static void expect(bool right, const std::string &what)
{
    if (!right) std::cout << "FAIL wrappers C++: " << what << "\n";
    right_so_far = right_so_far && right;
}

static void run(const char *name, void (*test)())
{
    right_so_far = true;
    try {
        test();
    } catch (const std::exception &e) {
        expect(false, std::string("an exception: ") + e.what());
    } catch (...) {
        expect(false, "an exception");
    }
    std::cout << (right_so_far ? "PASS" : "FAIL") << " wrappers C++: " << name << std::endl;
    failed |= !right_so_far;
}

static std::size_t allocated = 0;   // objects that new has made and delete has not ended

void *operator new(std::size_t size)
{
    void *const p = std::malloc(size);
    if (p == nullptr) throw std::bad_alloc();
    allocated++;
    return p;
}
void operator delete(void *p) noexcept
{
    allocated -= p != nullptr;
    std::free(p);
}
void operator delete(void *p, std::size_t) noexcept { operator delete(p); }

static std::string frame(const std::string &text)
{
    const std::string wide = { '\x7E', static_cast<char>(text.size() >> 8), static_cast<char>(text.size() & 255) };
    return "\x81" + (text.size() < 126 ? std::string(1, static_cast<char>(text.size())) : wide) + text;
}

static bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

static bool throws(misskey_err code, const std::function<void()> &call)
{
    try {
        call();
    } catch (const misskey::error &e) {
        return e.code == code && std::strcmp(e.what(), misskey_err_text(code)) == 0;
    }
    return false;
}

static const char accepted[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n";

static bool zeros(void *dst, std::size_t len)
{
    std::memset(dst, 0, len);
    return true;
}

static misskey::settings usual()
{
    misskey::settings s;
    s.host = "misskey.example";
    s.entropy = zeros;      // masks are zero, so the text of the frames can be read
    return s;
}

// A client and its server, which acknowledges channels.
struct world {
    explicit world(misskey::settings s = usual()) : client(std::move(s)) {}

    void dial()
    {
        upgraded = false;
        client.tick(now);
        client.transport_up();
        turn();
    }
    // Ends the connection and waits for DIAL. False: it does not come.
    bool redials()
    {
        const std::size_t before = events.size();
        client.transport_down();
        for (turn(); !happened(MISSKEY_EVENT_DIAL, before); turn()) {
            if ((now += 1000) > 3600000) return false;
            client.tick(now);
        }
        return true;
    }
    void turn()
    {
        std::string answer;
        do {
            answer = serve(take());
            client.receive(answer, [this](const misskey::event &e) {
                events.push_back({ e.type, e.err });
                if (e.type == MISSKEY_EVENT_MESSAGE) bodies.push_back(std::string(e.body().raw()));
            });
        } while (!answer.empty() || !client.output().empty());
    }
    std::string take()
    {
        std::string all;
        for (std::string_view out; !(out = client.output()).empty(); client.sent(out.size())) all += out;
        return all;
    }
    std::string serve(const std::string &bytes)
    {
        std::size_t at = bytes.find("\r\n\r\n");
        std::string answer;
        if (!upgraded && at == std::string::npos) return "";
        if (!upgraded) {
            request = bytes;
            answer = accepted;
        }
        at = upgraded ? 0 : at + 4;
        upgraded = true;
        while (at < bytes.size()) {
            const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes.at(at + i)); };
            const std::size_t small = byte(1) & 127u, len = small < 126 ? small : byte(2) * 256u + byte(3);
            const std::string text = bytes.substr(at + (small < 126 ? 6 : 8), len);
            texts.push_back((byte(0) & 8) != 0 ? "control" : text);
            const misskey::json message = misskey_json_text(text.c_str());
            if (message["type"].text() == "connect") {
                last_id = message["body"]["id"].text().value_or("");
                answer += frame("{\"type\":\"connected\",\"body\":{\"id\":\"" + last_id + "\"}}");
            }
            at += (small < 126 ? 6 : 8) + len;
        }
        return answer;
    }
    std::string note(const std::string &body) const
    {
        return frame("{\"type\":\"channel\",\"body\":{\"id\":\"" + last_id + "\",\"type\":\"note\",\"body\":" + body +
                     "}}");
    }
    bool happened(misskey_event_type type, std::size_t since = 0) const { return count(type, since) > 0; }
    std::size_t count(misskey_event_type type, std::size_t since = 0) const
    {
        std::size_t n = 0;
        for (std::size_t i = since; i < events.size(); i++) n += events[i].first == type;
        return n;
    }
    bool ended_by(misskey_err err) const
    {
        for (const auto &[type, error] : events) if (type == MISSKEY_EVENT_CLOSED && error == err) return true;
        return false;
    }
    // Of the messages that the server has received.
    std::size_t sent(const std::string &part, std::size_t since = 0) const
    {
        std::size_t n = 0;
        for (std::size_t i = since; i < texts.size(); i++) n += has(texts[i], part);
        return n;
    }

    misskey::client client;
    uint32_t now = 0;
    bool upgraded = false;
    std::string request, last_id;
    std::vector<std::string> texts, bodies;
    std::vector<std::pair<misskey_event_type, misskey_err>> events;
};

static void test_traffic()
{
    world w;
    expect(throws(MISSKEY_ERR_NO_TOKEN, [&] { w.client.open("main"); }), "main without token is refused");
    const std::string name = "localTimeline";
    misskey::channel local = w.client.open(name, std::string("{\"withReplies\":true}"));
    w.dial();
    expect(has(w.request, "GET /streaming HTTP/1.1\r\nHost: misskey.example\r\n"), "the request");
    expect(w.sent("\"channel\":\"localTimeline\"") == 1, "connect");
    expect(w.sent("\"params\":{\"withReplies\":true}") == 1, "params");
    const std::string bytes = w.note("{\"id\":\"n1\",\"text\":\"\\u3042\\n\",\"n\":[1,true,null],"
                                     "\"o\":{\"a.b\":{\"c\":-5}}}");
    expect(w.client.feed(bytes) == bytes.size(), "feed takes all");
    int notes = 0;
    while (const misskey::event *e = w.client.poll()) {
        if (e->type != MISSKEY_EVENT_MESSAGE) continue;
        notes += e->on(local) && e->type_name() == "note" && e->body()["text"].text() == "\xE3\x81\x82\n";
        expect(e->body()["o"]["a.b"]["c"].integer() == -5 && !e->body()["x"]["y"], "members");
        std::string all;
        for (const auto &[key, value] : e->body()["o"]) all += key + "=" + std::string(misskey::json(value).raw());
        for (const auto &[key, value] : e->body()["n"]) all += key + "," + std::string(misskey::json(value).raw());
        expect(all == "a.b={\"c\":-5},1,true,null", "iteration");
        expect(!e->body()["text"].integer() && !e->body()["n"].text() && !e->body().boolean(), "other types");
    }
    expect(notes == 1, "one note on the channel");
    local = misskey::channel();
    w.turn();
    expect(w.sent("{\"type\":\"disconnect\",\"body\":{\"id\":\"") == 1, "disconnect when the channel is gone");
    w.client.close();
    w.turn();
    expect(w.texts.back() == "control", "Close");
}

static void test_text()
{
    expect(misskey::quote("a\"\n\x01") == "\"a\\\"\\n\\u0001\"" && misskey::quote({}) == "\"\"", "quote");
    expect(throws(MISSKEY_ERR_BAD_UTF8, [] { misskey::quote("\xFF"); }), "quote refuses what is not UTF-8");
    expect(misskey::text({}).empty() && misskey::text(misskey_jstr_text("\\ud800a")) == "\xEF\xBF\xBD" "a", "text");
    for (const auto &member : misskey::json()) expect(member.name.empty() && false, "nothing has no members");
}

// --- callbacks ---

// A connection in which entropy is asked five times: upgrade, connect, subNote, pong, and the delay before DIAL.
static bool use(world &w)
{
    w.dial();
    w.client.receive("\x89\x01p", [&](const misskey::event &e) { w.events.push_back({ e.type, e.err }); });
    w.turn();
    return w.redials();
}

static void test_entropy_throws_once()
{
    for (const int k : { 0, 1, 2, 3, 4, 1000 }) {
        const std::string which = "call " + std::to_string(k) + ": ";
        int calls = 0;
        misskey::settings s = usual();
        s.entropy = [&](void *dst, std::size_t len) {
            if (calls++ != k) return zeros(dst, len);
            if (k % 2 == 0) throw std::runtime_error("no random bytes");
            throw k;
        };
        world w(s);
        const misskey::channel local = w.client.open("localTimeline");
        const misskey::capture note = w.client.watch("n1");
        expect(use(w), which + "DIAL comes");
        expect(w.ended_by(MISSKEY_ERR_ENTROPY) == (k < 4), which + "CLOSED with ENTROPY if a frame needed it");
        const std::exception_ptr failure = w.client.failure();
        expect(k < calls || calls == 5, which + "entropy is asked five times");
        expect((failure != nullptr) == (k < calls) && w.client.failure() == nullptr, which + "failure() has it once");
        try {
            if (failure != nullptr) std::rethrow_exception(failure);
        } catch (int thrown) {
            expect(thrown == k && k % 2 != 0, which + "the exception");
        } catch (const std::runtime_error &e) {
            expect(std::string(e.what()) == "no random bytes" && k % 2 == 0, which + "the exception");
        }
        const std::size_t events = w.events.size(), texts = w.texts.size();
        expect(use(w), which + "DIAL comes again");
        expect(w.count(MISSKEY_EVENT_CHANNEL_READY, events) == 1, which + "READY after it");
        expect(w.sent("subNote", texts) == 1 && w.sent("control", texts) == 1, which + "subNote and pong after it");
    }
}

static void test_entropy_throws_for_long()
{
    for (const bool by_exception : { true, false }) {
        bool broken = true;
        misskey::settings s = usual();
        s.entropy = [&](void *dst, std::size_t len) {
            if (broken && by_exception) throw std::runtime_error("no random bytes");
            return zeros(dst, len) && !broken;
        };
        world w(s);
        const misskey::channel local = w.client.open("localTimeline");
        for (int i = 0; i < 20; i++) expect(use(w), "DIAL comes while entropy is broken");
        expect(w.request.empty() && w.texts.empty(), "nothing is sent");
        expect(w.count(MISSKEY_EVENT_CLOSED) == 20 && w.ended_by(MISSKEY_ERR_ENTROPY), "CLOSED each time");
        expect((w.client.failure() != nullptr) == by_exception, "failure");
        broken = false;
        expect(use(w) && w.count(MISSKEY_EVENT_CHANNEL_READY) == 1, "READY when entropy is back");
    }
    misskey::settings none = usual();
    none.entropy = nullptr;
    expect(throws(MISSKEY_ERR_BAD_ARG, [&] { misskey::client client(none); }), "entropy is required");
}

static void test_trace()
{
    std::vector<std::string> traced;
    misskey::settings s = usual(), loud = s;
    s.trace = [&](bool out, std::string_view text) { traced.push_back((out ? ">" : "<") + std::string(text)); };
    loud.trace = [](bool, std::string_view) { throw std::runtime_error("disk full"); };
    world a(s), b(loud);
    for (world *w : { &a, &b }) {
        const misskey::channel local = w->client.open("localTimeline");
        const misskey::capture note = w->client.watch("n1");
        w->dial();
        w->client.receive(w->note("{\"id\":\"n1\"}"), [](const misskey::event &) {});
        expect(w->redials() && use(*w), "DIAL comes");
    }
    expect(a.events == b.events && a.texts == b.texts, "an exception of trace changes nothing");
    expect(a.client.failure() == nullptr && b.client.failure() != nullptr, "failure");
    std::size_t out = 0, in = 0;
    for (const std::string &text : traced) (text[0] == '>' ? out : in)++;
    expect(out == a.texts.size() - a.sent("control") && in == 3, "every text message in both directions");
    expect(!traced.empty() && has(traced[0], ">{\"type\":\"connect\""), "the text");
}

// --- what objects hold ---

static void test_moves()
{
    world w;
    w.dial();
    misskey::channel a = w.client.open("localTimeline"), b = w.client.open("globalTimeline");
    w.turn();
    const uint32_t second = b.handle().id;
    a = std::move(b);
    w.turn();
    expect(w.sent("\"disconnect\"") == 1, "a channel that is assigned to is closed at once");
    expect(a.handle().id == second && b.handle().id == 0, "the other one is held, and not twice");
    misskey::channel &same = a;
    a = std::move(same);
    w.turn();
    expect(a.handle().id == second && w.sent("\"disconnect\"") == 1, "moved into itself it stays open");
    std::swap(a, b);
    b = misskey::channel(std::move(b));
    w.turn();
    expect(b.handle().id == second && w.sent("\"disconnect\"") == 1, "swap closes nothing");
    a = w.client.open("localTimeline");
    std::vector<misskey::channel> many;
    for (int i = 0; i < 8; i++) many.push_back(w.client.open("hashtag", "{\"q\":[[\"" + std::to_string(i) + "\"]]}"));
    w.turn();
    many.erase(many.begin() + 2);
    w.turn();
    expect(w.sent("\"disconnect\"") == 2, "erased from the middle of a vector: one is closed");
    many.clear();
    w.turn();
    expect(w.sent("\"disconnect\"") == 9, "a vector that is cleared: all are closed");

    misskey::capture first = w.client.watch("n1"), other = w.client.watch("n2");
    w.turn();
    first = std::move(other);
    w.turn();
    expect(w.sent("{\"type\":\"unsubNote\",\"body\":{\"id\":\"n1\"}}") == 1, "an id that is assigned to is released");
    misskey::capture &itself = first;
    first = std::move(itself);
    other = std::move(first);
    first = misskey::capture();
    w.turn();
    expect(w.sent("\"unsubNote\"") == 1, "the other one is still held");
    other = misskey::capture();
    w.turn();
    expect(w.sent("{\"type\":\"unsubNote\",\"body\":{\"id\":\"n2\"}}") == 1, "and released once");
}

static void test_counts()
{
    misskey::settings s = usual();
    s.token = "secret";
    s.channels = 2;
    s.captures = 1;
    world w(s);
    w.dial();
    {
        misskey::channel one = w.client.open("main"), two = w.client.open("main");
        expect(one.handle().id == two.handle().id, "a shared channel");
        expect(throws(MISSKEY_ERR_SHARED, [&] { w.client.open("main", "{\"a\":1}"); }), "other parameters");
        const misskey::channel local = w.client.open("localTimeline");
        expect(throws(MISSKEY_ERR_FULL, [&] { w.client.open("globalTimeline"); }), "no place for another channel");
        one = misskey::channel();
        w.turn();
        expect(w.sent("\"disconnect\"") == 0 && w.redials(), "one of two owners is left");
        w.dial();
        expect(w.sent("\"channel\":\"main\"") == 2, "its texts are still there for the next connection");
    }
    w.turn();
    expect(w.sent("\"disconnect\"") == 2, "closed when the last owner is gone");
    {
        const misskey::capture first = w.client.watch("n1"), second = w.client.watch(std::string("n1"));
        expect(throws(MISSKEY_ERR_FULL, [&] { w.client.watch("n2"); }), "no place for another capture");
        w.turn();
        expect(w.sent("{\"type\":\"subNote\",\"body\":{\"id\":\"n1\"}}") == 1, "subNote");
    }
    w.turn();
    expect(w.sent("\"unsubNote\"") == 1, "unsubNote when the captures are gone");
}

static void test_outlive()
{
    misskey::channel local, moved;
    misskey::capture note;
    {
        world w;
        local = w.client.open("localTimeline");
        moved = w.client.open("globalTimeline");
        note = w.client.watch("n1");
        w.dial();
    }
    local = std::move(moved);
    expect(local.handle().id != 0, "a handle");
    world w;
    w.dial();
    local = w.client.open("localTimeline");
    note = w.client.watch("n1");
    w.turn();
    expect(w.sent("\"connect\"") == 1 && w.sent("\"subNote\"") == 1, "they can be used for another client");
    misskey::client *gone = nullptr;
    try {
        misskey::settings s = usual();
        misskey::client client(s);
        const misskey::channel kept = client.open("localTimeline");
        gone = &client;
        client.open("no such parameters", "[]");
    } catch (const misskey::error &e) {
        expect(e.code == MISSKEY_ERR_BAD_JSON && gone != nullptr, "unwinding closes in any order");
    }
}

// Opens and closes at random, with lost connections in between; the sanitizer sees texts that were freed too early.
static void test_churn()
{
    static const char *const names[] = { "main", "localTimeline", "hashtag", "userList", "drive" };
    misskey::settings s = usual();
    s.token = "secret";
    s.channels = 6;
    world w(s);
    std::vector<misskey::channel> open;
    unsigned seed = 1;
    const auto random = [&seed](unsigned below) { return (seed = seed * 1103515245u + 12345u) / 65536u % below; };
    std::size_t most = 0, refused = 0;
    open.reserve(64);
    for (int i = 0; i < 20000; i++) {
        const unsigned what = random(8);
        w.texts.clear();
        w.events.clear();
        w.bodies.clear();
        try {
            if (what < 4 && open.size() < 64) {
                open.push_back(w.client.open(std::string(names[random(5)]),
                                             "{\"longer than a small string\":" + std::to_string(random(3)) + "}"));
            }
        } catch (const misskey::error &e) {
            expect(e.code == MISSKEY_ERR_FULL || e.code == MISSKEY_ERR_SHARED, e.what());
            refused++;
        }
        if (what == 4 && !open.empty()) open.erase(open.begin() + random(static_cast<unsigned>(open.size())));
        if (what == 5) w.client.tick(w.now += 100);
        if (what == 6) w.turn();
        if (what == 7 && random(8) == 0) {
            w.redials();
            w.dial();
        }
        if (i == 1000) most = allocated;
        expect(i <= 1000 || allocated <= most + 2000, "memory does not grow with the number of open");
    }
    expect(refused > 0 && refused < 10000, "many are opened, and some refused");
    while (!open.empty()) open.pop_back();
}

static void test_texts_of_closed_channels()
{
    world w;
    w.dial();
    std::size_t before = 0;
    for (int i = 0; i < 2000; i++) {
        w.client.open("hashtag", "{\"q\":[[\"a tag that is longer than a small string " + std::to_string(i) + "\"]]}");
        w.client.tick(w.now += 1000);
        w.turn();
        w.texts.clear();
        w.events.clear();
        if (i == 100) before = allocated;
    }
    expect(allocated <= before + 10, "2000 times open and close need no more memory than 100");
}

// --- arguments ---

static void test_arguments()
{
    const std::string nul("main\0x", 6);
    const auto refused = [](const std::function<void(misskey::settings &)> &change) {
        misskey::settings s = usual();
        change(s);
        return throws(MISSKEY_ERR_BAD_ARG, [&] { misskey::client client(s); });
    };
    expect(refused([](misskey::settings &s) { s.host = ""; }), "no host");
    expect(refused([&](misskey::settings &s) { s.host = nul; }), "NUL in host");
    expect(refused([&](misskey::settings &s) { s.path = "/" + nul; }), "NUL in path");
    expect(refused([&](misskey::settings &s) { s.token = nul; }), "NUL in token");
    expect(refused([&](misskey::settings &s) { s.token = nul.substr(4); }), "NUL as token");
    expect(refused([&](misskey::settings &s) { s.headers = { { nul, "a" } }; }), "NUL in the name of a header");
    expect(refused([&](misskey::settings &s) { s.headers = { { "A", nul } }; }), "NUL in the value of a header");
    const std::size_t least = misskey::longest_message + 1, most = SIZE_MAX;
    for (const std::size_t size : { least, most - 200, most - 145, most - 13, most }) {
        expect(refused([&](misskey::settings &s) { s.receive = size; }), "receive");
        expect(refused([&](misskey::settings &s) { s.send = size; }), "send");
    }
    for (const std::size_t count : { std::size_t(65536), std::size_t(70000), most }) {
        expect(refused([&](misskey::settings &s) { s.channels = count; }), "channels");
        expect(refused([&](misskey::settings &s) { s.captures = count; }), "captures");
    }
    expect(refused([](misskey::settings &s) { s.captures = 65535; }), "captures");
    misskey::settings large = usual();
    large.channels = 65535;
    large.captures = 65534;
    world w(large);
    w.dial();
    expect(throws(MISSKEY_ERR_BAD_ARG, [&] { w.client.open(nul); }), "NUL in the name of a channel");
    expect(throws(MISSKEY_ERR_BAD_ARG, [&] { w.client.open("", "{}"); }), "no name");
    expect(throws(MISSKEY_ERR_BAD_ARG, [&] { w.client.open("hashtag", std::string("{}\0x", 4)); }), "NUL in params");
    expect(throws(MISSKEY_ERR_BAD_ARG, [&] { w.client.watch(nul); }), "NUL in an id");
    expect(throws(MISSKEY_ERR_BAD_ARG, [&] { w.client.watch({}); }), "no id");
    for (const unsigned code : { 1u, 1006u, 65536u + 1000u, ~0u }) {
        expect(throws(MISSKEY_ERR_BAD_ARG, [&] { w.client.close(code); }), "a code that must not be sent");
    }
    const misskey::channel local = w.client.open("localTimeline");
    expect(w.client.feed({}) == 0 && w.client.poll() == nullptr, "no bytes");
    const std::string out(w.client.output());
    expect(!out.empty() && throws(MISSKEY_ERR_BAD_ARG, [&] { w.client.sent(most); }), "sent(-1) is refused");
    expect(w.client.output() == out, "and nothing counts as sent");
    w.turn();
    expect(w.sent("\"connect\"") == 1, "the client works after all that");
}

static void test_token()
{
    for (const bool in_query : { false, true }) {
        misskey::settings s = usual();
        s.token = "a+b/c";
        s.token_in_query = in_query;
        world w(s);
        for (int i = 0; i < 2; i++) {
            w.dial();
            expect(has(w.request, "GET /streaming?i=a%2Bb%2Fc HTTP/1.1\r\n") == in_query, "?i=");
            expect(has(w.request, "\r\nAuthorization: Bearer a+b/c\r\n") == !in_query, "Authorization");
            expect(w.redials(), "DIAL");
        }
    }
    misskey::settings s = usual();
    s.token_in_query = true;
    world w(s);
    w.dial();
    expect(has(w.request, "GET /streaming HTTP/1.1\r\n"), "no token, no ?i=");
}

// --- receive ---

// Pieces of every size, receive memory of every size: the same events.
static void test_pieces()
{
    std::vector<std::string> right;
    for (const std::size_t memory : { 65536u, 300u }) {
        for (const std::size_t piece : { 1u, 2u, 7u, 100u, 255u, 256u, 257u, 300u, 1000u, 100000u }) {
            misskey::settings s = usual();
            s.receive = memory;
            world w(s);
            const misskey::channel local = w.client.open("localTimeline");
            w.dial();
            std::string bytes;
            for (int i = 0; i < 200; i++) bytes += w.note("\"" + std::string(static_cast<unsigned>(i), 'a') + "\"");
            std::size_t at = piece == 256 ? w.client.feed(bytes) : 0;   // once memory is full of what was not polled
            for (; at <= bytes.size(); at += piece) {
                w.client.receive(std::string_view(bytes).substr(at, piece), [&](const misskey::event &e) {
                    if (e.type == MISSKEY_EVENT_MESSAGE) w.bodies.push_back(std::string(e.body().raw()));
                });
            }
            if (right.empty()) right = w.bodies;
            expect(w.bodies.size() == 200 && w.bodies == right, "pieces of " + std::to_string(piece) + " bytes");
        }
    }
}

static void test_receive_ends()
{
    const std::string many(1000000, 'x');
    const auto take = [&](misskey::client &client, std::string_view bytes) {
        std::size_t closed = 0;
        client.receive(bytes, [&](const misskey::event &e) { closed += e.type == MISSKEY_EVENT_CLOSED; });
        return closed;
    };
    world never, refused, broken, next;
    expect(take(never.client, many) == 0 && never.client.feed(many) == 0, "no connection: the bytes are discarded");
    refused.client.transport_up();
    expect(take(refused.client, "HTTP/1.1 403 Forbidden\r\n\r\n" + many) == 1, "bytes after a refusal");
    broken.dial();
    expect(take(broken.client, "\xFF\xFF" + many) <= 1, "bytes after one that breaks the protocol");
    broken.client.transport_down();
    expect(take(broken.client, many) <= 1 && broken.client.feed(many) == 0, "bytes after the end");
    // The application may bring up the next connection as soon as it sees CLOSED: these bytes are not that one's.
    next.client.transport_up();
    next.client.receive("HTTP/1.1 500 Error\r\n\r\n" + std::string(accepted) + many, [&](const misskey::event &e) {
        if (e.type == MISSKEY_EVENT_CLOSED) next.client.transport_up();
        expect(e.type != MISSKEY_EVENT_OPEN, "bytes of the last connection are not fed to the next");
    });
    next.turn();
    expect(next.count(MISSKEY_EVENT_OPEN) == 1, "the next connection opens");
}

#ifdef MISSKEY_EXAMPLE
// The example of misskey.hpp against a server that sends odd notes.
static const char *const odd_bodies[] = {
    "{\"text\":\"hello\"}", "{\"text\":\"\\ud800\"}", "{\"text\":null}", "{}", "[]", "null", "\"text\"", "{\"text\":7}"
};
static world *server;
static std::size_t example_turn;

static bool my_random_bytes(void *dst, std::size_t len) { return zeros(dst, len); }
static uint32_t my_milliseconds() { return 4000000000u + static_cast<uint32_t>(example_turn) * 1000u; }
static std::string example_bytes;
static std::size_t my_send(std::string_view bytes)
{
    example_bytes = server->serve(std::string(bytes));
    return bytes.size();
}
static std::optional<std::string_view> my_receive(std::chrono::milliseconds)
{
    const std::size_t notes = sizeof odd_bodies / sizeof odd_bodies[0];
    if (example_turn++ > 100) throw std::runtime_error("the loop of the example does not end");
    if (!example_bytes.empty()) return example_bytes;
    if (example_turn < 4) return "";
    if (example_turn >= 4 + notes) return std::nullopt;
    example_bytes = server->note(odd_bodies[example_turn - 4]);
    return example_bytes;
}

static void test_example()
{
    world w;
    server = &w;
    std::ostringstream printed;
    std::streambuf *const before = std::cout.rdbuf(printed.rdbuf());
    {
#include MISSKEY_EXAMPLE
    }
    std::cout.rdbuf(before);
    expect(printed.str() == "hello\n\xEF\xBF\xBD\n\n\n\n\n\n\n", "it prints every note: " + printed.str());
}
#endif

static void run_tests()
{
    run("a channel, a note, its members, and text", test_traffic);
    run("quote and text accept everything", test_text);
    run("an exception of entropy ends in CLOSED with ENTROPY, and the client recovers", test_entropy_throws_once);
    run("the client redials for as long as entropy fails", test_entropy_throws_for_long);
    run("trace gets every message, and its exceptions change nothing", test_trace);
    run("moves close what is assigned to and nothing else", test_moves);
    run("shared channels and captures are counted", test_counts);
    run("channels and captures may outlive their client", test_outlive);
    run("texts of channels live exactly as long as C borrows them", test_churn);
    run("texts of closed channels are freed", test_texts_of_closed_channels);
    run("sizes out of range and NUL are refused", test_arguments);
    run("the token is sent where the settings say", test_token);
    run("receive gives the same events for pieces of any size", test_pieces);
    run("receive ends when no connection takes the bytes", test_receive_ends);
#ifdef MISSKEY_EXAMPLE
    run("the example prints what a server sends, and ends", test_example);
#endif
}

int main(int argc, char **argv)
{
    if (argc == 2 && std::strcmp(argv[1], "--check") == 0) {
        run_tests();
        return failed;
    }
    try {
        for (int i = 1; i < argc; i++) replay(argv[i]);
    } catch (const std::exception &e) {
        std::cerr << "cpp_replay: " << e.what() << "\n";
        return 1;
    }
    return 0;
}
