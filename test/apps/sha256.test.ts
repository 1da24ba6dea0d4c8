import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hmacSha256, sha256 } from "../../src/apps/sha256.js";

describe("SHA-256", () => {
  it("is that of Node.js", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(sha256(bytes)).toEqual(createHash("sha256").update(bytes).digest());
      }),
    );
  });

  // RFC 4231 4.2 and 4.3.
  it.each([
    [Buffer.alloc(20, 0x0b), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"],
    [
      Buffer.from("Jefe"),
      "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
  ])("of a key and a text is HMAC", (key, text, expected) => {
    expect(hmacSha256(key, Buffer.from(text)).toString("hex")).toBe(expected);
  });

  it("of any key up to a block is that of Node.js", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.uint8Array(), (key, text) => {
        expect(hmacSha256(key, text)).toEqual(createHmac("sha256", key).update(text).digest());
      }),
    );
  });
});
