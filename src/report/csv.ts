import { escapeCsv, type FractionDigits, formatIsoTime } from "../base/index.js";
import type { Evidence } from "../classify/index.js";
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
  "originator_packets",
  "responder_packets",
  "originator_bytes",
  "responder_bytes",
  "tcp_state",
  "originator_guessed",
];

/** The header line of `flowCsv` records (RFC 4180), with its line end. */
export function flowCsvHeader(): string {
  return `${COLUMNS.join(",")}\r\n`;
}

/** One flow as a line of CSV. Several names are separated by a blank. */
export function flowCsv(record: FlowRecord, digits: FractionDigits): string {
  const { flow, classification, names } = record;
  const [evidence] = classification.evidence;
  const fields = [
    formatIsoTime(flow.first.seconds, flow.first.nanoseconds, digits),
    formatIsoTime(flow.last.seconds, flow.last.nanoseconds, digits),
    flow.transport,
    flow.originator.address,
    flow.originator.port,
    flow.responder.address,
    flow.responder.port,
    classification.flowClass,
    evidence?.kind,
    relayField(evidence, "fingerprint"),
    relayField(evidence, "nickname"),
    names.join(" "),
    flow.packets.originator,
    flow.packets.responder,
    flow.bytes.originator,
    flow.bytes.responder,
    flow.tcpState,
    flow.originatorGuessed,
  ];
  return `${fields.map((field) => escapeCsv(String(field ?? ""))).join(",")}\r\n`;
}

function relayField(evidence: Evidence | undefined, field: "fingerprint" | "nickname"): string | undefined {
  if (evidence === undefined || !(field in evidence)) return undefined;
  return (evidence as { readonly [key in typeof field]?: string | undefined })[field];
}
