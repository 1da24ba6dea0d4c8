import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { LeekError, systemErrorCode } from "../../base/index.js";
import { usageError } from "../arguments/usage-error.js";

/** A folder that comes to be whole or not at all: it is filled under another name beside its place. */
export class EvidenceFolder {
  readonly #path: string;
  /** Where to write. */
  readonly aside: string;

  private constructor(path: string) {
    this.#path = resolve(path);
    this.aside = join(dirname(this.#path), `.${basename(this.#path)}.tmp-${process.pid}`);
  }

  /**
   * @param path - Of a folder that is not there, or is empty.
   * @throws {LeekError} LEEK_USAGE, LEEK_EVIDENCE_WRITE.
   */
  static async create(path: string): Promise<EvidenceFolder> {
    await checkEmpty(path);
    const folder = new EvidenceFolder(path);
    try {
      await mkdir(folder.aside, { mode: 0o700 });
    } catch (error) {
      throw writeFailure(error, path);
    }
    return folder;
  }

  /** Writes a file, and waits until the disk has it. @throws {LeekError} LEEK_EVIDENCE_WRITE. */
  async write(name: string, text: string): Promise<void> {
    try {
      const file = await open(join(this.aside, name), "wx");
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      throw writeFailure(error, this.#path);
    }
  }

  /** Puts it in its place. @throws {LeekError} LEEK_EVIDENCE_WRITE, also when somebody has put something there meanwhile. */
  async finish(): Promise<void> {
    try {
      // In place of an empty folder, but of no other.
      await rename(this.aside, this.#path);
    } catch (error) {
      throw writeFailure(error, this.#path);
    }
  }

  /** Leaves nothing behind; after `finish` there is nothing to remove. */
  async discard(): Promise<void> {
    await rm(this.aside, { recursive: true, force: true });
  }
}

/** @throws {LeekError} LEEK_USAGE when there is something at the path, LEEK_EVIDENCE_WRITE. */
export async function checkEmpty(path: string): Promise<void> {
  try {
    if ((await readdir(path)).length === 0) return;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT") return;
    if (code !== "ENOTDIR") throw writeFailure(error, path);
  }
  throw usageError(`${path} is there already.`, "Name a folder that is not there, or an empty one.");
}

export function writeFailure(error: unknown, path: string): LeekError {
  const reason = error instanceof Error ? error.message : String(error);
  const isDenied = ["EACCES", "EPERM", "EROFS"].includes(systemErrorCode(error) ?? "");
  return new LeekError("LEEK_EVIDENCE_WRITE", isDenied ? "permission" : "io", `Cannot write ${path}: ${reason}.`, {
    hint: "Choose a folder on a disk with room, which the user may write to.",
    cause: error,
  });
}
