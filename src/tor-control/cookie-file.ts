import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { basename, isAbsolute } from "node:path";
import { systemErrorCode } from "../base/index.js";
import type { SocketAddress } from "./control-address.js";
import { authenticationError, cookiePermissionError, quotePath } from "./faults.js";

/** AUTHENTICATION_COOKIE_LEN in C tor. */
export const COOKIE_BYTES = 32;

const WRONG_FILE_HINT = "Check CookieAuthFile in torrc, or name the cookie file yourself, or use a password.";

/**
 * Reads tor's cookie: never more than its 32 bytes, never from what is no plain file.
 *
 * @param extraFlags - For open(2).
 * @throws {LeekError} LEEK_TOR_CONTROL_AUTHENTICATION.
 */
export async function readCookie(path: string, where: SocketAddress, extraFlags = 0): Promise<Buffer> {
  const unusable = (problem: string, cause?: unknown) =>
    authenticationError(where, `its cookie ${quotePath(path)} ${problem}`, WRONG_FILE_HINT, "configuration", { cause });
  if (!isAbsolute(path) || path.includes("\0")) throw unusable("is no absolute path");
  try {
    // A named pipe would otherwise wait for a writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | extraFlags);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw unusable("is no plain file");
      const { bytesRead, buffer } = await file.read(Buffer.alloc(COOKIE_BYTES + 1), 0, COOKIE_BYTES + 1, 0);
      if (bytesRead !== COOKIE_BYTES) throw unusable(`has not the ${COOKIE_BYTES} bytes that a cookie has`);
      return buffer.subarray(0, COOKIE_BYTES);
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    if (code === "EACCES" || code === "EPERM") throw cookiePermissionError(where, path, error);
    if (code !== "ENOENT" && code !== "ENOTDIR") throw unusable(`cannot be read (${code})`, error);
    throw unusable("is not here; that tor may run on another machine or in a container", error);
  }
}

/**
 * The same for a file that a stranger names and whose content would be sent to him: it must bear the name of a cookie,
 * all links followed. Other programs have secrets of 32 bytes too, Core Lightning's `hsm_secret` for one.
 *
 * @throws {LeekError} LEEK_TOR_CONTROL_AUTHENTICATION.
 */
export async function readCookieNamedByStranger(path: string, where: SocketAddress): Promise<Buffer> {
  // Where this fails, opening it says why.
  const real = isAbsolute(path) && !path.includes("\0") ? await realpath(path).catch(() => path) : path;
  // No link in its place since.
  const cookie = await readCookie(real, where, constants.O_NOFOLLOW);
  if (basename(real).includes("cookie")) return cookie;
  const problem = `it asks for the content of ${quotePath(path)}, which is not named like a cookie`;
  throw authenticationError(where, problem, WRONG_FILE_HINT, "configuration");
}
