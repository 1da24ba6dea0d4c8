import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAuthority, targetOf } from "../../../src/apps/proxy-target.js";

describe("a target", () => {
  it.each([
    ["www.example.com:80", "host-name", "www.example.com", 80],
    ["WWW.Example.COM.:1", "host-name", "WWW.Example.COM.", 1],
    ["_odd_.example", "host-name", "_odd_.example", 7],
    ["a.onion:", "onion-name", "a.onion", 7],
    ["www.A.ONION.", "onion-name", "www.A.ONION.", 7],
    ["a.onion.example", "host-name", "a.onion.example", 7],
    ["203.0.113.80:8080", "ipv4", "203.0.113.80", 8080],
    ["[2001:DB8::0:1]:443", "ipv6", "2001:db8::1", 443],
    ["[::ffff:192.0.2.1]", "ipv6", "::ffff:192.0.2.1", 7],
  ])("is read from %j", (text, kind, host, port) => {
    expect(parseAuthority(text, 7)).toEqual({ kind, host, port });
  });

  it.each([
    "",
    ":80",
    "a b",
    "a@b",
    "a/b",
    "a:b",
    "a:99999",
    "a:1:2",
    "2001:db8::1",
    "[a.example]:80",
    "[203.0.113.80]:80",
    "[2001:db8::1%eth0]:80",
    "[2001:db8::1",
    ".example",
    "\u00e4.example",
    "a".repeat(255),
  ])("is not %j", (text) => {
    expect(parseAuthority(text, 7)).toBeUndefined();
  });

  it("needs a port where there is none by default", () => {
    expect(parseAuthority("a.example", undefined)).toBeUndefined();
    expect(parseAuthority("a.example:", undefined)).toBeUndefined();
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseAuthority(text, 80);
        targetOf(text, 80);
      }),
    );
  });
});
