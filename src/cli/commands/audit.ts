import {
  AuditedNode,
  type AuditOptions,
  type AuditReport,
  type Baseline,
  BaselineRecorder,
  type Canary,
  type Cidr,
  LeakAudit,
  PacketWatch,
  type Policy,
  parseCidr,
} from "../../audit/index.js";
import type { CapturedPacket } from "../../base/index.js";
import type { LiveSource, PacketSource } from "../../capture/index.js";
import { listInterfaces } from "../../host/index.js";
import { Analysis } from "../../pipeline/index.js";
import type { AuditArguments } from "../arguments/audit-arguments.js";
import { checkEvidence, type EvidenceArguments } from "../arguments/evidence-arguments.js";
import { type PayloadOptions, payloadSettings } from "../arguments/payload-arguments.js";
import { type AuditFormat, auditOutput, VERDICT_STATUS } from "../audit/audit-output.js";
import { loadBaseline, saveBaseline } from "../audit/audit-policy.js";
import { auditSettings } from "../audit/audit-settings.js";
import { CanarySender, withLastCanary } from "../audit/canary-sender.js";
import { type DirectoryOptions, DirectorySources } from "../directory/directory-options.js";
import { LiveDirectory } from "../directory/live-directory.js";
import type { EvidenceWriter } from "../evidence/evidence-writer.js";
import type { CaptureRecorder } from "../live/capture-recorder.js";
import { announce } from "../live/live-messages.js";
import type { Identity } from "../live/privileges.js";
import { type LiveSettings, readLive } from "../live/read-live.js";
import { say } from "../output/messages.js";
import { FlowProcesses } from "../processes/flow-processes.js";
import { ProcessLookup } from "../processes/process-lookup.js";
import { loadFilter } from "../reading/load-filter.js";
import { readCaptures } from "../reading/read-capture.js";

export interface AuditCommandOptions extends DirectoryOptions, PayloadOptions, AuditArguments, EvidenceArguments {
  readonly filter: string | undefined;
  readonly count: number | undefined;
  readonly format: AuditFormat;
}

export interface LiveAuditOptions extends Omit<AuditCommandOptions, "filter"> {
  readonly live: LiveSettings;
  /** Whether to find the process of each flow. */
  readonly processes: boolean;
}

/** An address is the machine's for longer than that. */
const REFRESH_MS = 2_000;

/** The baseline of a former run, and that of this one. */
interface BaselineUse {
  readonly known: Baseline | undefined;
  readonly recorder: BaselineRecorder | undefined;
}

interface RunSettings extends Omit<AuditCommandOptions, "filter">, BaselineUse {
  /** Interfaces with a default route that are not captured. */
  readonly otherWaysOut?: readonly string[];
}

/** One audit: flows as they end, and the packets that make them. */
class AuditRun {
  /** Those that were sent. */
  readonly canaries: Canary[] = [];
  readonly analysis: Analysis;
  readonly #audit: LeakAudit;
  readonly #watch: PacketWatch;
  #taken = 0;

  constructor(
    policy: Policy,
    node: AuditedNode,
    options: RunSettings,
    directory: ConstructorParameters<typeof Analysis>[0]["directory"],
    isFiltered: boolean,
    onFinding?: AuditOptions["onFinding"],
  ) {
    this.#audit = new LeakAudit(
      {
        policy,
        node,
        expectBootstrap: options.expectBootstrap === true,
        trustUnverified: options.trustUnverified === true,
        loss: { stated: options.drops },
        canaries: this.canaries,
        baseline: options.known,
        recorder: options.recorder,
        isFiltered: isFiltered || options.count !== undefined || options.headersOnly === true,
        onFinding,
        otherWaysOut: options.otherWaysOut,
      },
      () => this.#watch,
    );
    this.analysis = new Analysis({
      directory,
      ...payloadSettings(options),
      onFlow: (record) => this.#audit.flow(record),
    });
    this.#watch = new PacketWatch(this.analysis, node);
  }

  /** @returns The packet's row, see Analysis.observe. */
  packet(packet: CapturedPacket): number {
    const row = this.analysis.observe(packet);
    this.#watch.packet(packet, row);
    this.#taken++;
    return row;
  }

  isEnough(count: number | undefined): boolean {
    return this.#taken === count;
  }

  finish(source: PacketSource): AuditReport {
    return this.#audit.finish(this.analysis.finish(source.infos));
  }
}

/** `leek audit CAPTURE...`: does anything of the node go around Tor? The exit status tells: 0 clean, 1 leak, 2 inconclusive. */
export async function audit(paths: readonly string[], options: AuditCommandOptions): Promise<number> {
  const baselines = await openBaselines(options);
  const policy = await auditSettings(options);
  const sources = new DirectorySources(withPolicy(options, policy));
  const filter = options.filter === undefined ? undefined : await loadFilter(options.filter);
  const node = new AuditedNode(policy.nodes.length === 0 ? undefined : policy.nodes);
  checkEvidence(options, false);
  const evidence =
    options.evidence === undefined
      ? undefined
      : await (await import("../evidence/evidence-writer.js")).EvidenceWriter.start(paths, withPolicy(options, policy));
  let run: AuditRun | undefined;
  const source = await readCaptures(paths, {
    async start(opened: PacketSource, from: number | undefined) {
      const directory = await sources.load(from);
      for (const { linkType } of opened.infos.flatMap((info) => info.interfaces)) filter?.prepare(linkType);
      run = new AuditRun(
        policy,
        node,
        { ...options, ...baselines },
        directory,
        filter !== undefined,
        evidence?.onFinding,
      );
    },
    packet(packet: CapturedPacket) {
      if (filter !== undefined && !filter.matches(packet)) return true;
      run!.packet(packet);
      return !run!.isEnough(options.count);
    },
    batch() {},
  });
  for (const note of sources.notes) say(note.message);
  const report = run!.finish(source);
  const status = await finish(report, { ...options, ...baselines });
  if (evidence !== undefined) say(await evidence.write(report, filter));
  return status;
}

/** `leek audit -i IFACE --duration TIME`: the same, live; the node is this machine. */
export async function auditLive(options: LiveAuditOptions): Promise<number> {
  const baselines = await openBaselines(options);
  checkEvidence(options, true);
  const policy = await auditSettings(options);
  const evidence = await openLiveEvidence(options, policy);
  const directory = await LiveDirectory.start(withPolicy(options, policy), say);
  const own = ownAddresses();
  const node = new AuditedNode(policy.nodes.length > 0 ? policy.nodes : rangesOf(own));
  // Leases end, and privacy extensions of IPv6 make new addresses: what goes out by these is the machine's too.
  const refresh = () => {
    if (policy.nodes.length === 0) node.extend(rangesOf(ownAddresses()));
  };
  const refreshing = setInterval(refresh, REFRESH_MS);
  try {
    let run: AuditRun | undefined;
    let processes: FlowProcesses | undefined;
    let canaries: CanarySender | undefined;
    let recorder: CaptureRecorder | undefined;
    const { source } = await readLive(withLastCanary(options), {
      async open(opened: LiveSource, identity: Identity | undefined) {
        run = new AuditRun(
          policy,
          node,
          { ...options, ...baselines, otherWaysOut: waysOutBeside(options.live.interfaces) },
          directory.directory,
          options.live.expression !== undefined,
          evidence?.onFinding,
        );
        if (options.w !== undefined) {
          const { CaptureRecorder } = await import("../live/capture-recorder.js");
          const { expression } = options.live;
          recorder = new CaptureRecorder({ path: options.w }, run.analysis, opened.infos, expression, identity);
        }
        if (options.processes) {
          const isOwn = new Set(own);
          processes = new FlowProcesses(run.analysis, await ProcessLookup.start(), (address) => isOwn.has(address));
        }
        for (const note of directory.notes) say(note.message);
        announce(opened.infos, options.live);
        if (options.canary === true) canaries = CanarySender.start(options.live, run.canaries);
        const { analysis } = run;
        directory.watch((newer) => analysis.useDirectory(newer));
      },
      packet(packet: CapturedPacket) {
        const row = run!.packet(packet);
        if (row >= 0 && run!.analysis.beganFlow) processes?.add(row);
        recorder?.packet(packet, row);
        return !run!.isEnough(options.count);
      },
      batch() {
        processes?.ask();
        recorder?.flush();
        return true;
      },
    });
    refresh();
    canaries?.close();
    recorder?.close();
    await Promise.all([processes?.close(), directory.close()]);
    for (const note of processes?.notes ?? []) say(note);
    const report = run!.finish(source);
    const status = await finish(report, { ...options, ...baselines });
    if (evidence !== undefined) say(await evidence.write(report, undefined));
    return status;
  } finally {
    clearInterval(refreshing);
    await directory.close();
  }
}

async function openLiveEvidence(options: LiveAuditOptions, policy: Policy): Promise<EvidenceWriter | undefined> {
  if (options.evidence === undefined) return undefined;
  const { EvidenceWriter } = await import("../evidence/evidence-writer.js");
  return EvidenceWriter.startLive({ ...withPolicy(options, policy), filter: options.live.expression });
}

async function openBaselines({ baseline, saveBaseline: saved }: AuditArguments): Promise<BaselineUse> {
  return {
    known: baseline === undefined ? undefined : await loadBaseline(baseline),
    recorder: saved === undefined ? undefined : new BaselineRecorder(),
  };
}

async function finish(
  report: AuditReport,
  { format, saveBaseline: path, recorder }: Pick<AuditCommandOptions, "format" | "saveBaseline"> & BaselineUse,
): Promise<number> {
  if (path !== undefined && recorder !== undefined) await saveBaseline(path, recorder.toText());
  await auditOutput(report, format);
  return VERDICT_STATUS[report.verdict];
}

/** What the policy says of bridges and authorities stands beside what the command line says. */
function withPolicy<Options extends DirectoryOptions>(options: Options, policy: Policy): Options {
  const { bridge = [], authority = [] } = options;
  return { ...options, bridge: [...bridge, ...policy.bridges], authority: [...authority, ...policy.authorities] };
}

/** Interfaces by which traffic may leave unseen. */
function waysOutBeside(captured: readonly string[]): string[] {
  if (captured.includes("any")) return [];
  return listInterfaces()
    .filter(({ name, defaultRoute }) => defaultRoute.length > 0 && !captured.includes(name))
    .map(({ name }) => name);
}

function rangesOf(addresses: readonly string[]): Cidr[] {
  return addresses.flatMap((address) => parseCidr(address) ?? []);
}

function ownAddresses(): string[] {
  return listInterfaces().flatMap(({ addresses }) => addresses.map(({ address }) => address));
}
