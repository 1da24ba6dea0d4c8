import type { ConsensusFlavor } from "./consensus-preamble.js";

/**
 * How well a consensus covers a moment. "fresh": before fresh-until, when no newer one was due; "valid": until
 * valid-until; "reachable": up to 24 hours later, when an honest client may still have been using it.
 */
export type Freshness = "fresh" | "valid" | "reachable";

/** Which document evidence comes from. Times are ISO 8601, UTC. */
export interface DocumentEvidence {
  readonly flavor: ConsensusFlavor;
  readonly validAfter: string;
  /** Path of the document. */
  readonly source: string;
}

/** Where an address is listed, other than on the port in question. */
export type Listing = "tor-control" | "consensus" | "bridge" | "authority" | "fallback";

/**
 * Why an endpoint is taken for a relay, or nearly so. Made to be written as JSON as it is: fingerprints are 40
 * upper-case hex digits, nicknames come from strangers and are not escaped, and what is not known is undefined.
 * Only the first five kinds mean an OR port, where Tor links end.
 */
export type RelayMatch =
  /** The local tor itself says that it has this OR connection: the strongest, for it holds for unlisted relays too. */
  | {
      readonly kind: "tor-control";
      readonly fingerprint: string | undefined;
      readonly nickname: string | undefined;
      /** When it said so; ISO 8601, UTC. */
      readonly at: string;
    }
  /** A consensus in reach of the time lists address and OR port. */
  | ({
      readonly kind: "consensus";
      readonly fingerprint: string;
      readonly nickname: string;
      readonly flags: readonly string[];
      readonly freshness: Freshness;
      /**
       * Valid-after of this document, when the one before, of the hours before, does not list the endpoint: the relay
       * joined, or moved here. Absent where the documents at hand do not disagree; so below.
       */
      readonly listedFrom?: string;
      /** Valid-after of the next document, when that does not list the endpoint any more. */
      readonly listedUntil?: string;
    } & DocumentEvidence)
  /** The user configured this bridge. */
  | { readonly kind: "bridge"; readonly fingerprint: string | undefined; readonly transport: string | undefined }
  /** The OR port of a directory authority that releases of that time carried. */
  | {
      readonly kind: "authority";
      readonly fingerprint: string | undefined;
      readonly nickname: string | undefined;
      readonly release: string;
    }
  /** The OR port of a fallback directory built into the release named. */
  | { readonly kind: "fallback"; readonly fingerprint: string | undefined; readonly release: string }
  /** The directory port, over TCP, of a listed relay or an authority: directory documents by plain HTTP. */
  | ({
      readonly kind: "dir-port";
      readonly listing: "consensus" | "authority";
      readonly fingerprint: string | undefined;
      readonly nickname: string | undefined;
    } & Partial<DocumentEvidence>)
  /** The address is a relay's, but the port is not, or the transport is not TCP. No Tor link by itself. */
  | ({
      readonly kind: "relay-address-other-port";
      readonly listing: Listing;
      readonly fingerprint: string | undefined;
      readonly nickname: string | undefined;
      /** An OR port that the list gives for this address. */
      readonly orPort: number;
    } & Partial<DocumentEvidence>)
  /** Address and OR port are listed, but only in documents that no honest client used at that time. */
  | ({
      readonly kind: "consensus-out-of-reach";
      readonly fingerprint: string;
      readonly nickname: string;
      readonly flags: readonly string[];
      /** For how long before or after its reach: negative when the document is newer than the moment. */
      readonly secondsOutOfReach: number;
    } & DocumentEvidence)
  /** An authority's OR or directory port, after (or before) the time in which releases carried it. */
  | {
      readonly kind: "former-authority";
      readonly fingerprint: string | undefined;
      readonly nickname: string | undefined;
      readonly since: string | undefined;
      readonly until: string | undefined;
    };
