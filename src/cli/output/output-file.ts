import { closeSync, fchownSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { systemErrorCode } from "../../base/index.js";

/** Whose a new file is to be. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * A file that is written from its beginning. Synchronous, so that output never piles up in memory when the disk is
 * slower than leek. Throws what Node.js throws.
 */
export class OutputFile {
  /** Bytes in the file. */
  size = 0;
  readonly #descriptor: number;

  /**
   * Makes the file, or empties one that is there, as fopen(3) with "w" does: mode 0666 less the umask.
   *
   * @param owner - Who gets the file if it is a new one; one that was there keeps its owner. Takes root.
   */
  constructor(
    readonly path: string,
    owner?: FileOwner,
  ) {
    let isNew = true;
    try {
      this.#descriptor = openSync(path, "wx");
    } catch (error) {
      if (systemErrorCode(error) !== "EEXIST") throw error;
      isNew = false;
      this.#descriptor = openSync(path, "w");
    }
    if (owner !== undefined && isNew) this.#give(owner);
  }

  /** Writes all bytes. When that fails, `size` says how many were written nevertheless. */
  write(bytes: Uint8Array, length: number): void {
    for (let at = 0; at < length; ) {
      const written = writeSync(this.#descriptor, bytes, at, length - at);
      at += written;
      this.size += written;
    }
  }

  /** Cuts the file to its first `size` bytes, where it is a file that can be cut. */
  cut(size: number): void {
    try {
      ftruncateSync(this.#descriptor, size);
      this.size = size;
    } catch {
      // A device or a pipe: what was written cannot be taken back.
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #give({ uid, gid }: FileOwner): void {
    try {
      fchownSync(this.#descriptor, uid, gid);
    } catch {
      // A file system without owners (vfat). The file is open, which is what counts.
    }
  }
}
