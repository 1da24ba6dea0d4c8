/**
 * Lets Ctrl-C end the reading instead of the program, so that what was seen until then is still reported: in
 * `tcpdump -w - | leek analyze -` both get the signal. A second one ends leek as usual.
 */
export class Interrupt {
  #interrupted = false;
  readonly #promise: Promise<false>;
  readonly #handler: () => void;

  /** @param onInterrupt - Called at the signal. */
  constructor(onInterrupt: () => void = () => {}) {
    let resolve: (value: false) => void = () => {};
    this.#promise = new Promise((done) => {
      resolve = done;
    });
    this.#handler = () => {
      this.#interrupted = true;
      resolve(false);
      this.dispose();
      onInterrupt();
    };
    process.once("SIGINT", this.#handler);
    process.once("SIGTERM", this.#handler);
  }

  get interrupted(): boolean {
    return this.#interrupted;
  }

  /** The given promise, or false as soon as the signal comes. */
  race(work: Promise<boolean>): Promise<boolean> {
    return Promise.race([work, this.#promise]);
  }

  dispose(): void {
    process.off("SIGINT", this.#handler);
    process.off("SIGTERM", this.#handler);
  }
}
