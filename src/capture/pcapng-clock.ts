import type { FractionDigits } from "../base/index.js";

const NANOSECONDS = 1_000_000_000n;
const HIGH_WORD = 2n ** 32n;
/** Microseconds: what if_tsresol is when the option is absent. */
export const DEFAULT_RESOLUTION = 6;

/**
 * Turns an interface's time stamps into seconds and nanoseconds, exactly and for any resolution.
 *
 * A time stamp is a count of units in two words. The high word stays the same for seconds (nanoseconds) to minutes
 * (microseconds), so its part is computed with BigInt once and kept; the low word's part is then exact in doubles.
 *
 * Source: draft-ietf-opsawg-pcapng §4.2 (if_tsresol, if_tsoffset), §4.3.
 */
export class PcapngClock {
  /** Result of the last `set`: whole seconds since 1970-01-01 UTC. */
  seconds = 0;
  /** Result of the last `set`: 0 to 999,999,999; finer parts are cut off. */
  nanoseconds = 0;
  readonly fractionDigits: FractionDigits;

  private readonly unitsPerSecond: bigint;
  /** `unitsPerSecond` where sums with a low word and their nanoseconds are exact in doubles; else 0. */
  private readonly exactUnits: number;
  private readonly nanosecondsPerUnit: number;
  private high = -1;
  private baseSeconds = 0;
  private baseUnits = 0;

  /**
   * @param resolution - The if_tsresol byte: n for 10^-n s, 0x80 | n for 2^-n s; `isResolution` must hold.
   * @param offset - if_tsoffset: whole seconds added to every time stamp.
   */
  constructor(
    resolution: number,
    private readonly offset: bigint,
  ) {
    const exponent = resolution & 0x7f;
    const binary = resolution > 0x7f;
    this.unitsPerSecond = (binary ? 2n : 10n) ** BigInt(exponent);
    // 10^n up to 10^9 divides a second into whole nanoseconds; 2^n up to 2^9 does too.
    const exact = exponent <= 9;
    this.exactUnits = exact ? Number(this.unitsPerSecond) : 0;
    this.nanosecondsPerUnit = exact ? 1_000_000_000 / this.exactUnits : 0;
    this.fractionDigits = this.unitsPerSecond > 1_000_000n ? 9 : 6;
  }

  /** Reads a time stamp of two words, each 0 to 2^32 - 1, into `seconds` and `nanoseconds`. */
  set(high: number, low: number): void {
    if (this.exactUnits === 0) {
      this.setSlowly(high, low);
      return;
    }
    if (high !== this.high) this.setHigh(high);
    const units = this.baseUnits + low;
    const carry = Math.floor(units / this.exactUnits);
    this.seconds = this.baseSeconds + carry;
    this.nanoseconds = (units - carry * this.exactUnits) * this.nanosecondsPerUnit;
  }

  private setHigh(high: number): void {
    const units = BigInt(high) * HIGH_WORD;
    this.high = high;
    this.baseSeconds = Number(units / this.unitsPerSecond + this.offset);
    this.baseUnits = Number(units % this.unitsPerSecond);
  }

  private setSlowly(high: number, low: number): void {
    const units = BigInt(high) * HIGH_WORD + BigInt(low);
    this.seconds = Number(units / this.unitsPerSecond + this.offset);
    this.nanoseconds = Number(((units % this.unitsPerSecond) * NANOSECONDS) / this.unitsPerSecond);
  }
}

/** Whether a resolution byte is one that 64-bit time stamps can have; libpcap refuses the others as well. */
export function isResolution(resolution: number): boolean {
  return resolution > 0x7f ? (resolution & 0x7f) <= 63 : resolution <= 19;
}
