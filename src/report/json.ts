import { type FractionDigits, formatFraction, formatIsoSeconds, formatIsoTime, linkTypeName } from "../base/index.js";
import type { SourceInfo } from "../capture/index.js";
import { FLOW_CLASSES } from "../classify/index.js";
import type { Moment } from "../flows/index.js";
import type { ProcessMatch } from "../host/index.js";
import type { Endpoint } from "../net/index.js";
import {
  type AnalysisResult,
  type CarriedBy,
  type Carries,
  type ClassTotals,
  type FlowRecord,
  type FrameTotal,
  spanOf,
} from "../pipeline/index.js";
import { EvidenceTexts } from "./evidence-texts.js";
import { FactTexts, textsJson } from "./facts-json.js";

/**
 * Writes the document `leek/analysis@1` (docs/analysis.schema.json) in pieces, flows first: they are written as they
 * end, so that a capture of any size needs no list of all of them.
 *
 * @example head() + flow(a) + flow(b) + tail(result)
 */
export class AnalysisJsonWriter {
  #flows = 0;
  readonly #evidence = new EvidenceTexts();
  readonly #facts = new FactTexts();
  readonly #times = new TimeTexts();

  head(): string {
    return '{"schema":"leek/analysis@1",\n"flows":[';
  }

  /** @param digits - Fractional digits of the capture's time stamps. */
  flow(record: FlowRecord, digits: FractionDigits): string {
    return (this.#flows++ === 0 ? "\n" : ",\n") + this.record(record, digits);
  }

  /** One flow alone, as a JSON object without line ends. */
  record(record: FlowRecord, digits: FractionDigits): string {
    const { flow, classification } = record;
    const evidence = this.#evidence.text(classification.evidence);
    // Put together by hand: addresses and class names need no escaping, and JSON.stringify takes five times as long.
    return (
      `{"flow":${flow.serial + 1},"transport":"${flow.transport}","originator":${endpoint(flow.originator)}` +
      `,"responder":${endpoint(flow.responder)},"class":"${classification.flowClass}","evidence":${evidence}` +
      `,"packets":{"originator":${flow.packets.originator},"responder":${flow.packets.responder}}` +
      `,"bytes":{"originator":${flow.bytes.originator},"responder":${flow.bytes.responder}}` +
      `,"first":"${this.#times.text(flow.first, digits)}","last":"${this.#times.text(flow.last, digits)}"` +
      `,"names":${textsJson(record.names)}` +
      `,"originatorGuessed":${flow.originatorGuessed}` +
      (flow.tcpState === undefined ? "" : `,"tcpState":"${flow.tcpState}"`) +
      (flow.tunnel === undefined ? "" : `,"tunnel":${JSON.stringify(flow.tunnel)}`) +
      this.#facts.text(record.facts) +
      (record.carried === undefined ? "" : carriedJson(record.carried)) +
      (record.process === undefined ? "" : `,"process":${processJson(record.process)}`) +
      "}"
    );
  }

  tail(result: AnalysisResult): string {
    const { first, last, fractionDigits } = result;
    const rest = {
      capture: {
        sources: result.sources.map(sourceJson),
        packets: result.packets,
        bytes: result.bytes,
        first: first === undefined ? null : formatIsoTime(first.seconds, first.nanoseconds, fractionDigits),
        last: last === undefined ? null : formatIsoTime(last.seconds, last.nanoseconds, fractionDigits),
        anomalies: Object.fromEntries(result.anomalies),
        nonIp: frameTotals(result.nonIp),
        unsupportedLinkTypes: frameTotals(result.unsupportedLinkTypes),
      },
      directory: directoryJson(result),
      classes: classesJson(result),
    };
    return `\n],\n${JSON.stringify(rest).slice(1)}\n`;
  }
}

/** What each class adds up to, as in leek/analysis@1. */
export function classesJson({ classes }: AnalysisResult): object {
  return Object.fromEntries(FLOW_CLASSES.map((name) => [name, classJson(classes[name])]));
}

/** Of one kind; the flows have them all. */
const SHOWN_VALUES = 100;

function classJson({ packets, bytes, flows, applications, disclosed }: ClassTotals): object {
  return {
    packets,
    bytes,
    flows,
    applications: Object.fromEntries(applications),
    disclosed: disclosed.totals().map(({ kind, flows: disclosing, values, hasMore }) => ({
      kind,
      flows: disclosing,
      values: values.slice(0, SHOWN_VALUES),
      more: hasMore || values.length > SHOWN_VALUES,
    })),
  };
}

function carriedJson(carried: CarriedBy | Carries): string {
  if (carried.kind === "carries") {
    return `,"carries":${JSON.stringify({ targets: carried.targets, requests: carried.requests })}`;
  }
  const { originator, responder, packet, delay } = carried;
  const link = `"originator":${endpoint(originator)},"responder":${endpoint(responder)}`;
  return `,"carriedBy":{${link},"packet":${packet},"delaySeconds":${Number(delay.toFixed(6))}}`;
}

const SECONDS_PER_DAY = 86_400;
/** Where Date begins to fail; such times are the work of a hostile capture. */
const MAX_DATE_SECONDS = 8.64e12;

/** Times of flows fall on few days, and making the text of a day is the dear part. */
class TimeTexts {
  #day = Number.NaN;
  #date = "";

  text(moment: Moment, digits: FractionDigits): string {
    const day = Math.floor(moment.seconds / SECONDS_PER_DAY);
    if (day !== this.#day) {
      if (moment.seconds > MAX_DATE_SECONDS) return formatIsoTime(moment.seconds, moment.nanoseconds, digits);
      this.#day = day;
      this.#date = formatIsoTime(day * SECONDS_PER_DAY, 0, 6).slice(0, -"00:00:00.000000Z".length);
    }
    const second = moment.seconds - day * SECONDS_PER_DAY;
    const hours = twoDigits((second / 3600) | 0);
    const minutes = twoDigits(((second / 60) | 0) % 60);
    const fraction = formatFraction(moment.nanoseconds, digits);
    return `${this.#date}${hours}:${minutes}:${twoDigits(second % 60)}.${fraction}Z`;
  }
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : `${value}`;
}

function endpoint({ address, port }: Endpoint): string {
  return `{"address":"${address}","port":${port ?? null}}`;
}

/** What has no value is left out. */
function processJson({ confidence, process }: ProcessMatch): string {
  return JSON.stringify(process === undefined ? { confidence } : { confidence, ...process });
}

function frameTotals(totals: ReadonlyMap<string, FrameTotal>): Record<string, FrameTotal> {
  return Object.fromEntries(totals);
}

function sourceJson(source: SourceInfo): object {
  const known = source.interfaces.filter(({ dropped }) => dropped !== undefined);
  return {
    name: source.name,
    format: source.format,
    ...(source.compression === undefined ? {} : { compression: source.compression }),
    linkTypes: [...new Set(source.interfaces.map(({ linkType }) => linkTypeName(linkType)))],
    packets: source.packets,
    bytes: source.bytes,
    truncated: source.damage !== undefined,
    ...(source.damage === undefined ? {} : { damage: source.damage }),
    // Unknown as soon as one interface says nothing: a missing number must not look like a zero.
    dropped:
      known.length === 0 || known.length < source.interfaces.length
        ? null
        : known.reduce((sum, { dropped }) => sum + dropped!, 0),
    ...(source.interfaces.some(({ statistics }) => statistics !== undefined)
      ? { statistics: source.interfaces.map(({ name, statistics }) => ({ interface: name, ...statistics })) }
      : {}),
  };
}

function directoryJson(result: AnalysisResult): object {
  const { directory, first, last } = result;
  const coverage = directory.coverage(first?.seconds ?? 0, last?.seconds ?? 0);
  return {
    documents: directory.documentsFor(spanOf(result)),
    coverage: coverage.level,
    gaps: coverage.gaps.map((gap) => ({ first: formatIsoSeconds(gap.first), last: formatIsoSeconds(gap.last) })),
  };
}
