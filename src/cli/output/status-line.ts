const INTERVAL_MS = 200;
/** Nothing is shown before this: short work needs no progress, and a flicker annoys. */
const DELAY_MS = 500;
const CLEAR_LINE = "\r\u001b[K";

/** A line on standard error that tells how far long work is. Only on a terminal. */
export class StatusLine {
  readonly #enabled = process.stderr.isTTY === true;
  #next = performance.now() + DELAY_MS;
  #shown = false;

  /** @param text - Asked for when it is time to show something. */
  show(text: () => string): void {
    if (!this.#enabled) return;
    const now = performance.now();
    if (now < this.#next) return;
    this.#next = now + INTERVAL_MS;
    this.#shown = true;
    process.stderr.write(CLEAR_LINE + text());
  }

  /** Removes the line again. */
  end(): void {
    if (this.#shown) process.stderr.write(CLEAR_LINE);
  }
}
