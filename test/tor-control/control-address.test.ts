import { describe, expect, it } from "vitest";
import { formatSocketAddress, parseControlAddress } from "../../src/tor-control/index.js";

describe("the address of a control port", () => {
  it.each([
    ["9051", { host: "127.0.0.1", port: 9051 }, "127.0.0.1:9051"],
    [" 127.0.0.1:9151\n", { host: "127.0.0.1", port: 9151 }, "127.0.0.1:9151"],
    ["10.21.21.11:29051", { host: "10.21.21.11", port: 29051 }, "10.21.21.11:29051"],
    ["[::1]:9051", { host: "::1", port: 9051 }, "[::1]:9051"],
    ["localhost:9051", { host: "localhost", port: 9051 }, "localhost:9051"],
    ["unix:/run/tor/control", { path: "/run/tor/control" }, "unix:/run/tor/control"],
    ['unix:"/run/tor browser/control"', { path: "/run/tor browser/control" }, "unix:/run/tor browser/control"],
    ["/run/tor/control", { path: "/run/tor/control" }, "unix:/run/tor/control"],
    ["./control", { path: "./control" }, "unix:./control"],
  ])("%j is read, and written so that it is read again", (text, address, written) => {
    expect(parseControlAddress(text)).toEqual(address);
    expect(formatSocketAddress(parseControlAddress(text))).toBe(written);
    expect(parseControlAddress(written)).toEqual(address);
  });

  it.each([
    "",
    "tor",
    "127.0.0.1",
    "0",
    "65536",
    "999999",
    "127.0.0.1:0",
    "127.0.0.1:99999",
    "::1:9051",
    "[127.0.0.1]:9051",
    "[::1]",
    "a b:1",
    "-1",
    "unix:",
    `/${"x".repeat(107)}`,
    "/a\0b",
  ])("%j is none", (text) => {
    expect(() => parseControlAddress(text)).toThrow(
      expect.objectContaining({
        code: "LEEK_TOR_CONTROL_ADDRESS",
        kind: "usage",
        hint: expect.stringContaining("9051"),
      }),
    );
  });
});
