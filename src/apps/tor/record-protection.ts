/** What TLS adds to the plaintext of a record. */
export interface Protection {
  /** Bytes, with the least padding. */
  readonly overhead: number;
  /** Bytes of padding that may come on top, because blocks are filled. */
  readonly slack: number;
}

const TLS_1_2 = 0x0303;
const TLS_1_3 = 0x0304;

/** Content type and tag (RFC 8446 5.2). */
export const TLS_1_3_PROTECTION: Protection = { overhead: 17, slack: 0 };
/** Nonce and tag (RFC 5288 3). */
const GCM: Protection = { overhead: 24, slack: 0 };
/** Tag (RFC 7905 2). */
const CHACHA20: Protection = { overhead: 16, slack: 0 };
/** Vector, MAC and the length of the padding, whichever of MAC and cipher comes first (RFC 5246 6.2.3.2, RFC 7366). */
const CBC_SHA1: Protection = { overhead: 16 + 20 + 1, slack: 15 };
const CBC_SHA256: Protection = { overhead: 16 + 32 + 1, slack: 15 };
const CBC_SHA384: Protection = { overhead: 16 + 48 + 1, slack: 15 };

/** Of TLS 1.2: what relays choose from, their keys being RSA. */
const SUITES: ReadonlyMap<number, Protection> = new Map([
  ...[0xc030, 0xc02f, 0x009f, 0x009e, 0x009d, 0x009c].map((suite) => [suite, GCM] as const),
  ...[0xcca8, 0xccaa].map((suite) => [suite, CHACHA20] as const),
  ...[0xc014, 0xc013, 0x0039, 0x0033, 0x0035, 0x002f].map((suite) => [suite, CBC_SHA1] as const),
  ...[0xc027, 0x006b, 0x0067, 0x003d, 0x003c].map((suite) => [suite, CBC_SHA256] as const),
  [0xc028, CBC_SHA384],
]);

/** @returns Undefined for what no relay would agree to. */
export function protectionOf(version: number, cipherSuite: number): Protection | undefined {
  if (version === TLS_1_3) return TLS_1_3_PROTECTION;
  return version === TLS_1_2 ? SUITES.get(cipherSuite) : undefined;
}
