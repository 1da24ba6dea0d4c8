import type { CapturedPacket } from "../../base/index.js";
import { fractionDigitsOf, type PacketSource } from "../../capture/index.js";
import { Analysis } from "../../pipeline/index.js";
import { type PayloadOptions, payloadSettings } from "../arguments/payload-arguments.js";
import { type DirectoryOptions, DirectorySources } from "../directory/directory-options.js";
import { type AnalysisFormat, analysisOutput } from "../output/analysis-output.js";
import { ExitStatus } from "../output/exit-status.js";
import { say } from "../output/messages.js";
import { loadFilter } from "../reading/load-filter.js";
import { readCaptures } from "../reading/read-capture.js";

export interface AnalyzeOptions extends DirectoryOptions, PayloadOptions {
  readonly filter: string | undefined;
  readonly count: number | undefined;
  readonly format: AnalysisFormat;
}

/** `leek analyze`: the contrast report, or its JSON document, or its flows as CSV. */
export async function analyze(paths: readonly string[], options: AnalyzeOptions): Promise<number> {
  const sources = new DirectorySources(options);
  const filter = options.filter === undefined ? undefined : await loadFilter(options.filter);
  const output = await analysisOutput(options.format);
  let analysis: Analysis | undefined;
  // Counted up in whole numbers: V8 would make an object of each value that is none, such as Infinity - 1.
  let taken = 0;
  const source = await readCaptures(paths, {
    async start(opened: PacketSource, from: number | undefined) {
      const directory = await sources.load(from);
      for (const { linkType } of opened.infos.flatMap((info) => info.interfaces)) filter?.prepare(linkType);
      output.start();
      analysis = new Analysis({
        directory,
        ...payloadSettings(options),
        onFlow: (record) => output.flow(record, fractionDigitsOf(opened.infos)),
      });
    },
    packet(packet: CapturedPacket) {
      if (filter !== undefined && !filter.matches(packet)) return true;
      analysis!.observe(packet);
      taken++;
      return taken !== options.count;
    },
    batch() {},
  });
  for (const note of sources.notes) say(note.message);
  output.finish(analysis!.finish(source.infos));
  return ExitStatus.Ok;
}
