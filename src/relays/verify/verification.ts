/**
 * Whether a consensus is what the directory authorities decided.
 *
 * "verified": more than half of the authorities that leek knows for that time have signed these very bytes.
 * "unverified": nothing speaks against it, but not enough can be checked. "invalid": something speaks against it; such a
 * document is never used.
 */
export type Verification = Verified | Unverified | Invalid;

interface Count {
  /** Authorities with a good signature. */
  readonly good: number;
  /** How many are needed: more than half. */
  readonly needed: number;
  /** Authorities that leek knows for the time of the document. */
  readonly authorities: number;
}

export interface Verified extends Count {
  readonly state: "verified";
}

export interface Unverified extends Count {
  readonly state: "unverified";
  /** A sentence part for people: "key certificates of 5 authorities are missing". */
  readonly reason: string;
}

export interface Invalid extends Count {
  readonly state: "invalid";
  readonly reason: string;
}

/** "verified (6 of 9)", "unverified (0 of 9): no key certificates". */
export function verificationText(verification: Verification): string {
  const { state, good, authorities } = verification;
  const count = `${state} (${good} of ${authorities})`;
  return verification.state === "verified" ? count : `${count}: ${verification.reason}`;
}
