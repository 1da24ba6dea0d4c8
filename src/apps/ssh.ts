import type { StreamHead, StreamSide } from "../streams/index.js";
import type { FlowFacts } from "./flow-facts.js";
import { firstText, LineCursor, LineResult } from "./line-cursor.js";
import { type FlowContext, Match, type StreamProtocol, type StreamReader } from "./protocol-reader.js";

const LETTER_S = 0x53;
const MATCH_BYTES = 128;
/** RFC 4253 4.2: 255 with CR LF; a little more is taken, as programs do. */
const MAX_LINE = 512;
/** Lines that a server may say before; OpenSSH reads 1024 of them. */
const MAX_PREAMBLE = 8192;
const START = /^SSH-\d\.\d{1,2}-/;
/** What may become it. */
const START_SO_FAR = /^S(?:S(?:H(?:-(?:\d(?:\.\d{0,2})?)?)?)?)?$/;
const START_LATER = /\nSSH-\d\.\d{1,2}-/;
/** SSH-protoversion-softwareversion SP comments: printable US-ASCII. */
const BANNER = /^SSH-(\d\.\d{1,2})-([!-~][ -~]*)$/;

/**
 * SSH, by the banner of either side. A server may say other lines first.
 *
 * Source: RFC 4253 4.2.
 */
export const ssh: StreamProtocol = {
  protocol: "ssh",
  match(head: StreamHead, side: StreamSide): Match {
    if (head.bytes[0] === LETTER_S) {
      const text = firstText(head, 16);
      if (START.test(text)) return Match.Yes;
      if (START_SO_FAR.test(text)) return Match.NeedMore;
    }
    return side === 1 && head.fromStart ? matchPreamble(head) : Match.No;
  },
  open: (context) => new SshReader(context),
};

/** Lines of text whose last one begins as a banner. Text alone may be anybody's: it is waited for, briefly. */
function matchPreamble(head: StreamHead): Match {
  const { bytes } = head;
  const length = Math.min(head.length, MATCH_BYTES);
  for (let i = 0; i < length; i++) {
    const byte = bytes[i]!;
    if ((byte < 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) || byte === 0x7f) {
      // A banner, and its binary packets in the same segment.
      return START_LATER.test(firstText(head, i)) ? Match.Yes : Match.No;
    }
  }
  if (START_LATER.test(firstText(head, length))) return Match.Yes;
  return head.length < MATCH_BYTES ? Match.NeedMore : Match.No;
}

class SshReader implements StreamReader {
  readonly #facts: FlowFacts;
  readonly #lines = [new LineCursor(MAX_LINE), new LineCursor(MAX_LINE)] as const;
  readonly #done = [false, false];

  constructor({ facts }: FlowContext) {
    this.#facts = facts;
    facts.recognise("ssh", "content");
  }

  read(side: StreamSide, head: StreamHead): number {
    const lines = this.#lines[side];
    while (!this.#done[side]) {
      const result = lines.next(head);
      if (result === LineResult.NeedMore) return head.length + 1;
      if (result === LineResult.TooLong || lines.start > MAX_PREAMBLE) this.#done[side] = true;
      else if (lines.end - lines.start > 4 && head.bytes[lines.start] === LETTER_S) this.#line(side, lines.text(head));
    }
    return Infinity;
  }

  #line(side: StreamSide, text: string): void {
    if (!START.test(text)) return;
    this.#done[side] = true;
    const [, version, software] = BANNER.exec(text) ?? [];
    if (version === undefined || software === undefined) return;
    const facts = this.#facts;
    facts.detail(side === 0 ? "clientVersion" : "serverVersion", version);
    facts.detail(side === 0 ? "clientSoftware" : "serverSoftware", software);
    facts.disclose("software", software);
  }
}
