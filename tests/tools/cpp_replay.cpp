// cpp_replay DIR...: what wire_replay prints for each recording, by way of examples/cpp/misskey.hpp. With --check, the
// objects of that file: channels, captures, errors, views.
#define MISSKEY_STREAM_IMPLEMENTATION
#include "examples/cpp/misskey.hpp"

#include <cstdio>
#include <cstring>
#include <iostream>
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

static void expect(bool right, const char *what)
{
    if (!right) std::cout << "FAIL wrappers C++ objects: " << what << "\n";
    failed |= !right;
}

// All that is to be sent now. Masks are zero here, so the text of the frames can be read.
static std::string sent(misskey::client &client)
{
    std::string all;
    while (client.poll() != nullptr) {}
    for (std::string_view out; !(out = client.output()).empty(); client.sent(out.size())) all += out;
    return all;
}

static std::string frame(const std::string &text)
{
    const std::string wide = { '\x7E', static_cast<char>(text.size() >> 8), static_cast<char>(text.size() & 255) };
    return "\x81" + (text.size() < 126 ? std::string(1, static_cast<char>(text.size())) : wide) + text;
}

static bool has(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

static bool throws(misskey_err code, const std::function<void()> &call)
{
    try {
        call();
    } catch (const misskey::error &e) {
        return e.code == code && std::strcmp(e.what(), misskey_err_text(code)) == 0;
    }
    return false;
}

static void check_objects()
{
    misskey::settings s;
    s.channels = 2;
    s.captures = 1;
    s.entropy = [](void *dst, std::size_t len) { std::memset(dst, 0, len); return true; };
    expect(throws(MISSKEY_ERR_BAD_ARG, [&] { misskey::client without_host(s); }), "a desc without host is refused");
    s.host = "misskey.example";
    misskey::client client(s);
    expect(throws(MISSKEY_ERR_NO_TOKEN, [&] { client.open("main"); }), "main without token is refused");
    const std::string name = "localTimeline";
    misskey::channel local = client.open(name, std::string("{\"withReplies\":true}"));
    client.tick(0);
    client.transport_up();
    expect(has(sent(client), "GET /streaming HTTP/1.1\r\nHost: misskey.example\r\n"), "the request");
    client.feed("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n");
    const std::string connect = sent(client);
    expect(has(connect, "\"channel\":\"localTimeline\""), "connect");
    expect(has(connect, "\"params\":{\"withReplies\":true}"), "params");
    const std::size_t at = connect.find("\"id\":\"") + 6;
    const std::string id = connect.substr(at, connect.find('"', at) - at);
    client.feed(frame("{\"type\":\"connected\",\"body\":{\"id\":\"" + id + "\"}}") +
                frame("{\"type\":\"channel\",\"body\":{\"id\":\"" + id + "\",\"type\":\"note\",\"body\":"
                      "{\"id\":\"n1\",\"text\":\"\\u3042\\n\",\"n\":[1,true,null],\"o\":{\"a.b\":{\"c\":-5}}}}}"));
    int notes = 0;
    while (const misskey::event *e = client.poll()) {
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
    {
        misskey::capture first = client.watch("n1");
        misskey::capture moved = std::move(first);
        expect(throws(MISSKEY_ERR_FULL, [&] { client.watch("n2"); }), "no place for another capture");
        expect(has(sent(client), "{\"type\":\"subNote\",\"body\":{\"id\":\"n1\"}}"), "subNote");
    }
    expect(has(sent(client), "\"unsubNote\""), "unsubNote when the capture goes");
    local = misskey::channel();
    expect(has(sent(client), "{\"type\":\"disconnect\",\"body\":{\"id\":\""), "disconnect when the channel goes");
    client.close();
    expect(has(sent(client), "\x88\x82"), "Close");
    expect(misskey::quote("a\"\n\x01") == "\"a\\\"\\n\\u0001\"", "quote");
    expect(throws(MISSKEY_ERR_BAD_UTF8, [] { misskey::quote("\xFF"); }), "quote refuses what is not UTF-8");
    if (failed == 0) std::cout << "PASS wrappers C++ objects\n";
}

int main(int argc, char **argv)
{
    if (argc == 2 && std::strcmp(argv[1], "--check") == 0) {
        check_objects();
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
