import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ssh } from "../../src/apps/ssh.js";
import { detailsOf, disclosed, overTcp, type Said } from "./conversation.js";

// As OpenSSH 9.2p1 of Debian 12 said it on a socket, with the beginning of its binary packet.
const SERVER = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\r\n\x00\x00\x04\x3c\x09\x14\x58\x8d\x98\xb9\x01\x2d";
const CLIENT = "SSH-2.0-PuTTY_Release_0.78\r\n";

describe("ssh", () => {
  it.each([Infinity, 7, 1])("is known by its banners, in segments of %d bytes", (size) => {
    const facts = overTcp(
      [ssh],
      [
        [1, SERVER],
        [0, CLIENT],
      ],
      size,
    );
    expect(facts?.protocol).toBe("ssh");
    expect(detailsOf(facts)).toEqual({
      serverVersion: "2.0",
      serverSoftware: "OpenSSH_9.2p1 Debian-2+deb12u10",
      clientVersion: "2.0",
      clientSoftware: "PuTTY_Release_0.78",
    });
    expect(disclosed(facts)).toEqual(["software: OpenSSH_9.2p1 Debian-2+deb12u10", "software: PuTTY_Release_0.78"]);
  });

  it.each([Infinity, 1])("may follow other lines of the server, in segments of %d bytes", (size) => {
    const facts = overTcp([ssh], [[1, `Welcome to the bastion.\r\nBe good.\r\n${SERVER}`]], size);
    expect(detailsOf(facts).serverSoftware).toBe("OpenSSH_9.2p1 Debian-2+deb12u10");
    // Of a client they are not allowed.
    expect(overTcp([ssh], [[0, `Welcome.\r\n${CLIENT}`]], size)).toBeUndefined();
  });

  it("is known by its client alone where the lines before are long", () => {
    const facts = overTcp(
      [ssh],
      [
        [0, CLIENT],
        [1, `${"Be good.\r\n".repeat(50)}${SERVER}`],
      ],
      1,
    );
    expect(detailsOf(facts)).toMatchObject({ serverSoftware: "OpenSSH_9.2p1 Debian-2+deb12u10" });
  });

  it("takes the old versions, and lines without CR", () => {
    expect(detailsOf(overTcp([ssh], [[1, "SSH-1.99-Cisco-1.25\n"]]))).toEqual({
      serverVersion: "1.99",
      serverSoftware: "Cisco-1.25",
    });
  });

  it.each([
    "SSH-2.0\r\n",
    "SSHd ready\r\n",
    "SSH-x.0-a\r\n",
    "ssh-2.0-a\r\n",
    "SIP/2.0 200 OK\r\n",
    "220 SSH-2.0-a\r\n",
  ])("is not %j", (line) => {
    expect(
      overTcp(
        [ssh],
        [
          [1, line],
          [0, line],
        ],
        1,
      ),
    ).toBeUndefined();
  });

  it("does not report what no banner may say, nor one without an end", () => {
    expect(disclosed(overTcp([ssh], [[1, "SSH-2.0-a\x1b[31m\r\n"]]))).toEqual([]);
    expect(disclosed(overTcp([ssh], [[1, `SSH-2.0-${"a".repeat(5000)}\r\n`]]))).toEqual([]);
  });

  it("never throws, and says the same whatever the segments are", () => {
    const piece = fc.constantFrom("SSH-", "2.0-", "1.99-", "a b", "\r\n", "\n", "\r", "\0", "ÿ", "x".repeat(300));
    const said = fc.array(fc.tuple(fc.constantFrom(0, 1), fc.oneof(piece, fc.string())), { maxLength: 20 });
    fc.assert(
      fc.property(said, fc.integer({ min: 1, max: 9 }), (words, size) => {
        const whole = words
          .filter(([side]) => side === 1)
          .map(([, text]) => text)
          .join("");
        const one: Said[] = [[1, whole]];
        expect(detailsOf(overTcp([ssh], one, size))).toEqual(detailsOf(overTcp([ssh], one)));
        overTcp([ssh], words as Said[], size);
      }),
      { numRuns: 200 },
    );
  });
});
