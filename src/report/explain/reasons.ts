import type { CellShapeFigures } from "../../apps/index.js";
import { escapeText, minuteText } from "../../base/index.js";
import type { Evidence, FlowClass } from "../../classify/index.js";
import { listingText } from "../listing-text.js";
import { count, duration, plural } from "../numbers.js";

const CLASS_SENTENCES: Readonly<Record<FlowClass, string>> = {
  tor: "It is Tor: its remote end is a relay's OR port, or a bridge.",
  "tor-suspected":
    "It looks like Tor by its packets, but no list has its remote end; a bridge that leek was not told of, perhaps.",
  clearnet: "It is clearnet: it goes over the internet, and not by a link of Tor's.",
  local: "It is local: it stays on this machine, its link or its site.",
  "non-ip": "It carries no IP.",
  undecoded: "leek could not read an IP header in it.",
};

/** What a class means. */
export function classSentence(flowClass: FlowClass): string {
  return CLASS_SENTENCES[flowClass];
}

/** Why a flow has its class: a sentence for each piece of evidence. */
export function reasonSentence(evidence: Evidence): string {
  switch (evidence.kind) {
    case "tor-control":
      return `The local tor itself said at ${evidence.at} that it had this connection${who(evidence)}.`;
    case "consensus": {
      const listing = listingText(evidence);
      return (
        `The consensus of ${minuteText(evidence.validAfter)} UTC (${evidence.flavor}) lists this address and port${who(evidence)}, ` +
        `with the flags ${evidence.flags.map(escapeText).join(" ")}. ${FRESHNESS[evidence.freshness]}` +
        (listing === "" ? "" : ` Neighbouring documents disagree: it is ${listing}.`)
      );
    }
    case "bridge": {
      const transport = evidence.transport === undefined ? "" : ` with the transport ${escapeText(evidence.transport)}`;
      return `It is a bridge that was configured${transport}${fingerprint(evidence.fingerprint)}.`;
    }
    case "authority":
      return `It is the OR port of a directory authority${who(evidence)}, built into ${evidence.release}.`;
    case "fallback":
      return `It is a fallback directory built into ${evidence.release}${fingerprint(evidence.fingerprint)}.`;
    case "dir-port":
      return `It is the directory port${who(evidence)}: about Tor, but plain HTTP that anybody on the path can read.`;
    case "relay-address-other-port":
      return (
        `The address is that of a relay${who(evidence)}, but its OR port is ${evidence.orPort}: whatever else runs on a ` +
        "relay's machine is no Tor."
      );
    case "consensus-out-of-reach": {
      const { secondsOutOfReach, validAfter } = evidence;
      const when = secondsOutOfReach < 0 ? "too new" : "too old";
      return (
        `The consensus of ${minuteText(validAfter)} UTC lists it${who(evidence)}, but is ${when} by ` +
        `${duration(Math.abs(secondsOutOfReach))} to speak for this moment.`
      );
    }
    case "former-authority":
      return `It is an address of a directory authority${who(evidence)}, but not at that time.`;
    case "special-range":
      return `Its addresses are not of the internet (${evidence.range}).`;
    case "not-listed":
      return "A consensus that speaks for that moment was at hand, and neither it nor any other list has the address.";
    case "no-document":
      return "No consensus for that moment was at hand, so that a relay could not have been recognised.";
    case "cell-shape":
      return cellShape(evidence);
    case "tunnel":
      return `It runs inside a tunnel (IP protocol ${evidence.protocol}) that crosses the internet.`;
  }
}

function cellShape({ wholeCells, records, fewestCells, mostCells, names, opening }: CellShapeFigures): string {
  const together = fewestCells === mostCells ? `${mostCells}` : `${fewestCells} to ${mostCells}`;
  return (
    `${count(wholeCells)} of ${plural(records, "TLS record")} are whole cells of Tor's, ${together} at a time; ` +
    `${NAMES[names]}${opening ? "; and it began as Tor's links do" : ""}.`
  );
}

const NAMES: Readonly<Record<CellShapeFigures["names"], string>> = {
  "server-name": "the server's name is of the form that Tor makes up, and was never looked up",
  certificate: "the names in the certificate are of the form that Tor makes up",
  unseen: "its handshake was not captured",
};

const FRESHNESS = {
  fresh: "It was the newest one then.",
  valid: "A newer one was due by then, but it was valid still.",
  reachable: "It was no longer valid then, but clients may go on with it for a day.",
} as const;

function who({
  nickname,
  fingerprint: hex,
}: {
  readonly nickname?: string | undefined;
  readonly fingerprint?: string | undefined;
}): string {
  const called = nickname === undefined ? "" : ` of ${escapeText(nickname)}`;
  return `${called}${fingerprint(hex)}`;
}

function fingerprint(hex: string | undefined): string {
  return hex === undefined ? "" : ` ($${hex})`;
}
