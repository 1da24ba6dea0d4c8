import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { smtp } from "../../src/apps/smtp.js";
import { detailsOf, disclosed, overTcp, type Said } from "./conversation.js";

/** RFC 5321 appendix D.1, with a few extensions. */
const MAIL: readonly Said[] = [
  [1, "220 foo.example ESMTP Postfix (Debian)\r\n"],
  [0, "EHLO laptop.bar.example\r\n"],
  [1, "250-foo.example greets bar.example\r\n250-SIZE\r\n250-STARTTLS\r\n250 HELP\r\n"],
  [0, "AUTH PLAIN AHRlc3QAc2VjcmV0\r\n"],
  [1, "235 2.7.0 ok\r\n"],
  [0, "MAIL FROM:<smith@bar.example> SIZE=20\r\nRCPT TO:<jones@foo.example>\r\n"],
  [1, "250 OK\r\n250 OK\r\n"],
  [0, "rcpt to:<@relay.example:brown@foo.example>\r\nDATA\r\n"],
  [1, "250 OK\r\n354 go\r\n"],
  [0, "MAIL FROM:<inside@the.mail>\r\n.\r\n"],
];

describe("smtp", () => {
  it.each([Infinity, 5, 1])("tells who writes to whom, in segments of %d bytes", (size) => {
    const facts = overTcp([smtp], MAIL, size);
    expect(facts?.protocol).toBe("smtp");
    expect(detailsOf(facts)).toEqual({
      greeting: "foo.example ESMTP Postfix (Debian)",
      serverHost: "foo.example",
      clientHost: "laptop.bar.example",
      startTlsOffered: true,
      authentication: true,
      sender: "smith@bar.example",
      recipients: ["jones@foo.example", "brown@foo.example"],
    });
    expect(disclosed(facts)).toEqual([
      "host-name: foo.example",
      "software: ESMTP Postfix (Debian)",
      "host-name: laptop.bar.example",
      "mail-address: smith@bar.example",
      "mail-address: jones@foo.example",
      "mail-address: brown@foo.example",
    ]);
    expect(facts?.names).toEqual([{ name: "foo.example", source: "greeting" }]);
  });

  it("says nothing after STARTTLS", () => {
    const facts = overTcp(
      [smtp],
      [
        [0, "EHLO [192.0.2.1]\r\nSTARTTLS\r\nMAIL FROM:<a@b.example>\r\n"],
        [1, "220 ready\r\n"],
      ],
    );
    expect(detailsOf(facts)).toMatchObject({ clientHost: "[192.0.2.1]", startTls: true });
    expect(disclosed(facts)).toEqual(["host-name: [192.0.2.1]"]);
  });

  it("keeps no secret, in a command or in lines of their own", () => {
    const login: readonly Said[] = [
      [0, "EHLO laptop.bar.example\r\nAUTH LOGIN\r\ndGVzdA==\r\nc2VjcmV0\r\n"],
      [1, "220 foo.example ESMTP\r\n250 ok\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 ok\r\n"],
    ];
    for (const talk of [MAIL, login, login.slice(0, 1)]) {
      const facts = overTcp([smtp], talk);
      expect(detailsOf(facts).authentication).toBe(true);
      expect(JSON.stringify([detailsOf(facts), disclosed(facts)])).not.toMatch(/AHRlc3QAc2VjcmV0|dGVzdA|c2VjcmV0/);
    }
  });

  it.each([
    ["foo.example ESMTP Postfix", ["host-name: foo.example", "software: ESMTP Postfix"]],
    ["foo.example ESMTP", ["host-name: foo.example"]],
    ["foo.example ready at your service", ["host-name: foo.example"]],
    ["Welcome to SMTP", []],
    // A capture that begins at STARTTLS: a code (RFC 2034), not a host.
    ["2.0.0 Ready to start TLS", []],
  ])("takes from the greeting %j what is a host and a program", (greeting, said) => {
    const facts = overTcp(
      [smtp],
      [
        [0, "EHLO x\r\n"],
        [1, `220 ${greeting}\r\n`],
      ],
    );
    expect(disclosed(facts).filter((it) => it !== "host-name: x")).toEqual(said);
  });

  it("does not take the originator's guess for who is the client", () => {
    const turned = MAIL.map(([side, words]): Said => [side === 0 ? 1 : 0, words]);
    expect(detailsOf(overTcp([smtp], turned))).toEqual(detailsOf(overTcp([smtp], MAIL)));
  });

  it.each([
    "220 (vsFTPd 3.0.3)\r\n",
    "220 ProFTPD Server (Debian) [::ffff:192.0.2.1]\r\n",
    "220 smtp.example.org FTP server ready.\r\n",
    "220 smtp.example.org ready\r\n",
    "2200 ESMTP\r\n",
    "HELO\x00\x00\x00\x24 binary",
    "HELO \x00\x00\x00\r\n",
    "HELLO world\r\n",
    "EHLO\r\n",
    "GET / HTTP/1.1\r\n",
  ])("is not %j", (line) => {
    expect(overTcp([smtp], [[1, line]], 1)).toBeUndefined();
    expect(overTcp([smtp], [[0, line]])).toBeUndefined();
  });

  it.each([
    "220-host.example ESMTP Exim 4.96 #2 Mon, 01 Jan 2024\r\n",
    "220 mx.google.com ESMTP 5b1f17b1804b1-3a - gsmtp\r\n",
    "220 [192.0.2.1] SMTP\r\n",
  ])("is %j", (line) => {
    expect(overTcp([smtp], [[1, line]], 1)?.protocol).toBe("smtp");
  });

  it("never throws, and says the same whatever the segments are", () => {
    const piece = fc.constantFrom(
      ..."EHLO a.b|HELO x|MAIL FROM:<a@b>|RCPT TO:<|>|<|@|:|220 a.b ESMTP|250-STARTTLS|AUTH|DATA|\r\n|\n|\r| |ÿ".split(
        "|",
      ),
      "\r\n".repeat(300),
      "y".repeat(600),
    );
    fc.assert(
      fc.property(
        fc.constantFrom("EHLO a.b\r\n", "220 a.b ESMTP c\r\n", ""),
        fc.array(fc.oneof({ weight: 4, arbitrary: piece }, fc.string()), { maxLength: 20 }),
        fc.integer({ min: 1, max: 9 }),
        (first, pieces, size) => {
          const one: Said[] = [[0, first + pieces.join("")]];
          expect(detailsOf(overTcp([smtp], one, size))).toEqual(detailsOf(overTcp([smtp], one)));
        },
      ),
      { numRuns: 200 },
    );
  });
});
