import { escapeText } from "../../base/index.js";
import { formatEndpoint } from "../../net/index.js";
import type { FlowRecord } from "../../pipeline/index.js";

/** What a service's port lets somebody on the path expect, beside who talks to whom. */
const BY_PORT: Readonly<Record<string, string>> = {
  "22/tcp": "the content is encrypted, but the two ends announce their SSH software in the clear",
  "25/tcp": "and reads the mail that is not encrypted",
  "53/tcp": "and reads every name that is looked up",
  "53/udp": "and reads every name that is looked up",
  "80/tcp": "and reads the pages",
  "123/udp": "and that it sets its clock there",
  "443/tcp": "the content is encrypted, but not with whom it is exchanged",
  "443/udp": "the content is encrypted, but not with whom it is exchanged",
  "853/tcp": "the names looked up are encrypted, but not that they are looked up there",
  "8333/tcp": "and that it runs a Bitcoin node; which transactions it relays can be read or, with BIP 324, timed",
  "18333/tcp": "and that it runs a Bitcoin node on testnet",
  "38333/tcp": "and that it runs a Bitcoin node on signet",
};

/** One sentence on what somebody on the path learns from a flow: the heart of the contrast. */
export function describeObserver(record: FlowRecord): string {
  const { flow, classification, names, remote } = record;
  const own = remote.side === "responder" ? flow.originator.address : flow.responder.address;
  if (classification.flowClass === "tor") {
    return (
      `Somebody on the path learns that ${own} uses Tor, through ${relayName(record)}, when, and about how much; ` +
      "not with whom it speaks behind that relay, and not what it says."
    );
  }
  const name = names.length === 0 ? "" : ` (${names.slice(0, 2).map(escapeText).join(", ")})`;
  const port = BY_PORT[`${remote.endpoint.port}/${flow.transport}`];
  return (
    `Somebody on the path learns that ${own} talks to ${formatEndpoint(remote.endpoint)}${name} by ` +
    `${flow.transport.toUpperCase()}, when, and how much${port === undefined ? "" : `; ${port}`}.`
  );
}

/** `relay NICKNAME`, `bridge ADDR:PORT`: what stands behind a Tor flow. */
function relayName(record: FlowRecord): string {
  const [evidence] = record.classification.evidence;
  const endpoint = formatEndpoint(record.remote.endpoint);
  if (evidence?.kind === "bridge") return `the bridge ${endpoint}`;
  if (evidence !== undefined && "nickname" in evidence && evidence.nickname !== undefined) {
    return `the relay ${escapeText(evidence.nickname)} (${endpoint})`;
  }
  return `the relay ${endpoint}`;
}
