import type { PacketSource } from "../../capture/index.js";
import { StatusLine } from "./status-line.js";

/** Shows on standard error how far a capture is read: bytes, rate, time left. Only on a terminal. */
export class Progress {
  readonly #source: PacketSource;
  readonly #started = performance.now();
  readonly #line = new StatusLine();

  constructor(source: PacketSource) {
    this.#source = source;
  }

  /** Called once per batch. */
  tick(): void {
    this.#line.show(() => this.#text((performance.now() - this.#started) / 1000));
  }

  /** Removes the line again. */
  end(): void {
    this.#line.end();
  }

  #text(elapsed: number): string {
    let read = 0;
    let total: number | undefined = 0;
    for (const info of this.#source.infos) {
      read += info.bytesRead;
      total = total === undefined || info.totalBytes === undefined ? undefined : total + info.totalBytes;
    }
    const rate = read / elapsed;
    const text = `${megabytes(read)} MB read, ${megabytes(rate)} MB/s`;
    if (total === undefined || total === 0 || rate === 0) return text;
    const left = Math.max(0, Math.ceil((total - read) / rate));
    return `${text}, ${Math.floor((read / total) * 100)} % of ${megabytes(total)} MB, ${left} s left`;
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0);
}
