import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { http } from "../../../src/apps/http/index.js";
import { detailsOf, disclosed, overTcp, type Said } from "../conversation.js";
import { captureFacts, tshark } from "./capture-facts.js";

const ONION = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion";

/** RFC 9110 3.9, with what browsers add. */
const PAGE: readonly Said[] = [
  [
    0,
    "GET /hello.txt?q=tor HTTP/1.1\r\nUser-Agent: curl/7.64.1\r\nHost: www.example.com:8080\r\nCookie: sid=s3cret\r\n" +
      "Authorization: Basic czNjcmV0\r\nAccept-Language: en, mi\r\n\r\n",
  ],
  [
    1,
    "HTTP/1.1 200 OK\r\nDate: Mon, 27 Jul 2009 12:28:53 GMT\r\nServer: Apache\r\nContent-Length: 51\r\n\r\n" +
      "Hello World! My content includes a trailing CRLF.\r\n",
  ],
];

const get = (head: string, segmentBytes = Infinity) => overTcp([http], [[0, `${head}\r\n\r\n`]], segmentBytes);
const paths = (...said: Said[]) =>
  disclosed(overTcp([http], said)).filter((it) => it.startsWith("http-path") || it.startsWith("software"));

describe("http", () => {
  it.each([Infinity, 7, 1])("tells who asks whom for what, in segments of %d bytes", (size) => {
    const facts = overTcp([http], PAGE, size);
    expect([facts?.protocol, facts?.by]).toEqual(["http", "content"]);
    expect(detailsOf(facts)).toEqual({
      method: "GET",
      version: "1.1",
      userAgent: "curl/7.64.1",
      cookies: true,
      authorization: true,
      status: 200,
      server: "Apache",
    });
    expect(disclosed(facts)).toEqual([
      "http-path: /hello.txt?q=tor",
      "user-agent: curl/7.64.1",
      "http-host: www.example.com:8080",
      "software: Apache",
    ]);
    expect(facts?.names).toEqual([{ name: "www.example.com", source: "http-host" }]);
    expect(facts?.proxyRequest).toBeUndefined();
  });

  it("keeps no credentials", () => {
    const facts = overTcp([http], PAGE);
    const more = get(
      "GET http://bob:s3cret@www.example.com/a?x=1&access_token=s3cret&password=s3cret&author=me&sid=s3cret HTTP/1.1",
    );
    const text = JSON.stringify([facts, more].flatMap((it) => [detailsOf(it), disclosed(it)]));
    expect(text).not.toMatch(/s3cret|czNjcmV0|bob/);
    expect(disclosed(more)).toContain("http-path: /a?x=1&access_token=*&password=*&author=me&sid=*");
    expect(detailsOf(more).authorization).toBe(true);
  });

  it("does not take the originator's guess for who is the client", () => {
    const turned = PAGE.map(([side, words]): Said => [side === 0 ? 1 : 0, words]);
    expect(disclosed(overTcp([http], turned, 1))).toEqual(disclosed(overTcp([http], PAGE)));
  });

  it("is known by the server alone", () => {
    const facts = overTcp([http], [PAGE[1]!], 1);
    expect(detailsOf(facts)).toEqual({ version: "1.1", status: 200, server: "Apache" });
    expect(detailsOf(overTcp([http], [[1, "HTTP/1.0 404\r\n\r\n"]], 1))).toEqual({ version: "1.0", status: 404 });
  });

  it("names no host that is an address, or none at all", () => {
    for (const host of ["203.0.113.80", "[2001:db8::1]:8080"]) {
      const facts = get(`GET / HTTP/1.1\r\nHost: ${host}`);
      expect(disclosed(facts)).toEqual(["http-path: /", `http-host: ${host}`]);
      expect(facts?.names).toEqual([]);
    }
    for (const host of ["", "a b", "a\x1b[2J", "http://x/", "[x]", "a:99999"]) {
      expect(disclosed(get(`GET / HTTP/1.1\r\nHost: ${host}`))).toEqual(["http-path: /"]);
    }
  });

  it("discloses an onion service's name", () => {
    expect(disclosed(get(`GET / HTTP/1.1\r\nHost: ${ONION}:81`))).toEqual([
      "http-path: /",
      `http-host: ${ONION}:81`,
      `onion-name: ${ONION}`,
    ]);
  });

  it("takes a long target for HTTP before its line ends", () => {
    const long = `/${"a".repeat(3000)}`;
    const facts = get(`GET ${long} HTTP/1.1\r\nHost: a.example`, 100);
    expect(disclosed(facts)).toEqual([`http-path: ${long.slice(0, 256)}`, "http-host: a.example"]);
  });

  it("tells of tor's directory ports", () => {
    const asked = get("GET /tor/status-vote/current/consensus-microdesc.z HTTP/1.0\r\nHost: 198.51.100.9:9030");
    expect(detailsOf(asked)).toMatchObject({ torDirectory: true, version: "1.0" });
    expect(detailsOf(get("POST /tor/ HTTP/1.0")).torDirectory).toBe(true);
    expect(detailsOf(get("GET /tor/index.html HTTP/1.1\r\nHost: www.example.com")).torDirectory).toBeUndefined();
    const answered = overTcp([http], [[1, "HTTP/1.0 200 OK\r\nX-Your-Address-Is: 192.0.2.7\r\n\r\n"]]);
    expect(disclosed(answered)).toEqual(["public-address: 192.0.2.7"]);
  });

  it("tells of mappings of ports", () => {
    const request = (action: string) =>
      "POST /ctl HTTP/1.1\r\nHost: 192.168.1.1:5000\r\nContent-Length: 0\r\n" +
      `SOAPAction: "urn:schemas-upnp-org:service:WANIPConnection:1#${action}"\r\n\r\n`;
    const actions = ["AddPortMapping", "GetStatusInfo", "AddPortMapping"];
    const facts = overTcp([http], [[0, actions.map(request).join("")]]);
    expect(detailsOf(facts).soapActions).toEqual(["AddPortMapping", "GetStatusInfo"]);
    expect(disclosed(facts)).toContain("service-name: urn:schemas-upnp-org:service:WANIPConnection:1");
  });

  it("tells what a BitTorrent client announces", () => {
    const hash = "%124Vx%9A%BC%DE%F1%23Eg%89%AB%CD%EF%124Vx%9A";
    const target = `/announce?info_hash=${hash}&peer_id=-qB4630-abcdefghijkl&port=6881`;
    const facts = get(`GET ${target} HTTP/1.1\r\nHost: tracker.example`);
    expect(detailsOf(facts)).toMatchObject({
      bittorrentTracker: true,
      infoHash: "123456789abcdef123456789abcdef123456789a",
    });
    expect(disclosed(facts)).toContain("info-hash: 123456789abcdef123456789abcdef123456789a");
    expect(disclosed(facts)).toContain("software: qBittorrent -qB4630-");
    for (const bad of ["", "%12", `${hash}%00`, `%GG${hash}`]) {
      const other = get(`GET /announce?info_hash=${bad} HTTP/1.1\r\nHost: tracker.example`);
      expect(detailsOf(other).bittorrentTracker).toBeUndefined();
    }
    const secret = get(`GET /0123456789abcdef0123456789abcdef/announce?info_hash=${hash} HTTP/1.1`);
    expect(disclosed(secret)[0]).toBe(`http-path: /*/announce?info_hash=${hash}`);
    expect(detailsOf(secret).bittorrentTracker).toBe(true);
  });

  it.each([Infinity, 1])("knows HTTP/2 by its preface and reads no further, in segments of %d bytes", (size) => {
    const facts = overTcp(
      [http],
      [
        [0, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\n\r\n"],
        [1, "\0\0\x06\x04\0\0\0\0\0"],
      ],
      size,
    );
    expect([facts?.protocol, detailsOf(facts)]).toEqual(["http", { version: "2" }]);
    expect(disclosed(facts)).toEqual([]);
  });
});

describe("messages of one connection", () => {
  it.each([Infinity, 1])("are read one behind the other, over bodies, in segments of %d bytes", (size) => {
    const said: Said[] = [
      [
        0,
        "POST /1 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 21\r\n\r\nGET /no HTTP/1.1\r\n\r\n!" +
          "\r\nPUT /2 HTTP/1.1\r\nHost: b.example\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" +
          "16;a=b\r\nGET /no HTTP/1.1\r\n\r\nab\r\n0\r\nTrailer: x\r\n\r\n" +
          "HEAD /3 HTTP/1.1\r\nHost: a.example\r\n\r\nGET /4 HTTP/1.1\r\nHost: a.example\r\n\r\n",
      ],
      [
        1,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nServer: one\r\n\r\n" +
          "HTTP/1.1 200 OK\r\nServer: two\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHTTP/\r\n0\r\n\r\n" +
          "HTTP/1.1 200 OK\r\nServer: three\r\nContent-Length: 1000000\r\n\r\n" +
          "HTTP/1.1 304 Not Modified\r\nServer: four\r\nContent-Length: 1000000\r\n\r\n",
      ],
    ];
    const facts = overTcp([http], said, size);
    expect(detailsOf(facts)).toMatchObject({ method: "POST", requests: 4, status: 204 });
    expect(disclosed(facts)).toEqual([
      "http-path: /1",
      "http-host: a.example",
      "http-path: /2",
      "http-host: b.example",
      "http-path: /3",
      "http-path: /4",
      "software: one",
      "software: two",
      "software: three",
      "software: four",
    ]);
  });

  it.each([
    "Content-Length: x",
    "Content-Length: 1\r\nContent-Length: 2",
    "Content-Length: 0\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: gzip",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Bad field",
    "Bad : field",
  ])("are not read where a body's end is uncertain: %j", (field) => {
    expect(paths([0, `POST /1 HTTP/1.1\r\n${field}\r\n\r\n0\r\n\r\nGET /no HTTP/1.1\r\n\r\n`])).toEqual([
      "http-path: /1",
    ]);
  });

  it("are not read behind a body that ends with the connection, nor behind what is none", () => {
    const next = "HTTP/1.1 200 OK\r\nServer: no\r\n\r\n";
    expect(paths([1, `HTTP/1.1 200 OK\r\nServer: one\r\n\r\n${next}`])).toEqual(["software: one"]);
    expect(paths([0, "GET /1 HTTP/1.1\r\n\r\nrubbish\r\nGET /no HTTP/1.1\r\n\r\n"])).toEqual(["http-path: /1"]);
    const chunked = "POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect(paths([0, `${chunked}zz\r\nGET /no HTTP/1.1\r\n\r\n`])).toEqual(["http-path: /1"]);
    expect(paths([0, `${chunked}1\r\nabc\r\n0\r\n\r\nGET /no HTTP/1.1\r\n\r\n`])).toEqual(["http-path: /1"]);
  });

  it("end where another protocol is agreed on", () => {
    const asked = "GET /chat HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    const agreed = overTcp(
      [http],
      [
        [0, asked],
        [1, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 200 OK\r\nServer: no\r\n\r\n"],
        [0, "GET /no HTTP/1.1\r\n\r\n"],
      ],
      1,
    );
    expect(detailsOf(agreed)).toMatchObject({ upgrade: "websocket", upgraded: true, status: 101 });
    expect(disclosed(agreed)).toEqual(["http-path: /chat", "http-host: a.example"]);
    const refused = overTcp(
      [http],
      [
        [0, asked],
        [1, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
        [0, "GET /yes HTTP/1.1\r\n\r\n"],
      ],
      1,
    );
    expect(detailsOf(refused).upgraded).toBeUndefined();
    expect(disclosed(refused)).toContain("http-path: /yes");
  });
});

describe("http proxies", () => {
  const CONNECT = `CONNECT ${ONION}:443 HTTP/1.1\r\nHost: ${ONION}:443\r\n`;

  it.each([Infinity, 1])("tell where a tunnel goes, in segments of %d bytes", (size) => {
    const facts = overTcp(
      [http],
      [
        [0, `${CONNECT}Proxy-Authorization: Basic czNjcmV0\r\nUser-Agent: curl/7\r\n\r\n`],
        [1, "HTTP/1.0 200 Connection established\r\n\r\nHTTP/1.1 200 OK\r\nServer: no\r\n\r\n"],
        [0, "GET /no HTTP/1.1\r\n\r\n"],
      ],
      size,
    );
    expect([facts?.protocol, facts?.by]).toEqual(["http-connect", "content"]);
    expect(detailsOf(facts)).toEqual({
      method: "CONNECT",
      version: "1.1",
      targetKind: "onion-name",
      authorization: true,
      userAgent: "curl/7",
      status: 200,
      granted: true,
    });
    expect(disclosed(facts)).toEqual([`proxy-target: ${ONION}:443`, `onion-name: ${ONION}`, "user-agent: curl/7"]);
    expect(facts?.names).toEqual([{ name: ONION, source: "proxy-target" }]);
    expect(facts?.proxyRequest?.target).toBe(`${ONION}:443`);
  });

  it("may be asked again when they refused", () => {
    const facts = overTcp(
      [http],
      [
        [0, "CONNECT [2001:DB8::1]:443 HTTP/1.1\r\n\r\n"],
        [1, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno"],
        [0, "CONNECT 203.0.113.80:443 HTTP/1.1\r\nProxy-Authorization: Basic x\r\n\r\n"],
        [1, "HTTP/1.1 200 OK\r\n\r\n"],
      ],
      1,
    );
    expect(detailsOf(facts)).toMatchObject({ requests: 2, status: 407, granted: true, targetKind: "ipv4" });
    expect(disclosed(facts)).toEqual(["proxy-target: [2001:db8::1]:443", "proxy-target: 203.0.113.80:443"]);
  });

  it("do not show what is sent into a tunnel before it stands", () => {
    const facts = overTcp(
      [http],
      [
        [0, "CONNECT a.example:80 HTTP/1.1\r\n\r\nGET /no HTTP/1.1\r\nHost: no\r\n\r\n"],
        [1, "HTTP/1.1 200 OK\r\n\r\n"],
        [0, "GET /no HTTP/1.1\r\n\r\n"],
      ],
    );
    expect(disclosed(facts)).toEqual(["proxy-target: a.example:80"]);
  });

  it("tell what is asked for in absolute form", () => {
    const facts = get("GET http://www.example.com?q HTTP/1.1\r\nHost: other.example", 1);
    expect(facts?.protocol).toBe("http");
    expect(detailsOf(facts)).toMatchObject({ viaProxy: true, targetKind: "host-name" });
    expect(disclosed(facts)).toEqual([
      "http-host: www.example.com",
      "proxy-target: www.example.com:80",
      "http-path: /?q",
    ]);
    expect(facts?.proxyRequest?.target).toBe("www.example.com:80");
    expect(get("GET ftp://[2001:db8::1]/a HTTP/1.0")?.proxyRequest?.target).toBe("[2001:db8::1]:21");
    expect(get("GET odd://a.example/a HTTP/1.0")?.proxyRequest).toBeUndefined();
  });
});

describe("http against others", () => {
  // Redis, RTSP, SIP, ICAP, NATS, STOMP, SMTP, IRC, HTTP/0.9, memcached.
  it.each([
    "GET key\r\n",
    "GET /key\r\n",
    "OPTIONS rtsp://192.0.2.1/stream RTSP/1.0\r\n",
    "OPTIONS sip:bob@example.com SIP/2.0\r\n",
    "OPTIONS icap://a.example/x ICAP/1.0\r\n",
    "CONNECT {}\r\n",
    "CONNECT\naccept-version:1.2\n\n\0",
    "CONNECT / HTTP/1.1\r\n",
    "CONNECT a.example HTTP/1.1\r\n",
    "HELO a.example\r\n",
    "NICK a\r\n",
    "get / HTTP/1.1\r\n",
    "FETCH / HTTP/1.1\r\n",
    "GET  / HTTP/1.1\r\n",
    "GET / HTTP/1.1 \r\n",
    "GET / HTTP/2.0\r\n",
    "GET a HTTP/1.1\r\n",
    "GET HTTP/1.1\r\n",
    "HTTP/1.1 2000 OK\r\n",
    "HTTP/2 200\r\n",
    "ICY 200 OK\r\n",
    "RTSP/1.0 200 OK\r\n",
    `OPTIONS sip:${"a".repeat(200)}@example.com SIP/2.0\r\n`,
    `GET ${"k".repeat(300)}\r\n`,
    '{"id":1,"method":"mining.subscribe"}\n',
    "SSH-2.0-OpenSSH_9.2\r\n",
    "\x16\x03\x01\x02\x00\x01",
  ])("is not %j", (line) => {
    for (const size of [Infinity, 1]) {
      expect(overTcp([http], [[0, line]], size)).toBeUndefined();
      expect(overTcp([http], [[1, line]], size)).toBeUndefined();
    }
  });

  it.each([["tor-and-http-leak"], ["any-interface"], ["loopback-socks"]])(
    "finds in %s what tshark finds",
    async (name) => {
      const fields = ["tcp.srcport", "http.request.method", "http.host", "http.request.uri", "http.user_agent"];
      const expected = tshark(name, "http.request && tcp.dstport in {80, 8080}", fields);
      const servers = tshark(name, "http.response && tcp.srcport in {80, 8080}", ["tcp.dstport", "http.response.code"]);
      expect(expected.length).toBeGreaterThan(0);
      const found = await captureFacts(name, [http]);
      const rows = [...found].map(([port, facts]) => {
        const value = (kind: string) => facts.disclosures.find((it) => it.kind === kind)?.value ?? "";
        return [String(port), detailsOf(facts).method, value("http-host"), value("http-path"), value("user-agent")];
      });
      expect(rows.sort()).toEqual(expected.sort());
      expect([...found].map(([port, facts]) => [String(port), String(detailsOf(facts).status)]).sort()).toEqual(
        servers.sort(),
      );
    },
  );

  it("is quick on lines made to be slow", () => {
    const words = [
      `/?${"key".repeat(170)}`,
      `/${"?a_".repeat(170)}`,
      `/announce?${"&info_hash=".repeat(300)}`,
      `/${"a/".repeat(400)}`,
    ];
    const all = words
      .map((word) => `GET ${word} HTTP/1.1\r\n\r\n`)
      .join("")
      .repeat(5);
    const fields = `GET / HTTP/1.1\r\n${`A: ${" ".repeat(2000)}\r${" ".repeat(1000)}\r\n`.repeat(4)}\r\n`;
    const before = performance.now();
    overTcp([http], [[0, all.slice(0, 16_000)]], 1);
    overTcp([http], [[0, fields]], 1);
    overTcp([http], [[0, `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\na\r\n".repeat(2600)}`]], 1);
    expect(performance.now() - before).toBeLessThan(1000);
  });

  it("never throws, and says the same whatever the segments are", () => {
    const piece = fc.constantFrom(
      ..."GET |POST |CONNECT |HEAD |/a|?info_hash=|http://a.example/|a.example:80| HTTP/1.1|HTTP/1.1 200 OK|\r\n|\r\n\r\n|\n|\r| |:|Host: a.example\r\n|Host: |Content-Length: 5\r\n|Content-Length: |Transfer-Encoding: chunked\r\n|5\r\n|hello|0\r\n|Upgrade: h2c\r\n|HTTP/1.1 101 x\r\n|ÿ|%".split(
        "|",
      ),
      "y".repeat(600),
      "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
    );
    const words = fc.array(fc.oneof({ weight: 6, arbitrary: piece }, fc.string()), { maxLength: 15 });
    const first = fc.constantFrom("GET / HTTP/1.1\r\n", "CONNECT a.example:443 HTTP/1.1\r\n\r\n", "POST /", "");
    fc.assert(
      fc.property(first, words, words, fc.integer({ min: 1, max: 9 }), (start, client, server, size) => {
        const said: Said[] = [
          [0, start + client.join("")],
          [1, server.join("")],
        ];
        const whole = overTcp([http], said);
        const cut = overTcp([http], said, size);
        expect(cut?.protocol).toBe(whole?.protocol);
        expect(detailsOf(cut)).toEqual(detailsOf(whole));
        expect(disclosed(cut)).toEqual(disclosed(whole));
      }),
      { numRuns: 1000 },
    );
  });
});
