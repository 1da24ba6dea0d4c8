import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { basename, isAbsolute } from "node:path";
import { LeekError, systemErrorCode } from "../base/index.js";
import type { SocketAddress } from "./control-address.js";
import { authenticationError, cookiePermissionError, quotePath } from "./faults.js";

/** AUTHENTICATION_COOKIE_LEN in C tor. */
const COOKIE_BYTES = 32;

const WRONG_FILE_HINT = "Check CookieAuthFile in torrc, or name the cookie file yourself, or use a password.";

/**
 * Reads tor's cookie: never more than its 32 bytes, never from what is no plain file.
 *
 * @throws {LeekError} LEEK_TOR_CONTROL_AUTHENTICATION.
 */
export async function readCookie(path: string, where: SocketAddress): Promise<Buffer> {
  try {
    return await readPlainFile(path, path, where, 0);
  } catch (error) {
    throw cookieError(error, path, where);
  }
}

/**
 * The same for a file that a stranger names and whose content would be sent to him: it must bear the name of a cookie,
 * all links followed. Other programs have secrets of 32 bytes too, Core Lightning's `hsm_secret` for one.
 *
 * @throws {LeekError} LEEK_TOR_CONTROL_AUTHENTICATION.
 */
export async function readCookieNamedByStranger(path: string, where: SocketAddress): Promise<Buffer> {
  try {
    checkPath(path, where);
    const real = await realpath(path);
    // Nor may a link take its place now.
    const cookie = await readPlainFile(real, path, where, constants.O_NOFOLLOW);
    if (basename(real).includes("cookie")) return cookie;
  } catch (error) {
    throw cookieError(error, path, where);
  }
  const problem = `it asks for the content of ${quotePath(path)}, which is not named like a cookie`;
  throw authenticationError(where, problem, WRONG_FILE_HINT, "configuration");
}

/** @param name - The path for messages. */
async function readPlainFile(path: string, name: string, where: SocketAddress, extraFlags: number): Promise<Buffer> {
  checkPath(path, where);
  // Without O_NONBLOCK a named pipe would wait for a writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | extraFlags);
  try {
    if (!(await file.stat()).isFile()) throw unusable(name, where, "is no plain file");
    const { bytesRead, buffer } = await file.read(Buffer.alloc(COOKIE_BYTES + 1), 0, COOKIE_BYTES + 1, 0);
    if (bytesRead === COOKIE_BYTES) return buffer.subarray(0, COOKIE_BYTES);
    throw unusable(name, where, `has not the ${COOKIE_BYTES} bytes that a cookie has`);
  } finally {
    await file.close();
  }
}

function checkPath(path: string, where: SocketAddress): void {
  if (!isAbsolute(path) || path.includes("\0")) throw unusable(path, where, "is no absolute path");
}

function cookieError(error: unknown, path: string, where: SocketAddress): unknown {
  const code = error instanceof LeekError ? undefined : systemErrorCode(error);
  if (code === undefined) return error;
  if (code === "EACCES" || code === "EPERM") return cookiePermissionError(where, path, error);
  if (code !== "ENOENT" && code !== "ENOTDIR") return unusable(path, where, `cannot be read (${code})`, error);
  return unusable(path, where, "is not here; that tor may run on another machine or in a container", error);
}

function unusable(path: string, where: SocketAddress, problem: string, cause?: unknown): LeekError {
  const message = `its cookie ${quotePath(path)} ${problem}`;
  return authenticationError(where, message, WRONG_FILE_HINT, "configuration", { cause });
}
