import type { FlowContext } from "../protocol-reader.js";
import { DnsClass, DnsType, responseCodeName } from "./dns-codes.js";
import { DnsFlag, MESSAGE, Section } from "./dns-message.js";
import { clientSubnet, hasCookie } from "./edns.js";
import { LookupFacts } from "./lookup-facts.js";
import { judgeBeginning, Verdict } from "./plausibility.js";

/** The rest of 64 is for names of onion services. */
const SHARES = { questions: 40, answers: 16, names: 0 };

/** Reads the messages of one flow, however they are carried. A resolver's flow may go on for as long as the capture. */
export class DnsConversation {
  readonly #context: FlowContext;
  readonly #lookups: LookupFacts;
  readonly #responseCodes: string[] = [];
  /** Bit by code. */
  #seenCodes = 0;
  #hasSubnet = false;
  /** The question read last, as it stood: its name, type and class. */
  #question: Uint8Array | undefined;
  #questionName = "";
  /** Whether addresses in the message that is being read tell what they are called: as in readDnsAnswers. */
  #learns = false;

  constructor(context: FlowContext) {
    this.#context = context;
    this.#lookups = new LookupFacts(context, SHARES);
  }

  /**
   * @param end - Just past the last byte of the message that is there.
   * @param wireLength - Bytes of the message on the wire.
   * @returns false when this is no DNS message; nothing is learned from it then.
   */
  read(view: DataView, start: number, end: number, wireLength: number): boolean {
    if (judgeBeginning(view, start, end, wireLength) === Verdict.No) return false;
    const message = MESSAGE;
    message.begin(view, start, end);
    const { isResponse } = message;
    this.#noteHeader(isResponse);
    let asked: string | undefined;
    this.#learns = message.questions === 0;
    while (message.nextQuestion()) {
      const name = this.#readQuestion(view);
      if (message.questions !== 1) continue;
      this.#learns = name !== undefined;
      // Of a whole zone, each record has its own name.
      if (message.type !== DnsType.AXFR && message.type !== DnsType.IXFR) asked = name;
    }
    while (message.nextRecord()) {
      if (message.type === DnsType.OPT) this.#readEdns(view);
      else if (isResponse && message.section === Section.Answers && message.class === DnsClass.IN) {
        this.#readAnswer(asked);
      }
    }
    return true;
  }

  #noteHeader(isResponse: boolean): void {
    if (!isResponse) {
      this.#noteFlag("recursionDesired", DnsFlag.RECURSION_DESIRED);
      return;
    }
    this.#noteFlag("recursionAvailable", DnsFlag.RECURSION_AVAILABLE);
    this.#noteFlag("authoritative", DnsFlag.AUTHORITATIVE);
    const code = MESSAGE.responseCode;
    if ((this.#seenCodes & (1 << code)) !== 0) return;
    this.#seenCodes |= 1 << code;
    this.#responseCodes.push(responseCodeName(code));
    this.#context.facts.detail("responseCodes", this.#responseCodes);
  }

  /** True once any message has the flag. */
  #noteFlag(key: string, flag: number): void {
    const { facts } = this.#context;
    const known = facts.detailOf(key);
    const value = MESSAGE.has(flag);
    if (known !== true && known !== value) facts.detail(key, value);
  }

  /** @returns Its name; undefined when that is malformed. */
  #readQuestion(view: DataView): string | undefined {
    const message = MESSAGE;
    const start = message.nameStart;
    const length = message.at - start;
    // Nearly every response repeats the question that came before it.
    if (message.questions === 1 && this.#isSameQuestion(view, start, length)) return this.#questionName;
    const name = message.name();
    if (name === undefined) return undefined;
    this.#lookups.question(name, message.type);
    if (message.questions === 1) {
      this.#question = new Uint8Array(view.buffer, view.byteOffset + start, length).slice();
      this.#questionName = name;
    }
    return name;
  }

  #isSameQuestion(view: DataView, start: number, length: number): boolean {
    const question = this.#question;
    if (question?.length !== length) return false;
    for (let i = 0; i < length; i++) if (question[i] !== view.getUint8(start + i)) return false;
    return true;
  }

  /** @param asked - The name in the question, which owns the addresses at the end of a chain of aliases. */
  #readAnswer(asked: string | undefined): void {
    const message = MESSAGE;
    const version = message.addressVersion;
    if (version === undefined && message.type !== DnsType.CNAME && message.type !== DnsType.PTR) return;
    const takesAnswer = this.#lookups.takesAnswers;
    if (!takesAnswer) this.#context.facts.more++;
    const learns = this.#learns && version !== undefined;
    // The strings that follow take time.
    if (!takesAnswer && !learns) return;
    const value = version === undefined ? message.nameInData() : message.address();
    const name = version === undefined ? message.name() : (asked ?? message.name());
    if (learns) this.#learn(name, value);
    if (!takesAnswer || value === undefined || name === undefined) return;
    this.#lookups.onionName(value);
    this.#lookups.answer(name, value);
  }

  #learn(name: string | undefined, address: string | undefined): void {
    const { names, now } = this.#context;
    if (name === undefined) this.#learns = false;
    else if (name !== "" && address !== undefined) names.answered(name, address, now.seconds, now.nanoseconds);
  }

  #readEdns(view: DataView): void {
    const { facts } = this.#context;
    const { dataStart, dataEnd } = MESSAGE;
    if (dataStart === dataEnd) return;
    if (facts.detailOf("cookie") === undefined && hasCookie(view, dataStart, dataEnd)) facts.detail("cookie", true);
    if (this.#hasSubnet) return;
    const subnet = clientSubnet(view, dataStart, dataEnd);
    if (subnet === undefined) return;
    this.#hasSubnet = true;
    facts.detail("clientSubnet", subnet);
  }
}
