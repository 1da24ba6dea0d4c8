import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ApplicationTracker } from "../../../src/apps/index.js";
import { socks4, socks5 } from "../../../src/apps/socks/index.js";
import { CapturedPacket } from "../../../src/base/index.js";
import { PacketHeaders, TcpFlag } from "../../../src/decode/index.js";
import { IpProtocol } from "../../../src/net/index.js";
import { detailsOf, disclosed, overTcp, type Said } from "../conversation.js";
import { captureFacts, tshark } from "../http/capture-facts.js";

const ONION = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion";
const GRANTED = "\x00\x5a\0\0\0\0\0\0";
const ADDRESS = "\x04\x01\x00\x50\xcb\x00\x71\x50bob\0";

const named = (host: string, command = "\x01", port = "\x00\x50", user = "") =>
  `\x04${command}${port}\0\0\0\x01${user}\0${host}\0`;

/** On a port that tor is known to listen on. */
function toTor(words: string): ReturnType<typeof overTcp> {
  const tracker = new ApplicationTracker({ streams: [socks4], datagrams: [] });
  tracker.begin(0, IpProtocol.TCP, 50_000, 9050);
  const packet = new CapturedPacket();
  packet.bytes = Buffer.from(words, "latin1");
  packet.view = new DataView(packet.bytes.buffer, packet.bytes.byteOffset, packet.bytes.length);
  const headers = new PacketHeaders();
  headers.tcpFlags = TcpFlag.ACK;
  headers.payloadEnd = headers.payloadLength = words.length;
  tracker.observe(0, 0, packet, headers);
  return tracker.factsOf(0);
}

describe("socks4", () => {
  it.each([Infinity, 3, 1])("tells the name that 4a asks for, in segments of %d bytes", (size) => {
    const facts = overTcp(
      [socks5, socks4],
      [
        [0, named("www.example.com")],
        [1, GRANTED],
      ],
      size,
    );
    expect([facts?.protocol, facts?.by]).toEqual(["socks4", "content"]);
    expect(detailsOf(facts)).toEqual({
      version: "4a",
      command: "connect",
      targetKind: "host-name",
      reply: 90,
      granted: true,
      replyText: "granted",
    });
    expect(disclosed(facts)).toEqual(["proxy-target: www.example.com:80"]);
    expect(facts?.names).toEqual([{ name: "www.example.com", source: "proxy-target" }]);
    expect(facts?.proxyRequest?.target).toBe("www.example.com:80");
  });

  it("discloses an onion service's name, without an answer", () => {
    const facts = overTcp([socks4], [[0, named(ONION)]], 1);
    expect(disclosed(facts)).toEqual([`proxy-target: ${ONION}:80`, `onion-name: ${ONION}`]);
  });

  it.each([Infinity, 1])("knows a bare address when the answer has come, in segments of %d bytes", (size) => {
    expect(overTcp([socks4], [[0, ADDRESS]], size)?.protocol).toBeUndefined();
    const facts = overTcp(
      [socks4],
      [
        [0, `${ADDRESS}GET / HTTP/1.0\r\n\r\n`],
        [1, GRANTED],
      ],
      size,
    );
    expect(detailsOf(facts)).toMatchObject({ version: "4", userName: true, targetKind: "ipv4", granted: true });
    expect(disclosed(facts)).toEqual(["proxy-target: 203.0.113.80:80"]);
    expect(facts!.proxyRequest!.packet).toBeLessThan(facts!.disclosures[0]!.packet);
  });

  it("knows a bare address at once on a port of proxies", () => {
    expect(toTor(ADDRESS)?.proxyRequest?.target).toBe("203.0.113.80:80");
    expect(toTor("\x04\x01\x00\x50\xcb\x00\x71\x50b\x01b\0")?.protocol).toBeUndefined();
  });

  it("keeps no user id", () => {
    const facts = overTcp([socks4], [[0, named("www.example.com", "\x01", "\0\x50", "s3cret")]]);
    expect(detailsOf(facts).userName).toBe(true);
    expect(JSON.stringify([detailsOf(facts), disclosed(facts)])).not.toContain("s3cret");
  });

  it("tells what tor resolved, and what it refused", () => {
    const asked = named("www.example.com", "\xf0", "\0\0");
    const answer = (reply: string) =>
      detailsOf(
        overTcp(
          [socks4],
          [
            [0, asked],
            [1, reply],
          ],
          1,
        ),
      );
    expect(answer("\x00\x5a\0\0\xcb\x00\x71\x50")).toMatchObject({
      command: "resolve",
      resolvedAddress: "203.0.113.80",
    });
    expect(answer("\x00\x5b\0\0\0\0\0\0")).toMatchObject({
      reply: 91,
      granted: false,
      replyText: "rejected or failed",
    });
  });

  it.each([
    [ADDRESS, "\x00\x5e\0\0\0\0\0\0"],
    [ADDRESS, "\x00\x5a\0\0\0"],
    [ADDRESS, "HTTP/1.1 200 OK\r\n"],
    ["\x04\x01\x00\x00\xcb\x00\x71\x50\0", GRANTED],
    ["\x04\x01\x00\x50\x00\x00\x00\x00\0", GRANTED],
    ["\x04\x01\x00\x50\xe0\x00\x00\x01\0", GRANTED],
    ["\x04\x03\x00\x50\xcb\x00\x71\x50\0", GRANTED],
    ["\x04\xf0\x00\x50\xcb\x00\x71\x50\0", GRANTED],
    ["\x04\x01\x00\x50\xcb\x00\x71\x50\x80\0", GRANTED],
    [named("a b"), ""],
    [named(""), ""],
    [named("www.example.com\xff"), GRANTED],
    ["\x05\x01\x00", "\x05\x00"],
  ])("is not %j answered by %j", (client, server) => {
    for (const size of [Infinity, 1]) {
      const facts = overTcp(
        [socks4],
        [
          [0, client],
          [1, server],
        ],
        size,
      );
      expect(facts?.protocol).toBeUndefined();
      expect(disclosed(facts)).toEqual([]);
    }
  });

  it.each([["loopback-socks"], ["any-interface"]])("finds in %s the requests that tshark finds", async (name) => {
    const fields = ["tcp.srcport", "socks.v4a_dns_name", "socks.dstport"];
    const filter = "socks.command && tcp.dstport == 9050 && socks.version == 4 && !http";
    const rows = tshark(name, filter, fields, ["-d", "tcp.port==9050,socks"]);
    const expected = new Map(rows.map(([port, host, to]) => [Number(port), `${host}:${to}`]));
    expect(expected.size).toBeGreaterThan(0);
    const fours = [...(await captureFacts(name, [socks4, socks5]))].filter(([, it]) => it.protocol === "socks4");
    expect(new Map(fours.map(([port, facts]) => [port, facts.proxyRequest?.target]))).toEqual(expected);
  });

  it("never throws, and says the same whatever the segments are", () => {
    const piece = fc.constantFrom(
      "\x04\x01\0\x50",
      "\xcb\0\x71\x50",
      "\0\0\0\x01",
      "\0",
      "bob",
      "a.example",
      "\x00\x5a",
    );
    const words = fc.array(fc.oneof({ weight: 4, arbitrary: piece }, fc.string({ maxLength: 4 })), { maxLength: 8 });
    fc.assert(
      fc.property(
        fc.constantFrom(ADDRESS, named("a.example"), "\x04\x01\0\x50", ""),
        words,
        fc.oneof(
          fc.constant(GRANTED),
          words.map((it) => it.join("")),
        ),
        fc.integer({ min: 1, max: 9 }),
        (first, client, server, size) => {
          const said: Said[] = [
            [0, first + client.join("")],
            [1, server],
          ];
          const whole = overTcp([socks4], said);
          const cut = overTcp([socks4], said, size);
          expect(cut?.protocol).toBe(whole?.protocol);
          expect(detailsOf(cut)).toEqual(detailsOf(whole));
          expect(disclosed(cut)).toEqual(disclosed(whole));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
