import type { Subject } from "./rule.js";

/** An exception of the policy or of a baseline that was used. They are never silent. */
export interface ExceptionUse {
  readonly because: string;
  flows: number;
  packets: number;
  bytes: number;
}

/** Counts what exceptions let pass. */
export class ExceptionUses {
  readonly #uses = new Map<{ readonly because: string }, ExceptionUse>();

  /** @param allowed - The same object each time. */
  add(allowed: { readonly because: string }, { record: { flow } }: Subject): void {
    let use = this.#uses.get(allowed);
    if (use === undefined) {
      use = { because: allowed.because, flows: 0, packets: 0, bytes: 0 };
      this.#uses.set(allowed, use);
    }
    use.flows++;
    use.packets += flow.packets.originator + flow.packets.responder;
    use.bytes += flow.bytes.originator + flow.bytes.responder;
  }

  all(): readonly ExceptionUse[] {
    return [...this.#uses.values()];
  }
}
