import { isIP, SocketAddress } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatEndpoint,
  formatIpAddress,
  localRange,
  parseAddress,
  parseEndpoint,
  parseIpv4,
} from "../../src/net/index.js";

describe("addresses", () => {
  it("are written as RFC 5952 says", () => {
    for (const text of [
      "192.0.2.1",
      "0.0.0.0",
      "255.255.255.255",
      "::",
      "::1",
      "2001:db8::1",
      "2001:db8:0:1:1:1:1:1",
      "2001:0:0:1::1",
      "::ffff:192.0.2.1",
      "1::",
      "fe80::1:0:0:1",
    ]) {
      expect(formatIpAddress(parseAddress(text)!)).toBe(text);
    }
  });

  it("agree with the runtime's own reader, whatever the notation", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const parsed = parseAddress(text);
        expect(parsed).toBeDefined();
        const own = new SocketAddress({ address: formatIpAddress(parsed!), family: "ipv6" }).address;
        expect(own).toBe(new SocketAddress({ address: text, family: "ipv6" }).address);
      }),
    );
  });

  it("are read exactly when the runtime reads them", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4Extended(), fc.ipV6(), fc.string({ maxLength: 20 })), (text) => {
        expect(parseAddress(text) !== undefined).toBe(isIP(text) !== 0 && !text.includes("%"));
      }),
    );
  });

  it("of IPv4 with leading zeros are refused, because some readers take them for octal", () => {
    expect(parseIpv4("192.0.2.010")).toBeUndefined();
  });
});

describe("endpoints", () => {
  it.each(["192.0.2.1:443", "[2001:db8::1]:443", "192.0.2.1", "2001:db8::1"])("read back as %s", (text) => {
    const { address, port } = parseEndpoint(text)!;
    expect(formatEndpoint({ address: formatIpAddress(address), port })).toBe(text);
  });

  it.each(["192.0.2.1:0", "192.0.2.1:65536", "[192.0.2.1]:1", "example.com:443", "[::1", ":443", ""])(
    "%j is none",
    (text) => {
      expect(parseEndpoint(text)).toBeUndefined();
    },
  );
});

describe("localRange", () => {
  const range = (text: string) => {
    const { version, a, b, c, d } = parseAddress(text)!;
    return localRange(version, a, b, c, d);
  };

  it.each([
    ["127.0.0.1", "loopback"],
    ["10.255.255.255", "private"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.168.50.2", "private"],
    ["169.254.1.1", "link-local"],
    ["100.64.0.1", "shared"],
    ["100.127.255.255", "shared"],
    ["224.0.0.251", "multicast"],
    ["255.255.255.255", "broadcast"],
    ["0.0.0.0", "unspecified"],
    ["::", "unspecified"],
    ["::1", "loopback"],
    ["fe80::1", "link-local"],
    ["febf::1", "link-local"],
    ["fd00::1", "unique-local"],
    ["ff02::fb", "multicast"],
    ["::ffff:10.0.0.1", "private"],
    ["64:ff9b::192.168.0.1", "private"],
  ])("%s is %s", (address, expected) => {
    expect(range(address)).toBe(expected);
  });

  it.each([
    "192.0.2.1",
    "198.51.100.7",
    "203.0.113.9",
    "2001:db8::1",
    "172.32.0.1",
    "172.15.255.255",
    "100.63.255.255",
    "100.128.0.1",
    "192.169.0.1",
    "11.0.0.1",
    "9.255.255.255",
    "240.0.0.1",
    "::ffff:203.0.113.9",
    "64:ff9b::203.0.113.9",
    "fec0::1",
  ])("%s is an internet address", (address) => {
    expect(range(address)).toBeUndefined();
  });
});
