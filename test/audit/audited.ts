import {
  type AllowedFlow,
  AuditedNode,
  type AuditOptions,
  type AuditReport,
  DEFAULT_POLICY,
  LeakAudit,
  PacketWatch,
  type Policy,
  parseCidr,
} from "../../src/audit/index.js";
import { CapturedPacket } from "../../src/base/index.js";
import { openCapture } from "../../src/capture/index.js";
import { Analysis, type AnalysisOptions } from "../../src/pipeline/index.js";
import type { RelayDirectory } from "../../src/relays/index.js";
import { streamOf } from "../capture/read-packets.js";
import { buildPcap, PcapngBuilder } from "../support/capture-builder.js";
import { verifiedDirectory } from "./documents.js";

/** A frame and when it was captured, seconds after the documents' valid-after; one after the other unless told. */
export interface Sent {
  readonly frame: Uint8Array;
  readonly at?: number | undefined;
  /** Bytes that the snaplen left; all unless told. */
  readonly kept?: number;
}

export interface AuditTraits {
  /** ADDR or ADDR/LENGTH; everybody is audited without. */
  readonly node?: readonly string[] | undefined;
  readonly policy?: Partial<Policy>;
  readonly directory?: RelayDirectory;
  /** What the user says of drops. */
  readonly drops?: number | undefined;
  readonly fileName?: string;
  readonly options?: Partial<AuditOptions>;
  readonly analysis?: Partial<AnalysisOptions>;
}

/** 2026-11-22 10:00:00 UTC. */
export const TEN = Date.UTC(2026, 10, 22, 10) / 1000;

export const NODE = "192.168.1.10";

/** A pcapng with whole packets and statistics that say that none was lost. */
export function pcapngOf(
  sent: readonly Sent[],
  { dropped = 0n, linkType = 1, name = "eth0" }: { dropped?: bigint; linkType?: number; name?: string } = {},
): Uint8Array {
  const builder = new PcapngBuilder().section().interface({ name, linkType });
  for (const { frame, at, kept = frame.length } of timed(sent)) {
    const timestamp = BigInt(at) * 1_000_000n;
    builder.enhancedPacket({ bytes: frame.subarray(0, kept), originalLength: frame.length, timestamp });
  }
  return builder.statistics({ interfaceDrops: dropped, systemDrops: 0n }).build();
}

/** A classic pcap, which has no statistics. */
export function pcapOf(sent: readonly Sent[]): Uint8Array {
  return buildPcap(
    {},
    timed(sent).map(({ frame, at }) => ({ bytes: frame, seconds: at })),
  );
}

/** The report on a capture that is all there. */
export function auditOf(frames: readonly (Uint8Array | Sent)[], traits: AuditTraits = {}): Promise<AuditReport> {
  return auditCapture(pcapngOf(frames.map((it) => (it instanceof Uint8Array ? { frame: it } : it))), traits);
}

/** As `leek audit` does it, with the bytes of a capture. */
export async function auditCapture(bytes: Uint8Array, traits: AuditTraits = {}): Promise<AuditReport> {
  const policy = { ...DEFAULT_POLICY, ...traits.policy };
  const node = new AuditedNode(traits.node?.map((text) => parseCidr(text)!));
  const audit = new LeakAudit(
    {
      policy,
      node,
      expectBootstrap: false,
      trustUnverified: false,
      loss: { stated: traits.drops },
      canaries: [],
      isFiltered: false,
      ...traits.options,
    },
    () => watch,
  );
  const analysis = new Analysis({
    directory: traits.directory ?? verifiedDirectory,
    ...traits.analysis,
    onFlow: (record) => audit.flow(record),
  });
  const watch = new PacketWatch(analysis, node);
  const source = await openCapture(traits.fileName ?? "test.pcapng", { stream: streamOf(bytes), chunkBytes: 4096 });
  const packet = new CapturedPacket();
  while (await source.fill()) {
    while (source.next(packet)) watch.packet(packet, analysis.observe(packet));
  }
  await source.close();
  return audit.finish(analysis.finish(source.infos));
}

/** `rule severity` of each finding, in order. */
export function found({ findings }: AuditReport): string[] {
  return findings.map(({ rule, severity }) => `${rule} ${severity}`);
}

export function codes({ reasons }: AuditReport): string[] {
  return reasons.map(({ code }) => code);
}

function timed(sent: readonly Sent[]): (Sent & { readonly at: number })[] {
  return sent.map((it, i) => ({ ...it, at: TEN + 60 + (it.at ?? i) }));
}

/** An exception for whatever goes to these addresses. */
export function allowedTo(range: string, because: string): AllowedFlow {
  return {
    because,
    addresses: [parseCidr(range)!],
    ports: [],
    protocols: [],
    names: [],
    processes: [],
    from: undefined,
    until: undefined,
  };
}
