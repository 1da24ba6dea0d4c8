import { ascii, concat, type DnsRecord, dns, dnsName, ipv4Bytes, u16, u32 } from "../../support/packet-builder.js";

/** The name of a service: its first label may have any character (RFC 6763 4.1.1). */
export function serviceName(instance: string, rest: string): Uint8Array {
  const label = new TextEncoder().encode(instance);
  return concat([label.length], label, dnsName(rest));
}

/** A record with an owner whose bytes are given. */
export function record(owner: Uint8Array, type: number, data: Uint8Array, recordClass = 1): Uint8Array {
  return concat(owner, u16(type), u16(recordClass), u32(120), u16(data.length), data);
}

/** A message with records as bytes: answers, authorities, additionals. */
export function rawMessage(
  flags: number,
  questions: readonly Uint8Array[],
  sections: readonly [readonly Uint8Array[], readonly Uint8Array[], readonly Uint8Array[]],
  id = 0,
): Uint8Array {
  const counts = [questions.length, ...sections.map((section) => section.length)];
  return concat(u16(id), u16(flags), ...counts.map(u16), ...questions, ...sections.flat());
}

export function question(name: string, type: number, questionClass = 1): Uint8Array {
  return concat(dnsName(name), u16(type), u16(questionClass));
}

export const a = (name: string, address: string): DnsRecord => ({
  name,
  type: 1,
  data: Uint8Array.from(ipv4Bytes(address)),
});

export const cname = (name: string, target: string): DnsRecord => ({ name, type: 5, data: dnsName(target) });

/** An OPT record (RFC 6891) with options. */
export function opt(...options: readonly (readonly [code: number, data: readonly number[]])[]): DnsRecord {
  const data = concat(...options.map(([code, bytes]) => concat(u16(code), u16(bytes.length), bytes)));
  return { name: "", type: 41, class: 1232, ttl: 0, data };
}

/** With its length in front, as over TCP. */
export const framed = (message: Uint8Array): Uint8Array => concat(u16(message.length), message);

/** A NetBIOS name in its first-level encoding (RFC 1001 14.1). */
export function netbiosName(name: string, suffix: number, scope = ""): Uint8Array {
  const plain = name === "*" ? name.padEnd(15, "\0") : name.padEnd(15, " ");
  const letters = [...ascii(plain), suffix].flatMap((byte) => [0x41 + (byte >> 4), 0x41 + (byte & 15)]);
  return concat([32], letters, dnsName(scope));
}

/** The alias chain that a browser meets: www, a CDN's name, its addresses. */
export const ALIASED = dns({
  response: true,
  recursionAvailable: true,
  questions: [{ name: "www.example.com" }],
  answers: [
    cname("www.example.com", "edge.example.net"),
    a("edge.example.net", "203.0.113.80"),
    a("edge.example.net", "203.0.113.81"),
  ],
});
