import { afterEach, describe, expect, it, vi } from "vitest";
import { CapturedPacket, LinkType } from "../../src/base/index.js";
import { libpcapVersion } from "../../src/capture/libpcap/index.js";
import { openLibpcap } from "../../src/capture/libpcap/library.js";
import { compileFilter } from "../../src/filter/index.js";
import { ethernet, ipv4, ipv6, nullLink, sll2, tcp } from "../support/packet-builder.js";

const ONION = tcp({ dstPort: 9001 });
const WEB = tcp({ dstPort: 443 });

function packetOf(linkType: number, bytes: Uint8Array, captured = bytes.length): CapturedPacket {
  const packet = new CapturedPacket();
  packet.linkType = linkType;
  packet.bytes = bytes;
  packet.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  packet.end = captured;
  packet.originalLength = bytes.length;
  return packet;
}

function sharedObjects(): string {
  const report = process.report.getReport() as unknown as { readonly sharedObjects: readonly string[] };
  return report.sharedObjects.join("\n");
}

describe("libpcap", () => {
  // First in this file: vitest gives each test file a process of its own.
  it("is loaded by the first filter, not by importing the room", () => {
    expect(sharedObjects()).not.toMatch(/libpcap|koffi/);
    compileFilter("tcp");
    expect(sharedObjects()).toMatch(/libpcap/);
  });

  it("says its version", () => {
    expect(libpcapVersion()).toContain("libpcap version");
  });

  it("is a typed error with the way out where the system lacks it", () => {
    const missing = () => openLibpcap(["libnosuchpcap.so.1"], () => ({ load: fail }) as never);
    const fail = () => {
      throw new Error("libnosuchpcap.so.1: cannot open shared object file");
    };
    expect(missing).toThrowError(
      expect.objectContaining({
        code: "LEEK_LIBPCAP_MISSING",
        kind: "unavailable",
        hint: expect.stringContaining("apt-get install libpcap0.8"),
      }),
    );
  });

  it("is as missing where koffi cannot be loaded", () => {
    const broken = () =>
      openLibpcap([], () => {
        throw new Error("Cannot find the native Koffi module");
      });
    expect(broken).toThrowError(expect.objectContaining({ code: "LEEK_LIBPCAP_MISSING", kind: "unavailable" }));
  });
});

describe("a filter", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("serves a capture of several link types, each by its own headers", () => {
    const filter = compileFilter("tcp port 9001");
    const frames = [ONION, WEB].map((segment) => [
      packetOf(LinkType.EN10MB, ethernet({}, ipv4({}, segment))),
      packetOf(LinkType.RAW, ipv6({}, segment)),
      packetOf(LinkType.LINUX_SLL2, sll2({}, ipv4({}, segment))),
      packetOf(LinkType.NULL, nullLink(ipv4({}, segment))),
      packetOf(LinkType.IPV4, ipv4({}, segment)),
    ]);
    for (let round = 0; round < 2; round++) {
      expect(frames.map((row) => row.map((packet) => filter.matches(packet)))).toEqual([
        [true, true, true, true, true],
        [false, false, false, false, false],
      ]);
    }
  });

  it("reads the address family of NULL in either byte order, packet by packet", () => {
    const filter = compileFilter("ip6 and port 9001");
    for (const bigEndian of [false, true, false]) {
      const frame = (family: number) => nullLink(ipv6({}, ONION), { family, bigEndian });
      // BSD, FreeBSD and macOS number AF_INET6 apart.
      for (const family of [24, 28, 30]) expect(filter.matches(packetOf(LinkType.NULL, frame(family)))).toBe(true);
      expect(filter.matches(packetOf(LinkType.NULL, frame(2)))).toBe(false);
      expect(filter.matches(packetOf(LinkType.NULL, frame(24), 1))).toBe(false);
    }
  });

  it("finds nothing on a link that cannot carry what it asks for, beside links that can", () => {
    const filter = compileFilter("ip6");
    expect(filter.matches(packetOf(LinkType.IPV4, ipv4({}, ONION)))).toBe(false);
    expect(filter.matches(packetOf(LinkType.IPV6, ipv6({}, ONION)))).toBe(true);
  });

  it("lets everything pass when it is empty", () => {
    expect(compileFilter("").matches(packetOf(LinkType.EN10MB, new Uint8Array(0)))).toBe(true);
    expect(compileFilter(" ").matches(packetOf(LinkType.RAW, ipv4({}, WEB)))).toBe(true);
  });

  it("gives the same results where the runtime forbids code from strings", () => {
    // As V8 has it under --disallow-code-generation-from-strings.
    const forbidden = class {
      constructor() {
        throw new EvalError("Code generation from strings disallowed for this context");
      }
    };
    vi.stubGlobal("Function", forbidden);
    const filter = compileFilter("tcp port 9001");
    expect(filter.matches(packetOf(LinkType.EN10MB, ethernet({}, ipv4({}, ONION))))).toBe(true);
    expect(filter.matches(packetOf(LinkType.EN10MB, ethernet({}, ipv4({}, WEB))))).toBe(false);
  });

  it("runs programs that are too long to be compiled", () => {
    const hosts = Array.from({ length: 200 }, (_, i) => `host 198.51.100.${i}`).join(" or ");
    const filter = compileFilter(hosts);
    const to = (dst: string) => packetOf(LinkType.EN10MB, ethernet({}, ipv4({ dst }, WEB)));
    expect(filter.matches(to("198.51.100.199"))).toBe(true);
    expect(filter.matches(to("198.51.100.200"))).toBe(false);
  });

  it.each([
    ["ip and (", LinkType.EN10MB, "LEEK_FILTER_SYNTAX", /"ip and \(".*libpcap says: can't parse filter expression/],
    ["inbound", LinkType.EN10MB, "LEEK_FILTER_SYNTAX", /not supported on Ethernet when reading savefiles/],
    ["ether host 00:00:5e:00:53:01", LinkType.RAW, "LEEK_FILTER_LINK_TYPE", /on RAW packets; libpcap says: ethernet/],
    ["wlan type mgt", LinkType.EN10MB, "LEEK_FILTER_LINK_TYPE", /on EN10MB packets; libpcap says: 802\.11/],
    ["tcp", LinkType.NFLOG, "LEEK_FILTER_LINK_TYPE", /on NFLOG packets; libpcap says: .*not implemented/],
    ["tcp", 9999, "LEEK_FILTER_LINK_TYPE", /on LINKTYPE_9999 packets/],
  ])("says what libpcap says of `%s`, by when its link type is known", (expression, linkType, code, message) => {
    const filter = compileFilter(expression);
    const error = expect.objectContaining({ code, kind: "usage", message: expect.stringMatching(message) });
    expect(() => filter.prepare(linkType)).toThrowError(error);
    expect(() => filter.matches(packetOf(linkType, new Uint8Array(60)))).toThrowError(error);
  });

  it("refuses names that would be looked up, before any packet", () => {
    expect(() => compileFilter("tcp and host relay.example")).toThrowError(
      expect.objectContaining({
        code: "LEEK_FILTER_HOST_NAME",
        kind: "usage",
        message: expect.stringContaining('"relay.example"'),
      }),
    );
  });

  it("refuses expressions so long that libpcap would take minutes or overflow its stack", () => {
    const long = Array.from({ length: 2000 }, (_, i) => `port ${i}`).join(" or ");
    expect(() => compileFilter(long)).toThrowError(expect.objectContaining({ code: "LEEK_FILTER_TOO_LONG" }));
  });

  it("shows an expression's control characters harmlessly in messages", () => {
    expect(() => compileFilter("\u001b[2J tcp").prepare(LinkType.EN10MB)).toThrowError(
      expect.objectContaining({ message: expect.stringContaining('"\\x1b[2J tcp"') }),
    );
  });
});
