import type { PacketHeaders } from "../decode/index.js";
import { embedsIpv4, IpProtocol, type LocalRange, localRange } from "../net/index.js";
import type { RelayDirectory, RelayMatch } from "../relays/index.js";
import type { Classification } from "./classification.js";

/** Which end of its first packet opened a flow; "unknown" where no SYN told. */
export type Opener = "source" | "destination" | "unknown";

/**
 * Judges a flow by the headers of its first packet: relays by address, port and time; local ranges; all else is
 * clearnet.
 *
 * Where a SYN told who opened the flow, only the responder's OR port counts: whoever connects *from* a relay's
 * address is no relay link. Else both ends count, so that a capture that begins inside a Tor link still shows it.
 */
export class Classifier {
  #directory: RelayDirectory;
  // Thousands of flows share a range.
  readonly #localClasses = new Map<LocalRange, Classification>();

  constructor(directory: RelayDirectory) {
    this.#directory = directory;
  }

  /** Judges by another directory from now on. */
  useDirectory(directory: RelayDirectory): void {
    this.#directory = directory;
  }

  /** @param seconds - The flow's start, whole seconds since 1970-01-01 UTC. */
  classify(headers: PacketHeaders, opener: Opener, seconds: number): Classification {
    const { srcA, srcB, srcC, srcD, dstA, dstB, dstC, dstD } = headers;
    const version = headers.ipVersion === 4 ? 4 : 6;
    const sourceRange = localRange(version, srcA, srcB, srcC, srcD);
    const destinationRange = localRange(version, dstA, dstB, dstC, dstD);
    if (staysLocal(sourceRange, destinationRange)) {
      if (headers.tunnel === 0 || tunnelStaysLocal(headers)) return this.#local(sourceRange, destinationRange);
      // Private addresses inside, but the tunnel itself crosses the internet in the clear.
      return { flowClass: "clearnet", evidence: [{ kind: "tunnel", protocol: headers.tunnel }] };
    }
    let weaker: RelayMatch | undefined;
    if (opener !== "destination" && destinationRange === undefined) {
      const match = this.#match(version, dstA, dstB, dstC, dstD, headers.dstPort, headers.protocol, seconds);
      if (match !== undefined && isTor(match)) return { flowClass: "tor", evidence: [match] };
      weaker = match;
    }
    if (opener !== "source" && sourceRange === undefined) {
      const match = this.#match(version, srcA, srcB, srcC, srcD, headers.srcPort, headers.protocol, seconds);
      if (match !== undefined && isTor(match)) return { flowClass: "tor", evidence: [match] };
      weaker ??= match;
    }
    if (weaker !== undefined) return { flowClass: "clearnet", evidence: [weaker] };
    return this.#directory.reaches(seconds) ? NOT_LISTED : NO_DOCUMENT;
  }

  #match(
    version: 4 | 6,
    a: number,
    b: number,
    c: number,
    d: number,
    port: number,
    protocol: number,
    seconds: number,
  ): RelayMatch | undefined {
    const tcp = protocol === IpProtocol.TCP;
    // A relay behind NAT64 or in an IPv4-mapped address is reached at the IPv4 address inside.
    if (version === 6 && embedsIpv4(a, b, c)) return this.#directory.match(4, 0, 0, 0, d, port, tcp, seconds);
    return this.#directory.match(version, a, b, c, d, port, tcp, seconds);
  }

  #local(source: LocalRange | undefined, destination: LocalRange | undefined): Classification {
    const range = (destination ?? source)!;
    let classification = this.#localClasses.get(range);
    if (classification === undefined) {
      classification = { flowClass: "local", evidence: [{ kind: "special-range", range }] };
      this.#localClasses.set(range, classification);
    }
    return classification;
  }
}

const NOT_LISTED: Classification = { flowClass: "clearnet", evidence: [{ kind: "not-listed" }] };
const NO_DOCUMENT: Classification = { flowClass: "clearnet", evidence: [{ kind: "no-document" }] };

/**
 * Whether a later judgement of the same flow knows more than an earlier one. A document that was let go since, or a
 * connection that tor has ended, takes nothing back.
 */
export function knowsMore(later: Classification, earlier: Classification): boolean {
  return knowledge(later) > knowledge(earlier);
}

function knowledge({ flowClass, evidence }: Classification): number {
  if (flowClass === "tor") return 2;
  return evidence[0]?.kind === "no-document" ? 0 : 1;
}

/**
 * Whether a packet between these ends stays on this machine, link or site. Nothing from or to a link-local, loopback
 * or unspecified address is ever routed (RFC 4291 2.5, RFC 3927 7, RFC 1122 3.2.1.3), and what goes to a multicast or
 * broadcast address stays on the link; private addresses must stand at both ends, for a router may translate one.
 */
function staysLocal(source: LocalRange | undefined, destination: LocalRange | undefined): boolean {
  if (destination === "multicast" || destination === "broadcast") return true;
  if (isNeverRouted(source) || isNeverRouted(destination)) return true;
  return source !== undefined && destination !== undefined;
}

function isNeverRouted(range: LocalRange | undefined): boolean {
  return range === "link-local" || range === "loopback" || range === "unspecified";
}

function tunnelStaysLocal(h: PacketHeaders): boolean {
  const version = h.outerVersion === 4 ? 4 : 6;
  return staysLocal(
    localRange(version, h.outerSrcA, h.outerSrcB, h.outerSrcC, h.outerSrcD),
    localRange(version, h.outerDstA, h.outerDstB, h.outerDstC, h.outerDstD),
  );
}

/** Whether a match makes a flow `tor`. A relay's address on another port, or its DirPort, does not: that is no link. */
function isTor(match: RelayMatch): boolean {
  switch (match.kind) {
    case "tor-control":
    case "consensus":
    case "bridge":
    case "authority":
    case "fallback":
      return true;
    default:
      return false;
  }
}
