import { asciiText, type LineBuffer, putAscii, putSixDigits } from "./line-buffer.js";

/** tcpdump's `-t` (none), default (clock), `-tt`, `-ttt`, `-tttt`, `-ttttt`, in this order. */
export type TimeStyle = "none" | "clock" | "epoch" | "delta" | "date" | "since-first";

const DAY = 86_400;

function floorMod(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}

/** `HH:MM:SS` of a number of seconds since some midnight. */
function clockText(seconds: number): string {
  const ofDay = floorMod(seconds, DAY);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(ofDay / 3600))}:${two(Math.floor(ofDay / 60) % 60)}:${two(ofDay % 60)}`;
}

/**
 * The time stamp that begins a line, in the chosen style, with a space after it.
 *
 * Six digits always: tcpdump asks libpcap for microseconds, whatever the capture has.
 */
export class TimeText {
  readonly #style: TimeStyle;
  readonly #utcOffsetSeconds: (seconds: number) => number;
  /** The packet that differences are taken from; undefined before the first. */
  #reference: { seconds: number; micros: number } | undefined;
  // What stands before the digits of the fraction is the same for all packets of a second.
  #cachedSecond = -1;
  #cached = asciiText("");
  #hasFraction = true;

  /** @param utcOffsetSeconds - The local zone's offset at a moment, east positive; 0 for UTC. */
  constructor(style: TimeStyle, utcOffsetSeconds: (seconds: number) => number) {
    this.#style = style;
    this.#utcOffsetSeconds = utcOffsetSeconds;
  }

  /** @param seconds - Since 1970; tcpdump calls what needs more than 31 bits an error, and so does this. */
  write(out: LineBuffer, seconds: number, nanoseconds: number): void {
    if (this.#style === "none") return;
    const micros = (nanoseconds / 1000) | 0;
    if (this.#style === "delta" || this.#style === "since-first") {
      this.#writeDifference(out, seconds, micros);
      return;
    }
    if (seconds !== this.#cachedSecond) this.#cacheSecond(seconds);
    // The longest text of a second, with what is written past its end.
    out.reserve(64);
    const { view } = out;
    let at = putAscii(view, out.length, this.#cached.view, 0, this.#cached.length);
    if (this.#hasFraction) {
      at = putSixDigits(view, at, micros);
      view.setInt8(at++, 0x20);
    }
    out.length = at;
  }

  #cacheSecond(seconds: number): void {
    // tcpdump looks at bit 31 of the second alone.
    this.#hasFraction = (seconds / 0x8000_0000) % 2 < 1;
    this.#cached = asciiText(this.#hasFraction ? `${this.#secondText(seconds)}.` : "[Error converting time] ");
    this.#cachedSecond = seconds;
  }

  #secondText(seconds: number): string {
    if (this.#style === "epoch") return String(seconds % 0x1_0000_0000);
    const local = seconds + this.#utcOffsetSeconds(seconds);
    if (this.#style !== "date") return clockText(local);
    const date = new Date(local * 1000);
    // Beyond the year 275760, where Date ends, there is no date to be shown.
    return Number.isNaN(date.getTime()) ? clockText(local) : `${date.toISOString().slice(0, -14)} ${clockText(local)}`;
  }

  #writeDifference(out: LineBuffer, unsigned: number, micros: number): void {
    // libpcap reads the seconds of a pcap file as a signed number.
    const seconds = unsigned < 0x1_0000_0000 ? unsigned | 0 : unsigned;
    // A zero time counts as unset in tcpdump.
    const isUnset = this.#reference === undefined || (this.#reference.seconds === 0 && this.#reference.micros === 0);
    if (isUnset) this.#reference = { seconds, micros };
    const reference = this.#reference!;
    let wholeSeconds = seconds - reference.seconds;
    let fraction = micros - reference.micros;
    const isNegative = wholeSeconds < 0 || (wholeSeconds === 0 && fraction < 0);
    if (isNegative) {
      wholeSeconds = -wholeSeconds;
      fraction = -fraction;
    }
    if (fraction < 0) {
      wholeSeconds--;
      fraction += 1_000_000;
    }
    out.byte(isNegative ? 0x2d : 0x20);
    if ((wholeSeconds / 0x8000_0000) % 2 >= 1) {
      out.write("[Error converting time] ");
    } else {
      out.write(clockText(wholeSeconds));
      out.byte(0x2e);
      out.sixDigits(fraction);
      out.byte(0x20);
    }
    if (this.#style === "delta") {
      reference.seconds = seconds;
      reference.micros = micros;
    }
  }
}
