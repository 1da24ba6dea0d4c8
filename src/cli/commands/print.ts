import type { CapturedPacket } from "../../base/index.js";
import type { PacketSource } from "../../capture/index.js";
import { LineBuffer, TcpdumpFormatter, type TimeStyle } from "../../report/tcpdump/index.js";
import type { PayloadOptions } from "../arguments/payload-arguments.js";
import type { DirectoryOptions } from "../directory/directory-options.js";
import { ExitStatus } from "../output/exit-status.js";
import { interfaceName, utcOffsetSeconds } from "../output/local-machine.js";
import { say } from "../output/messages.js";
import { writeOutput } from "../output/output.js";
import type { Tagger, TagSources } from "../output/tagger.js";
import { loadFilter } from "../reading/load-filter.js";
import { readCaptures } from "../reading/read-capture.js";

export interface PrintOptions extends DirectoryOptions, PayloadOptions {
  readonly filter: string | undefined;
  readonly count: number | undefined;
  /** Leaves the tags out. */
  readonly plain: boolean;
  readonly time: TimeStyle;
  readonly linkLevel: boolean;
  readonly quiet: boolean;
  readonly number: boolean;
}

const FLUSH_AT = 1 << 17;
const NEWLINE = 10;

/** `leek print`: a line for each packet, as `tcpdump -n` writes it, and a tag behind it. */
export async function print(paths: readonly string[], options: PrintOptions): Promise<number> {
  const tags = options.plain ? undefined : await loadTags(options);
  const filter = options.filter === undefined ? undefined : await loadFilter(options.filter);
  const { time, linkLevel, quiet, number } = options;
  const formatter = new TcpdumpFormatter({ time, linkLevel, quiet, number, utcOffsetSeconds, interfaceName });
  const lines = new LineBuffer(FLUSH_AT * 2);
  let tagger: Tagger | undefined;
  // Counted up in whole numbers: V8 would make an object of each value that is none, such as Infinity - 1.
  let taken = 0;
  const flush = () => {
    writeOutput(lines.bytes, lines.length);
    lines.clear();
  };
  const source = await readCaptures(paths, {
    async start(opened: PacketSource, from: number | undefined) {
      for (const { linkType } of opened.infos.flatMap((info) => info.interfaces)) filter?.prepare(linkType);
      tagger = await tags?.tagger(from);
    },
    packet(packet: CapturedPacket) {
      if (filter !== undefined && !filter.matches(packet)) return true;
      formatter.format(packet, lines);
      if (tagger !== undefined) {
        const tag = tagger.tag(packet);
        lines.copy(tag, 0, tag.length);
      }
      lines.byte(NEWLINE);
      if (lines.length >= FLUSH_AT) flush();
      taken++;
      return taken !== options.count;
    },
    batch: flush,
  });
  flush();
  for (const note of tags?.notes ?? []) say(note.message);
  for (const { name, damage } of source.infos) {
    if (damage !== undefined)
      say(`${name} is damaged at record ${damage.record}, byte ${damage.offset}: ${damage.message}`);
  }
  return ExitStatus.Ok;
}

// Loaded when it is needed: it would double the start of a plain run.
async function loadTags(options: DirectoryOptions & PayloadOptions): Promise<TagSources> {
  const { TagSources } = await import("../output/tagger.js");
  return new TagSources(options);
}
