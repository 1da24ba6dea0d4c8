import { setTimeout as sleep } from "node:timers/promises";
import type { CapturedPacket } from "../../base/index.js";
import { fractionDigitsOf, type LiveSource, type SourceInfo } from "../../capture/index.js";
import { listInterfaces } from "../../host/index.js";
import { Analysis } from "../../pipeline/index.js";
import { type PayloadOptions, payloadSettings } from "../arguments/payload-arguments.js";
import type { DirectoryOptions } from "../directory/directory-options.js";
import { LiveDirectory } from "../directory/live-directory.js";
import type { CaptureFileOptions } from "../live/capture-file.js";
import { CaptureRecorder } from "../live/capture-recorder.js";
import { announce, summarize } from "../live/live-messages.js";
import type { Identity } from "../live/privileges.js";
import { type LiveSettings, readLive } from "../live/read-live.js";
import { type AnalysisFormat, analysisOutput } from "../output/analysis-output.js";
import { ExitStatus } from "../output/exit-status.js";
import { reportError, say } from "../output/messages.js";
import { PacketLines, type PacketLinesOptions } from "../output/packet-lines.js";
import { FlowProcesses } from "../processes/flow-processes.js";
import { ProcessLookup } from "../processes/process-lookup.js";

export interface CaptureOptions extends DirectoryOptions, PayloadOptions {
  readonly live: LiveSettings;
  readonly count: number | undefined;
  /** How packets are shown as they come; undefined shows none. */
  readonly lines: PacketLinesOptions | undefined;
  /** What is written of the whole; undefined writes nothing. */
  readonly format: AnalysisFormat | undefined;
  /** Where the packets are kept. */
  readonly file: CaptureFileOptions | undefined;
  /** Whether to find the process of each flow. */
  readonly processes: boolean;
}

/** How long the closing words wait for the last lines to be written. */
const PATIENCE_MS = 1_000;

/** `leek capture`: packets of interfaces as they come, each with its class, and the contrast at the end. */
export async function capture(options: CaptureOptions): Promise<number> {
  // Before the interface is open: the first time after documents came takes long.
  const directory = await LiveDirectory.start(options, say);
  try {
    return await captureWith(directory, options);
  } finally {
    await directory.close();
  }
}

async function captureWith(directory: LiveDirectory, options: CaptureOptions): Promise<number> {
  const output = options.format === undefined ? undefined : await analysisOutput(options.format);
  let analysis: Analysis | undefined;
  let lines: PacketLines | undefined;
  let recorder: CaptureRecorder | undefined;
  let processes: FlowProcesses | undefined;
  let failure: unknown;
  let taken = 0;
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (error) {
      failure ??= error;
    }
  };

  const { source } = await readLive(options.live, {
    async open(opened: LiveSource, identity: Identity | undefined) {
      analysis = new Analysis({
        ...payloadSettings(options),
        directory: directory.directory,
        onFlow: (record) => attempt(() => output?.flow(record, fractionDigitsOf(opened.infos))),
      });
      if (options.lines !== undefined) lines = new PacketLines(analysis, options.lines, () => opened.stop());
      if (options.file !== undefined) {
        recorder = new CaptureRecorder(options.file, analysis, opened.infos, options.live.expression, identity);
      }
      if (options.processes) processes = await startProcesses(analysis);
      for (const note of directory.notes) say(note.message);
      output?.start();
      announce(opened.infos, options.live);
      const judge = analysis;
      directory.watch((newer) => judge.useDirectory(newer));
    },
    packet(packet: CapturedPacket) {
      const row = analysis!.observe(packet);
      if (row >= 0 && analysis!.beganFlow) processes?.add(row);
      if (recorder !== undefined) attempt(() => recorder!.packet(packet, row));
      lines?.packet(packet, row);
      taken++;
      return failure === undefined && taken !== options.count;
    },
    batch() {
      processes?.ask();
      lines?.output.flush();
      attempt(() => output?.flush());
      if (recorder !== undefined) attempt(() => recorder!.flush());
      return failure === undefined && recorder?.done !== true && lines?.output.ended !== true;
    },
  });

  await Promise.all([processes?.close(), directory.close()]);
  if (recorder !== undefined) attempt(() => recorder!.close());
  const linesWritten = lines?.output.end();
  // Who never reads the lines shall still see the closing words.
  await Promise.race([linesWritten, sleep(PATIENCE_MS, undefined, { ref: false })]);
  summarize(taken, source.infos, lines?.output.hidden ?? 0);
  for (const note of processes?.notes ?? []) say(note);
  await linesWritten;
  const result = analysis!.finish(source.infos);
  if (lines?.output.broken === true) return ExitStatus.BrokenPipe;
  attempt(() => output?.finish(result));
  failure ??= lines?.output.failure;
  if (failure !== undefined) return reportError(failure);
  return source.infos.some(({ damage }: SourceInfo) => damage !== undefined) ? ExitStatus.Io : ExitStatus.Ok;
}

async function startProcesses(analysis: Analysis): Promise<FlowProcesses> {
  const own = new Set(listInterfaces().flatMap(({ addresses }) => addresses.map(({ address }) => address)));
  return new FlowProcesses(analysis, await ProcessLookup.start(), (address) => own.has(address));
}
