import type { FlowFacts } from "../apps/index.js";
import { escapeCsv, type FractionDigits, formatIsoTime } from "../base/index.js";
import type { Evidence } from "../classify/index.js";
import type { ProcessMatch } from "../host/index.js";
import type { FlowRecord } from "../pipeline/index.js";

const COLUMNS = [
  "first",
  "last",
  "transport",
  "originator_address",
  "originator_port",
  "responder_address",
  "responder_port",
  "class",
  "evidence",
  "fingerprint",
  "nickname",
  "names",
  "application",
  "recognised_by",
  "disclosed",
  "originator_packets",
  "responder_packets",
  "originator_bytes",
  "responder_bytes",
  "tcp_state",
  "originator_guessed",
  "process",
  "pid",
  "user",
  "unit",
  "container",
  "process_confidence",
];

/** The header line of `flowCsv` records (RFC 4180), with its line end. */
export function flowCsvHeader(): string {
  return `${COLUMNS.join(",")}\r\n`;
}

/** One flow as a line of CSV. Several names are separated by a blank. */
export function flowCsv(record: FlowRecord, digits: FractionDigits): string {
  const { flow, classification, names } = record;
  const [evidence] = classification.evidence;
  // What comes from strangers is escaped, times too: one outside the years of four digits begins with @, + or -.
  const first = escapeCsv(formatIsoTime(flow.first.seconds, flow.first.nanoseconds, digits));
  const last = escapeCsv(formatIsoTime(flow.last.seconds, flow.last.nanoseconds, digits));
  const { originator, responder, packets, bytes } = flow;
  const fingerprint = escapeCsv(relayField(evidence, "fingerprint") ?? "");
  const nickname = escapeCsv(relayField(evidence, "nickname") ?? "");
  return (
    `${first},${last},${flow.transport}` +
    `,${originator.address},${originator.port ?? ""},${responder.address},${responder.port ?? ""}` +
    `,${classification.flowClass},${evidence?.kind ?? ""},${fingerprint},${nickname}` +
    `,${names.length === 0 ? "" : escapeCsv(names.join(" "))}` +
    applicationFields(record.facts) +
    `,${packets.originator},${packets.responder},${bytes.originator},${bytes.responder}` +
    `,${flow.tcpState ?? ""},${flow.originatorGuessed},${processFields(record.process)}\r\n`
  );
}

/** What is disclosed as `kind=value`, separated by blanks: nothing of it may hold one. */
function applicationFields(facts: FlowFacts | undefined): string {
  if (facts?.protocol === undefined) return ",,,";
  const disclosed = facts.disclosures.map(({ kind, value }) => `${kind}=${value.replaceAll(" ", "\\x20")}`).join(" ");
  return `,${facts.protocol},${facts.by},${disclosed === "" ? "" : escapeCsv(disclosed)}`;
}

function processFields(match: ProcessMatch | undefined): string {
  if (match === undefined) return ",,,,,";
  const { confidence, process: holder } = match;
  if (holder === undefined) return `,,,,,${confidence}`;
  const texts = [holder.user, holder.unit, holder.container].map((text) => escapeCsv(text ?? ""));
  return `${escapeCsv(holder.name)},${holder.pid},${texts.join(",")},${confidence}`;
}

function relayField(evidence: Evidence | undefined, field: "fingerprint" | "nickname"): string | undefined {
  if (evidence === undefined || !(field in evidence)) return undefined;
  return (evidence as { readonly [key in typeof field]?: string | undefined })[field];
}
