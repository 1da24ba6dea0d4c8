/** Keeps work to a share of the time, but lets it begin at once after a rest. */
export class TimeShare {
  readonly #share: number;
  readonly #burstMs: number;
  /** Milliseconds of work that may be done now; below 0, those that have to be made up for. */
  #credit: number;
  #at: number;

  /**
   * @param share - 0.1 for a tenth of the time.
   * @param burstMs - Milliseconds of work that may be done at a stretch.
   */
  constructor(share: number, burstMs: number, now: number) {
    this.#share = share;
    this.#burstMs = burstMs;
    this.#credit = burstMs;
    this.#at = now;
  }

  /** Counts work that has been done. Times are milliseconds of a clock that never goes back. */
  spend(start: number, end: number): void {
    this.#credit = this.#creditAt(end) - (end - start);
    this.#at = end;
  }

  /** Milliseconds to wait before more work. */
  pauseAt(now: number): number {
    const credit = this.#creditAt(now);
    return credit >= 0 ? 0 : -credit / this.#share;
  }

  #creditAt(now: number): number {
    return Math.min(this.#burstMs, this.#credit + (now - this.#at) * this.#share);
  }
}
