import Table from "cli-table3";
import { escapeText, formatIsoTime, linkTypeName } from "../../base/index.js";
import type { FlowClass } from "../../classify/index.js";
import { type Moment, SIZE_BUCKET_BOUNDS } from "../../flows/index.js";
import { formatEndpoint } from "../../net/index.js";
import {
  type AnalysisResult,
  type ClassTotals,
  type EndpointTotal,
  type EndpointTotals,
  type ProgramTotal,
  type ProgramTotals,
  spanOf,
} from "../../pipeline/index.js";
import { DISCLOSURE_WORDS } from "../disclosure-words.js";
import { listingText } from "../listing-text.js";
import { count, duration, plural, share, withUnit } from "../numbers.js";
import { packetLine } from "../packet-line.js";
import { findNotes } from "./notes.js";
import { describeObserver } from "./observer.js";

const TOP_ENDPOINTS = 10;
const TOP_PORTS = 4;
const TOP_PROGRAMS = 15;
const TOP_APPLICATIONS = 6;
/** Of one kind, and how long each may be: the JSON has more. */
const SHOWN_VALUES = 3;
const SHOWN_VALUE_LENGTH = 60;
const SHOWN_DOCUMENTS = 3;
const COVERAGE = {
  full: "the documents reach the whole capture",
  partial: "the documents reach only a part of the capture, see the notes",
  none: "no document reaches the capture, see the notes",
} as const;

/** Columns of the contrast: always the first three, the others when they have packets. */
const ALWAYS: readonly FlowClass[] = ["clearnet", "tor", "local"];
/** Classes whose flows say something to somebody on the path; the local ones to whoever is on the same link. */
const DISCLOSING: readonly FlowClass[] = ["clearnet", "tor-suspected", "tor", "local"];
const IF_SEEN: readonly FlowClass[] = ["tor-suspected", "non-ip", "undecoded"];

/**
 * The report for people: clearnet beside Tor, the endpoints of each, a packet of each with what somebody on the path
 * learns from it, and what limits the picture. Ends with a line end; times are UTC.
 *
 * @param endpoints - Of the same flows.
 * @param programs - Likewise; empty where no process was looked for.
 */
export function renderContrast(result: AnalysisResult, endpoints: EndpointTotals, programs: ProgramTotals): string {
  const sections = [
    heading(result),
    contrastTable(result, endpoints),
    ...(["clearnet", "tor", "tor-suspected"] as const).map((name) => endpointTable(endpoints, name)),
    disclosedTable(result),
    programTable(programs),
    nonIpLine(result),
    onTheWire(result),
    notes(result, endpoints),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function heading(result: AnalysisResult): string {
  const lines = result.sources.map((source) => {
    const linkTypes = [...new Set(source.interfaces.map(({ linkType }) => linkTypeName(linkType)))].join(", ");
    const packing = source.compression === undefined ? "" : `, ${source.compression}`;
    return `Capture    ${escapeText(source.name)}: ${source.format}${packing}, ${linkTypes || "no interface"}, ${plural(source.packets, "packet")}`;
  });
  if (result.first !== undefined && result.last !== undefined) {
    const length = seconds(result.last) - seconds(result.first);
    lines.push(`Time       ${time(result, result.first)} to ${time(result, result.last)}, ${duration(length)}`);
  }
  const { directory } = result;
  const documents = directory.documentsFor(spanOf(result));
  for (const document of documents.slice(0, SHOWN_DOCUMENTS)) {
    const { source, flavor, relays, validAfter, validUntil, verification } = document;
    const valid = `valid ${validAfter} to ${validUntil}`;
    const trust =
      verification === undefined ? "" : `, ${verification.state} (${verification.good} of ${verification.authorities})`;
    lines.push(`Consensus  ${escapeText(source)}: ${flavor}, ${plural(relays, "relay")}, ${valid}${trust}`);
  }
  const more = documents.length - SHOWN_DOCUMENTS;
  if (more > 0) lines.push(`           and ${plural(more, "more document")}`);
  if (result.first !== undefined && result.last !== undefined && documents.length > 0) {
    lines.push(`Coverage   ${COVERAGE[directory.coverage(result.first.seconds, result.last.seconds).level]}`);
  }
  return lines.join("\n");
}

function contrastTable(result: AnalysisResult, endpoints: EndpointTotals): string {
  const columns = [...ALWAYS, ...IF_SEEN.filter((name) => result.classes[name].packets > 0)];
  const totals = columns.map((name) => result.classes[name]);
  const row = (title: string, cell: (total: ClassTotals, name: FlowClass) => string) => [
    title,
    ...totals.map((total, i) => (total.packets === 0 ? "-" : cell(total, columns[i]!))),
  ];
  const table = plainTable(["", ...columns], 1);
  table.push(
    row("packets", (total) => count(total.packets)),
    row("bytes", (total) => count(total.bytes)),
    row("share of bytes", (total) => share(total.bytes, result.bytes)),
    row("flows", (total) => count(total.flows)),
    row("remote endpoints", (_total, name) => count(endpoints.count(name))),
    row("remote ports", (_total, name) => ports(endpoints, name)),
    row("applications", (total) => applications(total)),
    row("mean rate", (total) => rate(total)),
    row("mean packet size", (total) => `${Math.round(total.bytes / total.packets)} bytes`),
    ...sizeRows(totals),
    row("first", (total) => clock(result, total.first)),
    row("last", (total) => clock(result, total.last)),
  );
  return table.toString();
}

function ports(endpoints: EndpointTotals, name: FlowClass): string {
  const all = endpoints.ports(name);
  const shown = all.slice(0, TOP_PORTS).map(({ port }) => port);
  if (all.length > TOP_PORTS) shown.push(`+${all.length - TOP_PORTS}`);
  return shown.length === 0 ? "-" : shown.join("\n");
}

function applications(total: ClassTotals): string {
  const known = [...total.applications].filter(([name]) => name !== "unknown");
  known.sort(([, left], [, right]) => right - left);
  const shown: string[] = known.slice(0, TOP_APPLICATIONS).map(([name]) => name);
  if (known.length > shown.length) shown.push(`+${known.length - shown.length}`);
  return shown.length === 0 ? "-" : shown.join("\n");
}

function rate(total: ClassTotals): string {
  const length = seconds(total.last!) - seconds(total.first!);
  // One packet, or one moment, has no rate.
  return length <= 0 ? "-" : withUnit((total.bytes * 8) / length, "bit/s");
}

/** Buckets of the flow table joined to four: bare acknowledgements, small, middling and full packets. */
function sizeRows(totals: readonly ClassTotals[]): string[][] {
  const joined = [
    [0, 1],
    [1, 4],
    [4, 5],
    [5, SIZE_BUCKET_BOUNDS.length + 1],
  ] as const;
  return joined.map(([from, to]) => {
    const low = from === 0 ? 0 : SIZE_BUCKET_BOUNDS[from - 1]!;
    const high = SIZE_BUCKET_BOUNDS[to - 1];
    const title = high === undefined ? `  ${low} bytes and more` : `  ${low} to ${high - 1} bytes`;
    const cells = totals.map((total) => {
      const packets = total.sizes.slice(from, to).reduce((sum, value) => sum + value, 0);
      return share(packets, total.packets);
    });
    return [title, ...cells];
  });
}

function endpointTable(endpoints: EndpointTotals, name: FlowClass): string {
  const top = endpoints.top(name, TOP_ENDPOINTS);
  if (top.length === 0) return "";
  const all = endpoints.count(name);
  const title = all > top.length ? `Top ${top.length} of ${count(all)} ${name} endpoints` : `All ${name} endpoints`;
  const isTor = name === "tor";
  const table = plainTable(
    ["remote endpoint", isTor ? "relay" : "names", isTor ? "flags" : "evidence", "flows", "packets", "bytes"],
    3,
  );
  for (const total of top) {
    table.push([
      `${formatEndpoint(total.endpoint)} ${total.transport}`,
      isTor ? relayText(total) : namesText(total),
      isTor ? flagsText(total) : evidenceText(total),
      count(total.flows),
      count(total.packets),
      count(total.bytes),
    ]);
  }
  return `${title}\n${table.toString()}`;
}

function relayText({ classification }: EndpointTotal): string {
  const [evidence] = classification.evidence;
  if (evidence === undefined) return "-";
  if ("nickname" in evidence && evidence.nickname !== undefined) return escapeText(evidence.nickname);
  return evidence.kind;
}

function flagsText({ classification }: EndpointTotal): string {
  const [evidence] = classification.evidence;
  if (evidence?.kind === "consensus") {
    const listing = listingText(evidence);
    return `${evidence.flags.map(escapeText).join(" ")}${listing === "" ? "" : `\n(${listing})`}`;
  }
  return evidence === undefined ? "-" : `(${evidence.kind})`;
}

function namesText(total: EndpointTotal): string {
  return total.names.size === 0 ? "-" : [...total.names].map(escapeText).join("\n");
}

function evidenceText({ classification }: EndpointTotal): string {
  const [evidence] = classification.evidence;
  return evidence === undefined ? "-" : evidence.kind;
}

/** What anybody on the path reads in the packets, beside who talks to whom: the heart of the contrast. */
function disclosedTable(result: AnalysisResult): string {
  const table = plainTable(["class", "what", "for example", "flows"], 3);
  for (const name of DISCLOSING) {
    for (const { kind, flows, values, hasMore } of result.classes[name].disclosed.totals()) {
      const shown = values.slice(0, SHOWN_VALUES).map((value) => clip(escapeText(value)));
      const more = values.length - shown.length;
      if (more > 0) shown.push(`+${count(more)}${hasMore ? " and more" : ""}`);
      table.push([name, DISCLOSURE_WORDS[kind], shown.join("\n"), count(flows)]);
    }
  }
  return table.length === 0 ? "" : `What anybody on the path can read\n${table.toString()}`;
}

function clip(text: string): string {
  return text.length <= SHOWN_VALUE_LENGTH ? text : `${text.slice(0, SHOWN_VALUE_LENGTH - 3)}...`;
}

/** Which program sent what where: bytes of each class, and how sure that is. */
function programTable(programs: ProgramTotals): string {
  const all = programs.all();
  if (all.length === 0) return "";
  const title = all.length > TOP_PROGRAMS ? `Top ${TOP_PROGRAMS} of ${count(all.length)} programs` : "Programs";
  const table = plainTable(["program", "user", "unit or container", "certainty", ...ALWAYS], 4);
  for (const total of all.slice(0, TOP_PROGRAMS)) {
    const { process: holder, confidence } = total;
    table.push([
      holder === undefined ? "(not known)" : `${escapeText(holder.name)} (${holder.pid})`,
      escapeText(holder?.user ?? (holder?.uid === undefined ? "-" : `uid ${holder.uid}`)),
      escapeText(holder?.container ?? holder?.unit ?? "-"),
      confidence,
      ...ALWAYS.map((name) => programBytes(total, name)),
    ]);
  }
  return `${title} by bytes\n${table.toString()}`;
}

function programBytes(total: ProgramTotal, name: FlowClass): string {
  const traffic = total.classes.get(name);
  return traffic === undefined ? "-" : count(traffic.bytes);
}

function nonIpLine(result: AnalysisResult): string {
  if (result.nonIp.size === 0) return "";
  const parts = [...result.nonIp].map(([name, total]) => `${name} ${plural(total.packets, "packet")}`);
  return `Without IP: ${parts.join(", ")}`;
}

function onTheWire(result: AnalysisResult): string {
  const parts: string[] = [];
  for (const name of ["clearnet", "tor"] as const) {
    const found = result.specimens.get(name);
    if (found === undefined) continue;
    const { specimen, record } = found;
    const line = packetLine(specimen, record.flow, "none");
    parts.push(`${name}, packet ${specimen.packet.number}:\n  ${line}\n  ${describeObserver(record)}`);
  }
  return parts.length === 0 ? "" : `On the wire\n${parts.join("\n")}`;
}

function notes(result: AnalysisResult, endpoints: EndpointTotals): string {
  const found = findNotes(result, endpoints);
  return found.length === 0 ? "" : `Notes\n${found.map((note) => `  - ${note}`).join("\n")}`;
}

function plainTable(head: string[], rightFrom: number): Table.Table {
  return new Table({
    head,
    colAligns: head.map((_, i) => (i >= rightFrom ? "right" : "left")),
    // No colours of its own: the text must be the same in a file and on a terminal.
    style: { head: [], border: [], compact: true },
  });
}

function seconds(moment: Moment): number {
  return moment.seconds + moment.nanoseconds / 1e9;
}

function time(result: AnalysisResult, moment: Moment): string {
  return formatIsoTime(moment.seconds, moment.nanoseconds, result.fractionDigits);
}

function clock(result: AnalysisResult, moment: Moment | undefined): string {
  if (moment === undefined) return "-";
  const text = time(result, moment);
  const sameDay = result.first !== undefined && result.last !== undefined && day(result.first) === day(result.last);
  return sameDay ? text.slice(text.indexOf("T") + 1) : text;
}

function day(moment: Moment): number {
  return Math.floor(moment.seconds / 86_400);
}
