import { describe, expect, it } from "vitest";
import { DnsConversation } from "../../../src/apps/dns/dns-conversation.js";
import { readDnsAnswers } from "../../../src/apps/dns/index.js";
import { isWellFormed } from "../../../src/apps/dns/plausibility.js";
import { FactKeeper, FlowFacts } from "../../../src/apps/flow-facts.js";
import { PassiveNames } from "../../../src/apps/index.js";
import { concat, dnsName, dnsPointer, u16 } from "../../support/packet-builder.js";
import { record } from "./messages.js";

/** A message over TCP has 64 KiB at most. */
const MAX_BYTES = 65_535;
const HEADER_BYTES = 12;
const RESPONSE = 0x8180;
/** As long as a name can be, of bytes that take four characters each. */
const LONG = concat(...[63, 63, 63, 61].map((length) => concat([length], new Uint8Array(length).fill(1))), [0]);

/** As many pieces as have room behind a question; each is told where it stands. */
function message(flags: number, questions: Uint8Array[], piece: (at: number) => Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [];
  let at = HEADER_BYTES + concat(...questions).length;
  for (;;) {
    const next = piece(at);
    if (at + next.length > MAX_BYTES) break;
    pieces.push(next);
    at += next.length;
  }
  const counts = [questions.length, pieces.length, 0, 0].flatMap(u16);
  return concat(u16(1), u16(flags), counts, ...questions, ...pieces);
}

const ask = (name: Uint8Array) => concat(name, u16(1), u16(1));
const short = ask(dnsName("a.example"));
const toLast = (at: number) => dnsPointer(Math.min(at, 0x3fff));
/** The name of the record before this one. */
let before = HEADER_BYTES;

const MESSAGES: readonly (readonly [string, Uint8Array])[] = [
  [
    "names that each point to the one before",
    message(RESPONSE, [short], (at) => {
      const owner = concat([1, 0x61], toLast(before));
      before = at;
      return record(owner, 5, new Uint8Array(0));
    }),
  ],
  ["long names", message(RESPONSE, [short], () => record(LONG, 5, LONG))],
  ["pointers to a long name", message(RESPONSE, [ask(LONG)], () => record(dnsPointer(12), 5, dnsPointer(12)))],
  [
    "addresses of a long name",
    message(RESPONSE, [ask(LONG)], () => record(dnsPointer(12), 1, Uint8Array.of(1, 2, 3, 4))),
  ],
  ["empty options", message(RESPONSE, [short], () => record(Uint8Array.of(0), 41, new Uint8Array(30_000)))],
  [
    "long questions",
    message(
      0x0100,
      Array.from({ length: 250 }, () => ask(LONG)),
      () => new Uint8Array(MAX_BYTES),
    ),
  ],
];

describe("the largest messages", () => {
  it.each(MESSAGES)("are quick to read: %s", (_, bytes) => {
    expect(bytes.length).toBeGreaterThan(60_000);
    const facts = new FlowFacts(new FactKeeper());
    const names = new PassiveNames();
    const ports = { originator: 40_000, responder: 53 };
    const conversation = new DnsConversation({ facts, ports, names, isListed: false, now: new FactKeeper() });
    const view = new DataView(bytes.buffer);
    const rounds = 10;
    const start = performance.now();
    for (let i = 0; i < rounds; i++) {
      expect(conversation.read(view, 0, bytes.length, bytes.length)).toBe(true);
      isWellFormed(view, 0, bytes.length, bytes.length);
      readDnsAnswers(view, 0, bytes.length, () => {});
    }
    // One takes a few milliseconds at most.
    expect((performance.now() - start) / rounds).toBeLessThan(50);
    expect(facts.disclosures.length).toBeLessThanOrEqual(64);
    expect(facts.details.get("questions")).toHaveLength(1);
  });
});
