import { type FileHandle, mkdir, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemErrorCode } from "../base/index.js";
import { archiveWriteError } from "./errors.js";
import { OWN_PREFIX } from "./layout.js";

/** Who writes. Below cli/ nobody knows the process or the clock, so they are told. */
export interface Writer {
  readonly processId: number;
  /** Whether there is a process with this number. */
  readonly isRunning: (processId: number) => boolean;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: () => number;
}

/** Process, when the writer began, and how manieth file of its. */
const TEMPORARY = new RegExp(`^\\${OWN_PREFIX}tmp-(\\d{1,10})-\\d+-\\d+$`);

/** The number of a killed writer may be another process's by now (in containers it is always 1); no document takes an
 * hour to write. */
const STALE_MS = 3_600_000;

/**
 * Puts files in their place whole or not at all: written aside in the same folder, made durable, renamed, and the
 * folder made durable too. A kill or a power cut at any point leaves what was there, and at most a temporary file.
 */
export class AsideWriter {
  readonly #writer: Writer;
  readonly #began: number;
  #count = 0;

  constructor(writer: Writer) {
    this.#writer = writer;
    this.#began = Math.trunc(writer.now());
  }

  /**
   * Writes `folder`/`name`, making the folder if need be; one that is there is replaced.
   *
   * @param root - The folder may be made below this; what lies above is made too, for its owner only.
   * @throws {LeekError} LEEK_ARCHIVE_WRITE; nothing has changed then.
   */
  async write(root: string, folder: readonly string[], name: string, bytes: Uint8Array): Promise<string> {
    const directory = join(root, ...folder);
    const path = join(directory, name);
    const aside = join(directory, `${OWN_PREFIX}tmp-${this.#writer.processId}-${this.#began}-${this.#count++}`);
    try {
      await makeFolders(root, folder);
      const file = await open(aside, "wx");
      try {
        await writeDurably(file, bytes);
        await rename(aside, path);
      } catch (error) {
        await unlink(aside).catch(() => {});
        throw error;
      }
      await syncFolder(directory);
      return path;
    } catch (error) {
      throw archiveWriteError(error, path);
    }
  }

  /** Removes what killed writers left in a folder: temporary files whose process is gone, or that are an hour old. */
  async clean(directory: string): Promise<void> {
    for (const name of await readdir(directory).catch(() => [])) {
      const owner = TEMPORARY.exec(name)?.[1];
      if (owner === undefined) continue;
      const path = join(directory, name);
      const age = this.#writer.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? 0);
      if (!this.#writer.isRunning(Number(owner)) || age > STALE_MS) await unlink(path).catch(() => {});
    }
  }
}

async function writeDurably(file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function makeFolders(root: string, folder: readonly string[]): Promise<void> {
  let directory = root;
  if ((await mkdir(root, { recursive: true, mode: 0o700 })) !== undefined) await syncFolder(dirname(root));
  for (const part of folder) {
    const parent = directory;
    directory = join(directory, part);
    if (await isNewFolder(directory)) await syncFolder(parent);
  }
}

async function isNewFolder(directory: string): Promise<boolean> {
  try {
    await mkdir(directory);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST" && (await stat(directory)).isDirectory()) return false;
    throw error;
  }
}

/** Makes names durable. Where a system has no such thing for folders, there is nothing more to do. */
export async function syncFolder(directory: string): Promise<void> {
  let folder: FileHandle;
  try {
    folder = await open(directory, "r");
  } catch (error) {
    // A folder that one may write to but not read.
    if (systemErrorCode(error) === "EACCES" || systemErrorCode(error) === "EISDIR") return;
    throw error;
  }
  try {
    await folder.sync();
  } catch (error) {
    const code = systemErrorCode(error) ?? "";
    if (!["EINVAL", "EPERM", "EBADF", "ENOTSUP"].includes(code)) throw error;
  } finally {
    await folder.close();
  }
}
