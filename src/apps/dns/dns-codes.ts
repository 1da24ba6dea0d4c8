/** Resource record types that leek reads. Source: IANA, Domain Name System Parameters. */
export const DnsType = { A: 1, CNAME: 5, PTR: 12, AAAA: 28, SRV: 33, OPT: 41, IXFR: 251, AXFR: 252 } as const;

export const DnsClass = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const;

export const DnsOpcode = { QUERY: 0, NOTIFY: 4, UPDATE: 5 } as const;

/** Options of EDNS. */
export const EdnsOption = { CLIENT_SUBNET: 8, COOKIE: 10 } as const;

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [1, "A"],
  [2, "NS"],
  [5, "CNAME"],
  [6, "SOA"],
  [10, "NULL"],
  [12, "PTR"],
  [13, "HINFO"],
  [15, "MX"],
  [16, "TXT"],
  [28, "AAAA"],
  [29, "LOC"],
  [33, "SRV"],
  [35, "NAPTR"],
  [37, "CERT"],
  [39, "DNAME"],
  [43, "DS"],
  [44, "SSHFP"],
  [46, "RRSIG"],
  [47, "NSEC"],
  [48, "DNSKEY"],
  [50, "NSEC3"],
  [51, "NSEC3PARAM"],
  [52, "TLSA"],
  [59, "CDS"],
  [60, "CDNSKEY"],
  [61, "OPENPGPKEY"],
  [64, "SVCB"],
  [65, "HTTPS"],
  [99, "SPF"],
  [249, "TKEY"],
  [250, "TSIG"],
  [251, "IXFR"],
  [252, "AXFR"],
  [255, "ANY"],
  [256, "URI"],
  [257, "CAA"],
]);

const RESPONSE_CODES: readonly string[] = [
  "NOERROR",
  "FORMERR",
  "SERVFAIL",
  "NXDOMAIN",
  "NOTIMP",
  "REFUSED",
  "YXDOMAIN",
  "YXRRSET",
  "NXRRSET",
  "NOTAUTH",
  "NOTZONE",
];

export function isKnownType(type: number): boolean {
  return TYPE_NAMES.has(type);
}

/** `A`; `TYPE4711` for types without a name here (RFC 3597 5). */
export function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? `TYPE${type}`;
}

/** `NXDOMAIN`; `RCODE11` for codes without a name. */
export function responseCodeName(code: number): string {
  return RESPONSE_CODES[code] ?? `RCODE${code}`;
}
