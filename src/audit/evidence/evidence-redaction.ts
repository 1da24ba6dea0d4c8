import { formatIpAddress, type IpAddress, parseAddress } from "../../net/index.js";
import { spanOf } from "../../pipeline/index.js";
import type { AuditReport } from "../leak-audit.js";
import { AuditedNode, parseCidr } from "../node.js";
import { AddressPseudonyms } from "./address-pseudonyms.js";
import { NamePseudonyms } from "./name-pseudonyms.js";

/** Lists that everybody has, beside the consensus: a bridge is not public. */
const PUBLIC_LISTINGS: ReadonlySet<string> = new Set(["authority", "fallback"]);

/** Which addresses and names stand in place of which, in one folder of evidence. */
export class EvidenceRedaction {
  readonly names: NamePseudonyms;
  readonly map: (address: IpAddress) => IpAddress;
  readonly #own: readonly string[];

  /** @param addresses - Of the flows that are evidence, in canonical text. */
  constructor(report: AuditReport, addresses: ReadonlySet<string>) {
    const node = new AuditedNode(report.node.addresses.flatMap((text) => parseCidr(text) ?? []));
    this.#own = [...addresses].filter((address) => node.has(address) === true);
    const isRelay = relayCheck(report);
    // The node may be a relay: its address goes nevertheless.
    this.map = new AddressPseudonyms(
      (address) => isRelay(address) && node.has(formatIpAddress(address)) !== true,
      addresses,
    ).of;
    this.names = new NamePseudonyms(this.map);
  }

  /** The node's addresses as they stand in the packets. */
  nodes(): string[] {
    return this.#own.map((address) => formatIpAddress(this.map(parseAddress(address)!)));
  }
}

/** Whether an address is a relay's, on any port, by the documents of the capture's time. */
function relayCheck({ analysis }: AuditReport): (address: IpAddress) => boolean {
  const { directory } = analysis;
  const span = spanOf(analysis);
  const documents = directory.consensuses.filter(
    ({ reachFrom, reachUntil }) => span !== undefined && reachFrom <= span.last && reachUntil >= span.first,
  );
  return (address) => {
    if (!directory.mayList(address)) return false;
    const { version, a, b, c, d } = address;
    return (
      documents.some((document) => document.lookupAnyPort(version, a, b, c, d) !== undefined) ||
      directory.known.at(version, a, b, c, d).some(({ listing }) => PUBLIC_LISTINGS.has(listing))
    );
  };
}
