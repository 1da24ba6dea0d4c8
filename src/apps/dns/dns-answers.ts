import { DnsClass, DnsType } from "./dns-codes.js";
import { MESSAGE } from "./dns-message.js";

/** Receives one address that a DNS answer gives for `name`, as four words (IPv4 in `d`). */
export type AddressVisitor = (name: string, version: 4 | 6, a: number, b: number, c: number, d: number) => void;

/**
 * Finds the addresses in a DNS response. The name is the one that was asked (an alias chain ends at addresses of
 * other names, but the user asked for this one), or the record's own where the response repeats no question (mDNS) or
 * has a whole zone.
 *
 * Source: RFC 1035 4.1.
 *
 * @param start - Offset of the DNS header; `end` just past the message's last captured byte.
 * @param visit - Must not read another message.
 * @returns false when the bytes are no well-formed DNS response; what stood before the damage was visited.
 */
export function readDnsAnswers(view: DataView, start: number, end: number, visit: AddressVisitor): boolean {
  const message = MESSAGE;
  if (!message.begin(view, start, end) || !message.isResponse || message.questions > 1) return false;
  let asked: string | undefined;
  if (message.questions === 1) {
    if (!message.nextQuestion()) return false;
    asked = message.name();
    if (asked === undefined) return false;
    if (message.type === DnsType.AXFR || message.type === DnsType.IXFR) asked = undefined;
  }
  for (let i = 0; i < message.answers; i++) {
    if (!message.nextRecord()) return !message.damaged;
    if (message.class !== DnsClass.IN) continue;
    const version = message.addressVersion;
    if (version === undefined) continue;
    const name = asked ?? message.name();
    if (name === undefined) return false;
    const at = message.dataStart;
    if (version === 4) visit(name, 4, 0, 0, 0, view.getInt32(at));
    else visit(name, 6, view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12));
  }
  return true;
}
