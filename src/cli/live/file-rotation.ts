import { formatTimePattern } from "./time-pattern.js";

/** When to begin a new file, and what to call it. */
export interface RotationOptions {
  /** The file's name; with `rotateSeconds`, a pattern of strftime(3) for it. */
  readonly path: string;
  /** A new file begins once the present one is larger than so many bytes. */
  readonly rotateBytes?: number | undefined;
  /** A new file begins after so many seconds. */
  readonly rotateSeconds?: number | undefined;
  /** With `rotateBytes`, so many files are used in turn; with `rotateSeconds` alone, so many are written. */
  readonly maxFiles?: number | undefined;
}

/**
 * tcpdump's rotation of files, -C, -G and -W.
 *
 * - -C: before a packet is written to a file that is larger than SIZE, the next one begins: NAME, NAME1, NAME2, ... With
 *   -W, from NAME0 on with as many digits as the last one needs, and after W files the first one is written anew.
 * - -G: before a packet that comes SECONDS or more after the file was begun. The name is a pattern for the time at which
 *   the file begins; a name that repeats is written anew. With -W, the capture ends in place of file W + 1.
 * - -C and -G: NAME as the time makes it, numbered from the beginning for each time; -W numbers as with -C alone.
 *
 * A file with -G begins when its first packet comes, not before: quiet times make no empty files.
 */
export class FileRotation {
  readonly #options: RotationOptions;
  readonly #digits: number;
  /** When the present time's first file began, in whole seconds as tcpdump counts. */
  #began: number;
  /** Times that -G began. */
  #times = 1;
  /** Files of this time before the present one, modulo -W. */
  #turn = 0;

  /** @param seconds - Now, since 1970-01-01 UTC. */
  constructor(options: RotationOptions, seconds: number) {
    this.#options = options;
    this.#began = Math.floor(seconds);
    const { rotateBytes, maxFiles } = options;
    const last = (maxFiles ?? 1) - 1;
    this.#digits = rotateBytes === undefined || last === 0 ? 0 : String(last).length;
  }

  /**
   * Name of the present file.
   *
   * @throws {LeekError} see formatTimePattern.
   */
  path(): string {
    const { path, rotateSeconds } = this.#options;
    const name = rotateSeconds === undefined ? path : formatTimePattern(path, new Date(this.#began * 1000));
    return this.#turn === 0 && this.#digits === 0 ? name : name + String(this.#turn).padStart(this.#digits, "0");
  }

  /** Whether the time for the present file is over, and no other may follow. */
  isOver(seconds: number): boolean {
    const { rotateBytes, maxFiles } = this.#options;
    return maxFiles !== undefined && rotateBytes === undefined && this.#times >= maxFiles && this.#isLate(seconds);
  }

  /**
   * Moves on to the next file, if one is due before the next packet.
   *
   * @param bytes - Size of the present file.
   * @returns Whether it did: `path` is then that of the next file.
   */
  moveOn(seconds: number, bytes: number): boolean {
    const { rotateBytes, maxFiles } = this.#options;
    if (this.#isLate(seconds)) {
      this.#began = Math.floor(seconds);
      this.#times += 1;
      this.#turn = 0;
      return true;
    }
    if (rotateBytes === undefined || bytes <= rotateBytes) return false;
    this.#turn += 1;
    if (maxFiles !== undefined && this.#turn >= maxFiles) this.#turn = 0;
    return true;
  }

  #isLate(seconds: number): boolean {
    const { rotateSeconds } = this.#options;
    return rotateSeconds !== undefined && Math.floor(seconds) - this.#began >= rotateSeconds;
  }
}
