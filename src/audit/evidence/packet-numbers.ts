/** Packets that follow each other in both files: number in the evidence, number in the capture, how many. */
export type NumberRun = readonly [kept: number, captured: number, count: number];

/** Which packet of the capture each kept packet is, in runs. */
export class PacketNumbers {
  readonly #runs: [number, number, number][] = [];
  #kept = 0;

  /** The next packet is kept. @returns Its number among the kept ones, from 1. */
  add(captured: number): number {
    this.#kept++;
    const last = this.#runs.at(-1);
    if (last !== undefined && last[1] + last[2] === captured) last[2]++;
    else this.#runs.push([this.#kept, captured, 1]);
    return this.#kept;
  }

  get runs(): readonly NumberRun[] {
    return this.#runs;
  }
}
