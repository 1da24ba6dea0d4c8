import { randomBytes } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { open, realpath, rename, stat, unlink, writeFile } from "node:fs/promises";
import {
  type Baseline,
  DEFAULT_POLICY,
  MAX_BASELINE_BYTES,
  MAX_POLICY_BYTES,
  type Policy,
  PolicyError,
  PRESET_NAMES,
  parseBaseline,
  parsePolicy,
  starterPolicy,
} from "../../audit/index.js";
import { escapeText, fileError, LeekError } from "../../base/index.js";
import { say } from "../output/messages.js";
import { createError } from "../output/output-file-errors.js";

/**
 * The policy of a preset, by its name, or of a file; what everybody gets without. `./NAME` is always a file.
 *
 * @throws {LeekError} LEEK_POLICY_INVALID, when more than one thing is wrong after telling each; LEEK_FILE_*.
 */
export async function loadPolicy(name: string | undefined): Promise<Policy> {
  if (name === undefined) return DEFAULT_POLICY;
  const preset = PRESET_NAMES.find((it) => it === name);
  if (preset !== undefined) return parsePolicy(starterPolicy(preset), preset);
  const text = await readPolicy(name);
  try {
    return await parsePolicy(text, name);
  } catch (error) {
    if (!(error instanceof PolicyError) || error.problems.length === 1) throw error;
    // An error is one line: more are told one by one.
    for (const problem of error.problems) say(escapeText(problem));
    throw invalid(`Cannot use policy ${name}: see above.`, error);
  }
}

/**
 * The baseline that a former run saved.
 *
 * @throws {LeekError} LEEK_BASELINE_INVALID; LEEK_FILE_*.
 */
export async function loadBaseline(path: string): Promise<Baseline> {
  const bytes = await readUpTo(path, "baseline", MAX_BASELINE_BYTES + 1);
  return parseBaseline(new TextDecoder().decode(bytes), path);
}

/**
 * Writes a baseline: aside and renamed, so that the file has the old text or the new one whatever happens.
 *
 * @throws {LeekError} LEEK_OUTPUT_CREATE; the file is as it was then.
 */
export async function saveBaseline(path: string, text: string): Promise<void> {
  try {
    const before = await stat(path).catch(() => undefined);
    // A device or a pipe is not to be replaced by a file.
    if (before !== undefined && !before.isFile()) await writeFile(path, text);
    else await replaceFile(before === undefined ? path : await realpath(path), text, before);
  } catch (error) {
    const { code, kind, message } = createError(error, path);
    throw new LeekError(code, kind, message, { hint: "Name another file with --save-baseline.", cause: error });
  }
}

async function replaceFile(path: string, text: string, before: Stats | undefined): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString("hex")}`;
  const file = await open(aside, "wx");
  try {
    try {
      if (before !== undefined) {
        await file.chmod(before.mode & 0o777);
        // Takes root, and a file system with owners.
        await file.chown(before.uid, before.gid).catch(() => {});
      }
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await unlink(aside).catch(() => {});
    throw error;
  }
}

async function readPolicy(path: string): Promise<string> {
  const bytes = await readUpTo(path, "policy", MAX_POLICY_BYTES + 1).catch((error) => {
    if (!(error instanceof LeekError) || error.code !== "LEEK_FILE_NOT_FOUND") throw error;
    const hint = `Check the path; presets are ${PRESET_NAMES.join(", ")}.`;
    throw new LeekError(error.code, error.kind, error.message, { hint, cause: error });
  });
  if (bytes.length > MAX_POLICY_BYTES) throw invalid(`Cannot use policy ${path}: it is larger than 1 MiB.`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw invalid(`Cannot use policy ${path}: it is not UTF-8.`, error);
  }
}

/** What a file begins with; pipes and devices have no size to ask for. @throws {LeekError} LEEK_FILE_*. */
async function readUpTo(path: string, what: string, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of createReadStream(path, { end: most - 1 })) {
      chunks.push(chunk);
      length += chunk.length;
    }
  } catch (error) {
    throw fileError(error, what, path);
  }
  return Buffer.concat(chunks, length);
}

function invalid(message: string, cause?: unknown): LeekError {
  return new LeekError("LEEK_POLICY_INVALID", "configuration", message, {
    hint: "leek audit --init prints a policy to start from; docs/schemas/audit-policy.json has all keys.",
    cause,
  });
}
