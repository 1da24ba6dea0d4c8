import { describe, expect, it } from "vitest";
import { isTorCertificate, isTorServerName } from "../../../src/apps/tor/link-names.js";

describe("a server name of Tor's form", () => {
  it.each([
    "www.64s5.com",
    "www.fmsul7uwme62jl.com",
    "www.eg64grejypofptcyetgyyg4vd.com",
    // arti's
    "www.0-9z81x8.org",
    "www.--------.net",
    "www.abcdefghijklmnopqrstuvwx.com",
  ])("is %s", (name) => expect(isTorServerName(name)).toBe(true));

  it.each([
    "",
    "64s5.com",
    "www.abc.com",
    "www.abc1.com",
    "www.abcd.net",
    "www.ABCDEFGH.com",
    "www.abcdefgh.com.",
    "www.abcdefghijklmnopqrstuvwxyz.com",
    "www.a.bcdefgh.com",
    "www.abcdefgh.info",
    "xwww.abcdefgh.com",
    "www.abcdefgh.com\n",
  ])("is not %j", (name) => expect(isTorServerName(name)).toBe(false));
});

describe("a certificate of Tor's form", () => {
  it("has made-up names, of .net for its subject and .com for its issuer", () => {
    expect(isTorCertificate("www.2zeqxm7r5.net", "www.bzi5rrll.com")).toBe(true);
  });

  it.each([
    ["www.2zeqxm7r5.com", "www.bzi5rrll.com"],
    ["www.2zeqxm7r5.net", "www.bzi5rrll.net"],
    ["www.2zeqxm.net", "www.bzi5rrll.com"],
    ["www.example.com", "Some Authority"],
    ["", ""],
  ])("is not that of %j by %j", (subject, issuer) => expect(isTorCertificate(subject, issuer)).toBe(false));
});
