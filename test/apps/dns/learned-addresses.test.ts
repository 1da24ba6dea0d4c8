import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DnsConversation } from "../../../src/apps/dns/dns-conversation.js";
import { readDnsAnswers } from "../../../src/apps/dns/index.js";
import { FactKeeper, FlowFacts } from "../../../src/apps/flow-facts.js";
import { PassiveNames } from "../../../src/apps/passive-names.js";
import { formatAddress } from "../../../src/net/index.js";
import { dns, dnsReply } from "../../support/packet-builder.js";
import { ALIASED, a } from "./messages.js";

class RecordedNames extends PassiveNames {
  readonly learned: string[] = [];

  override answered(name: string, address: string): void {
    this.learned.push(`${name} ${address}`);
  }
}

/** What a conversation learns of addresses; undefined when it takes the bytes for no message. */
function learnedBy(message: Uint8Array): string[] | undefined {
  const names = new RecordedNames();
  const now = new FactKeeper();
  const ports = { originator: 40_000, responder: 53 };
  const conversation = new DnsConversation({ facts: new FlowFacts(now), ports, isListed: false, names, now });
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  return conversation.read(view, 0, message.length, message.length) ? names.learned : undefined;
}

function answersOf(message: Uint8Array): string[] {
  const answers: string[] = [];
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  readDnsAnswers(view, 0, message.length, (name, ...address) => {
    if (name !== "") answers.push(`${name} ${formatAddress(...address)}`);
  });
  return answers;
}

const MANY = dns({
  response: true,
  questions: [{ name: "many.example" }],
  answers: Array.from({ length: 30 }, (_, i) => a("other.example", `203.0.113.${i}`)),
});
const MESSAGES = [
  ALIASED,
  MANY,
  dnsReply("a.example", ["203.0.113.9", "2001:db8::9"]),
  dns({ response: true, questions: [], answers: [a("own.example", "203.0.113.1")] }),
  dns({
    response: true,
    questions: [{ name: "zone.example", type: 252 }],
    answers: [a("b.zone.example", "203.0.113.2")],
  }),
  dns({
    response: true,
    questions: [{ name: "a.example" }, { name: "b.example" }],
    answers: [a("a.example", "203.0.113.3")],
  }),
];

describe("the addresses that a conversation learns", () => {
  it("are those that readDnsAnswers gives, more than are kept as facts too", () => {
    expect(learnedBy(MANY)).toHaveLength(30);
    for (const message of MESSAGES) expect(learnedBy(message)).toEqual(answersOf(message));
  });

  it("are the same in damaged messages", () => {
    const damages = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...MESSAGES), damages, (message, changes) => {
        const damaged = Uint8Array.from(message);
        for (const [at, byte] of changes) damaged[at % damaged.length] = byte;
        const learned = learnedBy(damaged);
        if (learned !== undefined && (damaged[2]! & 0x80) !== 0) expect(learned).toEqual(answersOf(damaged));
      }),
      { numRuns: 3_000 },
    );
  });
});
