import { escapeText, linkTypeName } from "../../base/index.js";
import type { SourceInfo } from "../../capture/index.js";
import type { LiveSettings } from "./read-live.js";

/** Says, as tcpdump does, that the capture has begun. */
export function announce(infos: readonly SourceInfo[], settings: LiveSettings): void {
  for (const { name, interfaces } of infos) {
    const [face] = interfaces;
    const link = face === undefined ? "unknown" : linkTypeName(face.linkType);
    const text = `listening on ${escapeText(name)}, link-type ${link}, snapshot length ${settings.snaplen} bytes`;
    process.stderr.write(`${text}\n`);
  }
}

/**
 * The closing lines, in tcpdump's words; a number that is not known is said to be so.
 *
 * @param captured - Packets that leek analysed.
 * @param hidden - Packets that were analysed, but whose lines found no room.
 */
export function summarize(captured: number, infos: readonly SourceInfo[], hidden: number): void {
  const statistics = infos.flatMap(({ interfaces }) => interfaces.map((face) => face.statistics));
  const lines = [`${packets(captured)} captured`];
  if (statistics.some((one) => one === undefined)) {
    lines.push("packets received and dropped: unknown, this backend cannot tell");
  }
  const known = statistics.filter((one) => one !== undefined);
  if (known.length > 0) {
    const sum = (pick: (one: (typeof known)[number]) => number) => known.reduce((total, one) => total + pick(one), 0);
    lines.push(`${packets(sum((one) => one.received))} received by filter`);
    lines.push(`${packets(sum((one) => one.droppedByKernel))} dropped by kernel`);
    const byInterface = sum((one) => one.droppedByInterface);
    if (byInterface > 0) lines.push(`${packets(byInterface)} dropped by interface`);
  }
  if (hidden > 0) lines.push(`${packets(hidden)} analysed but not shown: the output was slower than the capture`);
  process.stderr.write(`${lines.join("\n")}\n`);
}

function packets(count: number): string {
  return `${count} packet${count === 1 ? "" : "s"}`;
}
