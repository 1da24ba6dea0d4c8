/** What an audit says: `inconclusive` wins over `clean` wherever a leak could have escaped notice; a leak wins over both. */
export type Verdict = "clean" | "leak" | "inconclusive";

/** Why a leak could have escaped notice, or could not be judged. Codes are stable. */
export const REASONS = {
  "packets-dropped": {
    text: "Packets were lost while capturing.",
    remedy: "Capture again with a larger kernel buffer (-B), a filter, or on a calmer machine.",
  },
  "drops-unknown": {
    text: "Nothing says whether packets were lost while capturing.",
    remedy:
      "Record as pcapng with statistics (leek capture -w, dumpcap), or say what the recorder's closing line said: --drops 0.",
  },
  "upstream-loss": {
    text: "TCP acknowledges bytes that the capture does not have: packets were lost before they were counted.",
    remedy: "Capture on the audited machine itself, with segmentation offload left on and a larger buffer.",
  },
  "capture-damaged": {
    text: "The capture is cut or damaged: what came after cannot be seen.",
    remedy: "Stop the recorder before copying its file, and record again.",
  },
  "undecoded-frames": {
    text: "There are frames in which no IP header could be read; they could be anything.",
    remedy: "Capture on an interface whose link type leek decodes; leek analyze shows which frames it was.",
  },
  "snaplen-short": {
    text: "Packets were cut so short that the rules could not read them.",
    remedy: "Record whole packets: tcpdump -s 0, or leek capture without -s.",
  },
  "fragments-lost": {
    text: "There are IP fragments whose first one was not seen: what they carried is not known.",
    remedy: "Record from before the node is started.",
  },
  "too-many-flows": {
    text: "There were more flows at once than could be kept, so that some were judged in parts or unread.",
    remedy: "Audit a shorter time, with a filter for the node's address, or with more --payload-memory.",
  },
  "no-consensus": {
    text: "No relay document speaks for all of the capture's time, so that relays cannot be told from others.",
    remedy: "Import the documents of that time (leek relays import), or name them with --consensus.",
  },
  "unverified-consensus": {
    text: "A relay document is used whose signatures were not verified: a false relay in it would hide a leak.",
    remedy: "Give the authorities' certificates (--certs), or say that you trust the document: --trust-unverified.",
  },
  "flows-unjudged": {
    text: "There are flows of which no relay document in reach says whether they go to relays.",
    remedy: "Import the documents of that time (leek relays import), or name them with --consensus.",
  },
  "tor-unlisted": {
    text: "There are connections that look like Tor's and are in no list: nothing tells a bridge from something that imitates one.",
    remedy: "Name your bridges: --bridge, --torrc, or --control, by which tor itself tells.",
  },
  "nothing-seen": {
    text: "The capture has no traffic of the audited node.",
    remedy: "Name the node's addresses with --node, and capture where its traffic passes.",
  },
  "no-tor-traffic": {
    text: "The node has no traffic over Tor, although it should: this may be the wrong place, or Tor was down.",
    remedy: "Capture the interface of the default route (leek interfaces), while Tor is in use.",
  },
  "proxy-on-lan": {
    text: "A proxy on the LAN is asked for others: where it hands that on cannot be seen here.",
    remedy:
      "If the proxy is tor on another machine, say so in the policy (allow, with its address), and audit that machine too; else use tor here.",
  },
  "other-interfaces": {
    text: "The machine has a way to the internet by an interface that is not captured.",
    remedy: "Audit with -i any, or name each interface with a default route (leek interfaces).",
  },
  "only-loopback": {
    text: "The capture has loopback traffic only: what leaves the machine cannot be seen there.",
    remedy: "Capture the interface of the default route (leek interfaces), or any.",
  },
  "tunnel-interface": {
    text: "This is a tunnel's inside: what leaves the machine beside the tunnel cannot be seen there.",
    remedy: "Capture the interface that the tunnel itself uses (leek interfaces).",
  },
  "addresses-unnamed": {
    text: "There is traffic that may be the node's, from addresses that were not named: of another kind (IPv6, link-local, ...), or by its own network card.",
    remedy: "Name all of the node's addresses with --node, those of IPv6 too, or leave --node out.",
  },
  filtered: {
    text: "Only packets that a filter let pass were looked at.",
    remedy: "Audit without -f and -c; name the node with --node instead.",
  },
  "too-short": {
    text: "The capture is shorter than asked for.",
    remedy: "Capture for longer, or ask for less with --min-duration.",
  },
  "exit-unattributed": {
    text: "What an exit relay sends for others cannot be told from what its machine sends for itself.",
    remedy: "Audit live on the relay's machine, where leek finds the process of each flow.",
  },
  "canary-missed": {
    text: "A canary, a packet that goes around Tor for a test, was not found: a leak would not have been found either.",
    remedy:
      "Capture on the interface by which the node's traffic leaves; look at the relay documents and at the policy's exceptions.",
  },
} as const satisfies Readonly<Record<string, { readonly text: string; readonly remedy: string }>>;
export type ReasonCode = keyof typeof REASONS;

export interface Reason {
  readonly code: ReasonCode;
  readonly text: string;
  readonly remedy: string;
  /** What exactly: numbers, addresses, times; one sentence, may be empty. */
  readonly details: string;
}

export function reason(code: ReasonCode, details = ""): Reason {
  return { code, ...REASONS[code], details };
}
