import { escapeText, type FractionDigits, formatIsoTime } from "../../base/index.js";
import type { Moment, TcpState } from "../../flows/index.js";
import { formatEndpoint } from "../../net/index.js";
import type { FlowRecord } from "../../pipeline/index.js";
import { DISCLOSURE_WORDS, RECOGNISED_WORDS } from "../disclosure-words.js";
import { count, duration, plural } from "../numbers.js";
import { classSentence, reasonSentence } from "./reasons.js";

/** One packet of a flow, as tcpdump prints it. */
export interface ExplainedPacket {
  readonly number: number;
  readonly line: string;
}

const TCP_STATES: Readonly<Record<TcpState, string>> = {
  "syn-sent": "The connection was asked for and, as far as the capture shows, never answered.",
  established: "The connection stood at the end of the capture, or was idle for long.",
  "mid-stream": "The connection began before the capture.",
  closing: "One side had ended the connection.",
  closed: "Both sides ended the connection.",
  reset: "The connection was reset.",
};

/**
 * Everything that is known of one flow and why it has its class, in plain words. Ends with a line end; times are UTC.
 *
 * @param packets - Of this flow, to be shown.
 * @param digits - Fractional digits of the capture's time stamps.
 */
export function explainFlow(record: FlowRecord, packets: readonly ExplainedPacket[], digits: FractionDigits): string {
  const sections = [
    [...packets.map(({ number, line }) => `Packet ${number}: ${line}`)],
    about(record, digits),
    ["Why", ...reasons(record)],
    ["What it says", ...application(record)],
    ["What anybody on the path learns", ...learned(record)],
    carried(record),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function about({ flow, names, process: match }: FlowRecord, digits: FractionDigits): string[] {
  const { originator, responder, packets, bytes, first, last, tunnel } = flow;
  const length = last.seconds - first.seconds + (last.nanoseconds - first.nanoseconds) / 1e9;
  const lines = [
    `Flow ${flow.serial + 1}: ${flow.transport.toUpperCase()} from ${formatEndpoint(originator)} to ${formatEndpoint(responder)}`,
    `  ${time(first, digits)} to ${time(last, digits)}, ${duration(length)}`,
    `  ${plural(packets.originator, "packet")} (${count(bytes.originator)} bytes) there, ` +
      `${plural(packets.responder, "packet")} (${count(bytes.responder)} bytes) back`,
  ];
  if (flow.originatorGuessed) lines.push("  Who opened it was not seen; by the ports it was the first of the two.");
  if (flow.tcpState !== undefined) lines.push(`  ${TCP_STATES[flow.tcpState]}`);
  if (tunnel !== undefined)
    lines.push(`  Inside a tunnel (${tunnel.kind}) from ${tunnel.source} to ${tunnel.destination}.`);
  if (names.length > 0) lines.push(`  The capture calls its remote side ${names.map(escapeText).join(", ")}.`);
  if (match?.process !== undefined) {
    lines.push(`  Its program is ${escapeText(match.process.name)} (${match.process.pid}), ${match.confidence}.`);
  }
  return lines;
}

function reasons({ classification }: FlowRecord): string[] {
  return [classSentence(classification.flowClass), ...classification.evidence.map(reasonSentence)].map(indent);
}

function application({ facts, classification }: FlowRecord): string[] {
  if (facts?.protocol === undefined || facts.by === undefined) {
    const isLink = classification.flowClass === "tor";
    return [indent(isLink ? "Nothing of it was captured that could be read." : "Nothing that leek understands.")];
  }
  const lines = [`${facts.protocol}, ${RECOGNISED_WORDS[facts.by]}`];
  for (const [key, value] of facts.details) {
    const text = typeof value === "object" ? value.map(String).join(", ") : String(value);
    lines.push(`${key}: ${escapeText(text)}`);
  }
  return lines.map(indent);
}

function learned({ flow, facts, classification, remote }: FlowRecord): string[] {
  const own = remote.side === "responder" ? flow.originator : flow.responder;
  const lines =
    classification.flowClass === "tor"
      ? [`that ${own.address} uses Tor through ${formatEndpoint(remote.endpoint)}, when, and about how much`]
      : [`that ${own.address} talks to ${formatEndpoint(remote.endpoint)}, when, and how much`];
  for (const { kind, value, packet } of facts?.disclosures ?? []) {
    lines.push(`${DISCLOSURE_WORDS[kind]}: ${escapeText(value)} (packet ${packet})`);
  }
  if (facts !== undefined && facts.more > 0)
    lines.push(`and ${plural(facts.more, "more fact")} that leek did not keep`);
  return lines.map(indent);
}

function carried({ carried: way }: FlowRecord): string[] {
  if (way === undefined) return [];
  if (way.kind === "carries") {
    const asked = `${plural(way.requests, "request")} to the local proxy: ${way.targets.map(escapeText).join(", ")}`;
    return ["What it carried, by time", indent(`It sent first after ${asked}.`)];
  }
  const link = `${formatEndpoint(way.originator)} to ${formatEndpoint(way.responder)}`;
  return [
    "Where it went, by time",
    indent(`${(way.delay * 1000).toFixed(1)} ms later tor sent on its link from ${link} (packet ${way.packet}).`),
    indent("All of tor's streams share its links, so this is likely, not certain."),
  ];
}

function indent(line: string): string {
  return `  ${line}`;
}

function time(moment: Moment, digits: FractionDigits): string {
  return formatIsoTime(moment.seconds, moment.nanoseconds, digits);
}
