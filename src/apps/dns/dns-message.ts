import { formatAddress } from "../../net/index.js";
import { DnsType } from "./dns-codes.js";
import { NAMES, NameStatus, readableName, skipName } from "./name-reader.js";

export const HEADER_BYTES = 12;
/** Bits of the header's flags. Source: RFC 1035 4.1.1. */
export const DnsFlag = {
  RESPONSE: 0x8000,
  AUTHORITATIVE: 0x0400,
  TRUNCATED: 0x0200,
  RECURSION_DESIRED: 0x0100,
  RECURSION_AVAILABLE: 0x0080,
  /** The bit that no RFC gave a meaning. */
  Z: 0x0040,
} as const;

/** Where a record stands. */
export const Section = { Answers: 0, Authorities: 1, Additionals: 2 } as const;
export type Section = (typeof Section)[keyof typeof Section];

/** Honest messages carry a few dozen records; a larger count is walked no further. */
const MAX_RECORDS = 256;
/** mDNS uses the top bit of the class: "cache flush", "unicast response" (RFC 6762 10.2, 5.4). */
const CLASS_MASK = 0x7fff;

/**
 * Walks through one DNS message: `begin`, then `nextQuestion` until it is false, then `nextRecord`. Allocates nothing but
 * the strings that are asked for. One object for one message after the other.
 *
 * Source: RFC 1035 4.1.
 */
export class DnsMessage {
  flags = 0;
  questions = 0;
  answers = 0;
  authorities = 0;
  additionals = 0;
  /** Of the question or record last read. */
  type = 0;
  /** Without mDNS's top bit. */
  class = 0;
  /** Offset of its name. */
  nameStart = 0;
  /** Data of the record last read: offsets [dataStart, dataEnd). */
  dataStart = 0;
  dataEnd = 0;
  /** Offset behind what was read. */
  at = 0;
  /** Set when a question or record could not be read: all further ones are lost. */
  damaged = false;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #start = 0;
  #end = 0;
  #questionsLeft = 0;
  #recordsLeft = 0;
  #recordsRead = 0;

  get isResponse(): boolean {
    return this.has(DnsFlag.RESPONSE);
  }

  get opcode(): number {
    return (this.flags >> 11) & 15;
  }

  get responseCode(): number {
    return this.flags & 15;
  }

  /** Of the record last read. */
  get section(): Section {
    if (this.#recordsRead <= this.answers) return Section.Answers;
    return this.#recordsRead <= this.answers + this.authorities ? Section.Authorities : Section.Additionals;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** @returns false when the header is not there. */
  begin(view: DataView, start: number, end: number): boolean {
    if (end - start < HEADER_BYTES) return false;
    this.#view = view;
    this.#start = start;
    this.#end = end;
    this.at = start + HEADER_BYTES;
    this.flags = view.getUint16(start + 2);
    this.questions = view.getUint16(start + 4);
    this.answers = view.getUint16(start + 6);
    this.authorities = view.getUint16(start + 8);
    this.additionals = view.getUint16(start + 10);
    this.#questionsLeft = Math.min(this.questions, MAX_RECORDS);
    this.#recordsLeft = Math.min(this.answers + this.authorities + this.additionals, MAX_RECORDS);
    this.#recordsRead = 0;
    this.damaged = false;
    this.type = 0;
    this.class = 0;
    this.nameStart = this.at;
    this.dataStart = this.at;
    this.dataEnd = this.at;
    return true;
  }

  nextQuestion(): boolean {
    if (this.#questionsLeft === 0 || !this.#skipName(4)) return false;
    this.#questionsLeft--;
    this.#readTypeAndClass();
    this.at += 4;
    return true;
  }

  /** Records begin behind the last question: there are none where not all questions were walked. */
  nextRecord(): boolean {
    if (this.#recordsLeft === 0 || this.questions > MAX_RECORDS || !this.#skipName(10)) return false;
    this.#recordsLeft--;
    this.#recordsRead++;
    this.#readTypeAndClass();
    this.dataStart = this.at + 10;
    this.dataEnd = this.dataStart + this.#view.getUint16(this.at + 8);
    this.at = this.dataEnd;
    this.damaged = this.dataEnd > this.#end;
    return !this.damaged;
  }

  /** What reading the name of the question or record last begun comes to; `damaged` ones too. */
  nameStatus(): NameStatus {
    return NAMES.read(this.#view, this.#start, this.#end, this.nameStart);
  }

  /** The name of the question or record last read, see NameReader; undefined when it is malformed. */
  name(): string | undefined {
    return this.#nameFrom(this.nameStart, this.#end, false);
  }

  /** The same with its case, and UTF-8 where it has that. */
  readableName(): string | undefined {
    return this.#nameFrom(this.nameStart, this.#end, true);
  }

  /** A name within the data of the record last read, `offset` bytes into it. */
  nameInData(offset = 0): string | undefined {
    return this.#nameFrom(this.dataStart + offset, this.dataEnd, false);
  }

  readableNameInData(offset = 0): string | undefined {
    return this.#nameFrom(this.dataStart + offset, this.dataEnd, true);
  }

  /** The version of the address that an A or AAAA record gives; undefined for others. */
  get addressVersion(): 4 | 6 | undefined {
    const length = this.dataEnd - this.dataStart;
    if (this.type === DnsType.A && length === 4) return 4;
    return this.type === DnsType.AAAA && length === 16 ? 6 : undefined;
  }

  /** The address that an A or AAAA record gives; undefined for others. */
  address(): string | undefined {
    const view = this.#view;
    const at = this.dataStart;
    const version = this.addressVersion;
    if (version === undefined) return undefined;
    if (version === 4) return formatAddress(4, 0, 0, 0, view.getInt32(at));
    return formatAddress(6, view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12));
  }

  #nameFrom(at: number, end: number, readable: boolean): string | undefined {
    if (NAMES.read(this.#view, this.#start, end, at, readable) !== NameStatus.Ok) return undefined;
    return readable ? readableName(NAMES.toString()) : NAMES.toString();
  }

  /** @param bytes - That must follow the name. */
  #skipName(bytes: number): boolean {
    if (this.damaged) return false;
    this.nameStart = this.at;
    const after = skipName(this.#view, this.#end, this.at);
    if (after < 0 || this.#end - after < bytes) {
      this.damaged = true;
      return false;
    }
    this.at = after;
    return true;
  }

  #readTypeAndClass(): void {
    this.type = this.#view.getUint16(this.at);
    this.class = this.#view.getUint16(this.at + 2) & CLASS_MASK;
  }
}

/** Messages are read one after the other: one object is enough. */
export const MESSAGE = new DnsMessage();
