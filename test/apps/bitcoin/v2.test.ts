import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bitcoin, bitcoinV2 } from "../../../src/apps/bitcoin/index.js";
import { looksRandom } from "../../../src/apps/bitcoin/randomness.js";
import { ssh } from "../../../src/apps/ssh.js";
import { tls } from "../../../src/apps/tls/index.js";
import { detailsOf, disclosed, type Said } from "../conversation.js";
import { message, version } from "./messages.js";
import { type Circumstances, onPort, seeded } from "./on-port.js";

const random = seeded(324);
/** Key and garbage, the same of the other side, then terminators and packets (BIP 324). */
const handshake: Said[] = [
  [0, random(64 + 37)],
  [1, random(64 + 3000)],
  [0, random(16 + 20 + 130)],
  [1, random(16 + 20 + 130)],
];
const v2 = (said: readonly Said[], circumstances: Circumstances = {}) =>
  onPort([ssh, tls, bitcoin, bitcoinV2], said, { port: 8333, ...circumstances });

describe("bitcoin-v2", () => {
  it.each([Infinity, 1448, 64, 1])("is suspected by port and shape, in segments of %d bytes", (segmentBytes) => {
    const facts = v2(handshake, { segmentBytes });
    expect([facts?.protocol, facts?.by]).toEqual(["bitcoin-v2", "shape"]);
    expect(detailsOf(facts)).toEqual({ v2: true, chainByPort: "main" });
    expect(disclosed(facts)).toEqual([]);
  });

  it.each([
    [18_333, "testnet3"],
    [48_333, "testnet4"],
    [38_333, "signet"],
    [18_444, "regtest"],
  ])("on port %d may be of %s", (port, chain) => {
    expect(detailsOf(v2(handshake, { port })).chainByPort).toBe(chain);
  });

  it("is not suspected on other ports, of whom the responder's counts", () => {
    expect(v2(handshake, { port: 443 })?.protocol).toBeUndefined();
    expect(v2(handshake, { port: 9735, originatorPort: 8333 })?.protocol).toBeUndefined();
  });

  it("is not suspected in a flow whose beginning was not seen", () => {
    expect(v2(handshake, { fromStart: false })?.protocol).toBeUndefined();
  });

  it("needs both sides, and enough of them", () => {
    expect(v2(handshake.filter(([side]) => side === 0))?.protocol).toBeUndefined();
    expect(v2(handshake.filter(([side]) => side === 1))?.protocol).toBeUndefined();
    expect(
      v2([
        [0, random(191)],
        [1, random(4000)],
      ])?.protocol,
    ).toBeUndefined();
    expect(v2(handshake, { snaplen: 96 })?.protocol).toBeUndefined();
  });

  it("passes by what is text, ordered or repeated on either side", () => {
    const others = [
      Buffer.from("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12345\r\n\r\n".repeat(4)),
      Buffer.alloc(300),
      Buffer.alloc(300, random(16)),
      Buffer.from(random(300).toString("base64")),
      Buffer.from(random(300).toString("hex")),
      Buffer.concat([random(100), Buffer.alloc(200)]),
    ];
    for (const other of others) {
      expect(
        v2([
          [0, random(300)],
          [1, other],
        ])?.protocol,
      ).toBeUndefined();
      expect(
        v2([
          [0, other],
          [1, random(300)],
        ])?.protocol,
      ).toBeUndefined();
    }
  });

  it("is not version 1, TLS or SSH, though the rest of them looks random", () => {
    const hello = Buffer.concat([Buffer.from("1603010200010001fc0303", "hex"), random(500)]);
    const banner = Buffer.concat([Buffer.from("SSH-2.0-x\r\n"), random(500)]);
    const v1 = Buffer.concat([message("version", version()), message("tx", random(300))]);
    const serverHello = Buffer.concat([Buffer.from("160303007a020000760303", "hex"), random(500)]);
    expect(
      v2([
        [0, hello],
        [1, serverHello],
      ])?.protocol,
    ).toBe("tls");
    expect(
      v2([
        [0, banner],
        [1, banner],
      ])?.protocol,
    ).toBe("ssh");
    expect(
      v2([
        [0, v1],
        [1, v1],
      ])?.protocol,
    ).toBe("bitcoin");
    // Alone too.
    for (const bytes of [hello, serverHello, v1]) {
      expect(
        onPort(
          [bitcoinV2],
          [
            [0, bytes],
            [1, random(500)],
          ],
          { port: 8333 },
        )?.protocol,
      ).toBeUndefined();
      expect(
        onPort(
          [bitcoinV2],
          [
            [0, random(500)],
            [1, bytes],
          ],
          { port: 8333 },
        )?.protocol,
      ).toBeUndefined();
    }
  });

  it("never throws, and stays silent about what is not random", () => {
    const words = fc.array(fc.tuple(fc.constantFrom<0 | 1>(0, 1), fc.string({ maxLength: 400 })), { maxLength: 6 });
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 99 }), (said, segmentBytes) => {
        expect(v2(said, { segmentBytes })?.protocol).toBeUndefined();
      }),
    );
  });
});

describe("looksRandom", () => {
  it.each([64, 192])("holds for random bytes, %d of them, but in few cases of 10,000", (length) => {
    let refused = 0;
    for (let i = 0; i < 10_000; i++) if (!looksRandom(randomBytes(length), 0, length)) refused++;
    // Four are expected; 30 come once in 10^15 runs.
    expect(refused).toBeLessThan(30);
  });

  it("does not hold for bytes with one bit that is always the same, or numbers in a row", () => {
    for (const bit of [0x80, 0x10, 0x01]) {
      const bytes = randomBytes(192).map((byte) => byte | bit);
      expect(looksRandom(bytes, 0, 192)).toBe(false);
    }
    expect(
      looksRandom(
        Uint8Array.from({ length: 192 }, (_, i) => i >> 2),
        0,
        192,
      ),
    ).toBe(false);
  });
});
