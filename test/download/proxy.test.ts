import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseProxy } from "../../src/download/index.js";

describe("the address of a proxy", () => {
  it.each([
    ["socks5h://127.0.0.1:9050", { host: "127.0.0.1", port: 9050 }],
    ["SOCKS5H://tor.local:1/", { host: "tor.local", port: 1 }],
    ["socks5h://[::1]:9150", { host: "::1", port: 9150 }],
    ["socks5h://@127.0.0.1:9050", { host: "127.0.0.1", port: 9050 }],
    ["socks5h://leek@127.0.0.1:9050", { host: "127.0.0.1", port: 9050, user: "leek", password: "" }],
    ["socks5h://a%40b:p%3A%2F%c3%a9@h:65535", { host: "h", port: 65_535, user: "a@b", password: "p:/é" }],
  ])("is read: %s", (url, proxy) => {
    expect(parseProxy(url)).toEqual(proxy);
  });

  it.each([
    ["", "The address of a proxy begins with socks5h://."],
    ["127.0.0.1:9050", "The address of a proxy begins with socks5h://."],
    [
      "socks5://127.0.0.1:9050",
      "A proxy is named with socks5h://, not socks5://, which would have host names looked up here, past Tor.",
    ],
    ["http://127.0.0.1:8118", "leek knows SOCKS5 proxies only (socks5h://), not http://."],
    ["socks5h://127.0.0.1", "The address of the proxy is no socks5h://HOST:PORT."],
    ["socks5h://:9050", "The address of the proxy is no socks5h://HOST:PORT."],
    ["socks5h://127.0.0.1:9050/path", "The address of the proxy is no socks5h://HOST:PORT."],
    ["socks5h://127.0.0.1:9050?a", "The address of the proxy is no socks5h://HOST:PORT."],
    ["socks5h://::1:9050", "The address of the proxy is no socks5h://HOST:PORT."],
    ["socks5h://u:p@q@h:1", "The address of the proxy is no socks5h://HOST:PORT."],
    ["socks5h://[127.0.0.1]:9050", "The address of the proxy has no valid host."],
    ["socks5h://[::1%25lo]:9050", "The address of the proxy has no valid host."],
    ["socks5h://a b:9050", "The address of the proxy has no valid host."],
    ["socks5h://h\n:9050", "The address of the proxy has no valid host."],
    [`socks5h://${"a".repeat(254)}:9050`, "The address of the proxy has no valid host."],
    ["socks5h://h:0", "The port of the proxy is not between 1 and 65535."],
    ["socks5h://h:65536", "The port of the proxy is not between 1 and 65535."],
    ["socks5h://%zz@h:1", "User or password of the proxy are not percent-encoded UTF-8."],
    [
      `socks5h://${"é".repeat(128)}@h:1`,
      "User or password of the proxy are longer than the 255 bytes that SOCKS5 allows.",
    ],
  ])("is refused with a reason: %s", (url, message) => {
    const hint = "Write socks5h://127.0.0.1:9050, or socks5h://USER:PASSWORD@HOST:PORT.";
    expect(() => parseProxy(url)).toThrow(
      expect.objectContaining({ code: "LEEK_PROXY_INVALID", kind: "usage", message, hint }),
    );
  });

  it("is a proxy or a typed error, whatever it is, and the error never repeats a password", () => {
    const part = fc.string({ unit: fc.constantFrom("a", "1", ":", "@", "/", "[", "]", "%", ".", "\n"), maxLength: 20 });
    fc.assert(
      fc.property(part, (rest) => {
        try {
          const { port } = parseProxy(`socks5h://u:Geheim${rest}`);
          expect(port).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toMatchObject({ code: "LEEK_PROXY_INVALID" });
          expect(String(error)).not.toContain("Geheim");
        }
      }),
    );
  });
});
