import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { irc } from "../../src/apps/irc.js";
import { detailsOf, disclosed, overTcp, type Said } from "./conversation.js";

const TALK: readonly Said[] = [
  [1, ":irc.example.net NOTICE * :*** Looking up your hostname...\r\n"],
  [0, "CAP LS 302\r\nPASS sesame\r\nNICK wiz\r\nUSER guest 0 * :Ronnie Reagan\r\n"],
  [1, ":irc.example.net 001 wiz :Welcome to the Example Network wiz!~guest@192.0.2.7\r\n"],
  [0, "JOIN #tor,&local key1,key2\r\nPRIVMSG #tor :hello\r\nJOIN #tor\r\n"],
];

describe("irc", () => {
  it.each([Infinity, 5, 1])("tells who talks where, in segments of %d bytes", (size) => {
    const facts = overTcp([irc], TALK, size);
    expect(facts?.protocol).toBe("irc");
    expect(detailsOf(facts)).toEqual({
      password: true,
      nick: "wiz",
      user: "guest",
      realName: "Ronnie Reagan",
      serverHost: "irc.example.net",
      clientHost: "192.0.2.7",
      channels: ["#tor", "&local"],
    });
    expect(disclosed(facts).sort()).toEqual([
      "host-name: irc.example.net",
      "public-address: 192.0.2.7",
      "user-name: Ronnie Reagan",
      "user-name: guest",
      "user-name: wiz",
    ]);
    expect(facts?.names).toEqual([{ name: "irc.example.net", source: "greeting" }]);
    const text = JSON.stringify([detailsOf(facts), disclosed(facts)]);
    expect(text).not.toMatch(/sesame|key1|key2/);
  });

  it.each([
    "NICK wiz\r\n",
    "nick :wiz\n",
    "PASS x\r\nNICK wiz\r\n",
    "USER a 0 * :A\r\n",
    "CAP LS\r\n",
    "CAP REQ :sasl\r\n",
  ])("is %j of a client", (line) => {
    expect(overTcp([irc], [[0, line]], 1)?.protocol).toBe("irc");
  });

  it.each([
    ":irc.example.net 001 wiz :Welcome\r\n",
    "NOTICE AUTH :*** Looking up your hostname\r\n",
    ":irc.example.net CAP * LS :multi-prefix\r\n",
  ])("is %j of a server", (line) => {
    expect(overTcp([irc], [[1, line]], 1)?.protocol).toBe("irc");
  });

  // FTP, POP3, NNTP, NATS, HTTP.
  it.each([
    "USER bob\r\nPASS x\r\n",
    "PASS x\r\nSTAT\r\n",
    "NICK two words\r\n",
    "CAPABILITIES\r\n",
    "CAPA\r\n",
    "CONNECT {}\r\n",
    "PUT / HTTP/1.1\r\n",
    ":1\r\n",
    ": 001\r\n",
    "NICKEL\r\n",
  ])("is not %j", (line) => {
    expect(overTcp([irc], [[0, line]], 1)).toBeUndefined();
    expect(overTcp([irc], [[1, line]])).toBeUndefined();
  });

  it.each([
    ["192.0.2.7", ["public-address: 192.0.2.7"]],
    ["2001:db8::7", ["public-address: 2001:db8::7"]],
    ["192.168.50.2", []],
    ["host.example.net", ["host-name: host.example.net"]],
    ["user/wiz", []],
    ["gateway/web/x:y", []],
    ["12.3", []],
  ])("takes %s, from where the server sees the client, for what it is", (mask, said) => {
    const facts = overTcp([irc], [[1, `:irc.example.net 001 wiz :Welcome wiz!guest@${mask}\r\n`]]);
    expect(detailsOf(facts).clientHost).toBe(mask);
    expect(disclosed(facts).slice(2)).toEqual(said);
  });

  it("keeps few channels", () => {
    const joins = Array.from({ length: 300 }, (_, i) => `JOIN #c${i}\r\n`).join("");
    expect(detailsOf(overTcp([irc], [[0, `NICK a\r\n${joins}`]])).channels).toHaveLength(16);
  });

  it("is quick on lines made to be slow", () => {
    const spaces = " ".repeat(1900);
    const lines = ["A", "@t", ":p", "@t :p", ":p 001"].map((start) => `${start}${spaces}\r${spaces.slice(1850)}x\r\n`);
    const marks = `:p 001 a :${"!a".repeat(900)}\r\n`;
    const all = `NICK a\r\n${lines.join("").repeat(30)}${marks.repeat(30)}`;
    const before = performance.now();
    overTcp([irc], [[0, all]]);
    expect(performance.now() - before).toBeLessThan(500);
  });

  it("never throws, and says the same whatever the segments are", () => {
    const piece = fc.constantFrom(
      ..."NICK |USER |a 0 * :b|CAP LS|:h |001 |PASS x|JOIN #|,|:|!a@b|NOTICE AUTH :*** |\r\n|\n|\r| |ÿ|@t=1 ".split(
        "|",
      ),
      "y".repeat(900),
    );
    fc.assert(
      fc.property(
        fc.constantFrom("NICK a\r\n", ":h.x 001 a :b\r\n", ""),
        fc.array(fc.oneof({ weight: 4, arbitrary: piece }, fc.string()), { maxLength: 20 }),
        fc.integer({ min: 1, max: 9 }),
        (first, pieces, size) => {
          const one: Said[] = [[0, first + pieces.join("")]];
          expect(detailsOf(overTcp([irc], one, size))).toEqual(detailsOf(overTcp([irc], one)));
        },
      ),
      { numRuns: 200 },
    );
  });
});
