import type { CapturedPacket } from "../../base/index.js";
import type { Analysis } from "../../pipeline/index.js";
import { LineBuffer, TcpdumpFormatter, type TimeStyle } from "../../report/tcpdump/index.js";
import { LineOutput } from "./line-output.js";
import { interfaceName, utcOffsetSeconds } from "./local-machine.js";
import { Tagger } from "./tagger.js";

export interface PacketLinesOptions {
  readonly time: TimeStyle;
  readonly linkLevel: boolean;
  readonly quiet: boolean;
  readonly number: boolean;
  /** Leaves the tags out. */
  readonly plain: boolean;
}

const NEWLINE = 10;

/** tcpdump's lines of a live capture, each with its tag, on standard output. */
export class PacketLines {
  readonly output: LineOutput;
  readonly #formatter: TcpdumpFormatter;
  readonly #tagger: Tagger | undefined;
  readonly #unseen = new LineBuffer();

  /** @param onEnd - Called when standard output takes no more. */
  constructor(analysis: Analysis, options: PacketLinesOptions, onEnd: () => void) {
    this.output = new LineOutput(onEnd);
    const { time, linkLevel, quiet, number } = options;
    this.#formatter = new TcpdumpFormatter({ time, linkLevel, quiet, number, utcOffsetSeconds, interfaceName });
    this.#tagger = options.plain ? undefined : new Tagger(analysis);
  }

  /** @param row - What the analysis made of the packet. */
  packet(packet: CapturedPacket, row: number): void {
    const { output } = this;
    if (output.crowded) {
      output.hide();
      // Relative sequence numbers count from a connection's first segment, shown or not.
      this.#unseen.clear();
      this.#formatter.format(packet, this.#unseen);
      return;
    }
    const { lines } = output;
    this.#formatter.format(packet, lines);
    if (this.#tagger !== undefined) {
      const tag = this.#tagger.tagOf(row);
      lines.copy(tag, 0, tag.length);
    }
    lines.byte(NEWLINE);
  }
}
