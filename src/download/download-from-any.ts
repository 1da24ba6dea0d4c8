import { LeekError } from "../base/index.js";
import {
  type Downloaded,
  type DownloadOptions,
  downloadHint,
  fetchDocument,
  type Mirror,
  proxyFailed,
  whereIs,
} from "./download.js";
import { Fault, quote } from "./fault.js";

export interface AnyMirrorOptions extends DownloadOptions {
  /** How many mirrors to ask at most; default: all. */
  readonly attempts?: number;
  /** @returns Why the next mirror should be asked instead, as a clause ("it sent no consensus"); undefined to accept. */
  readonly check?: (bytes: Buffer, mirror: Mirror) => string | undefined;
}

/**
 * Fetches a document from the first of the mirrors, in their order, that gives an acceptable one. Limits and times are
 * those of `download`, for each mirror.
 *
 * @throws {LeekError} LEEK_DOWNLOAD_FAILED with what was wrong with each; LEEK_PROXY_FAILED, at once, when it is the proxy
 *   that is at fault; the signal's reason when it was aborted; whatever `check` and `onProgress` throw.
 */
export async function downloadFromAny(
  mirrors: readonly Mirror[],
  path: string,
  options: AnyMirrorOptions,
): Promise<Downloaded> {
  const reasons: string[] = [];
  for (const mirror of mirrors.slice(0, options.attempts)) {
    try {
      const downloaded = await fetchDocument(mirror, path, options);
      const refusal = options.check?.(downloaded.bytes, mirror);
      if (refusal === undefined) return downloaded;
      reasons.push(`${whereIs(mirror)}: ${quote(refusal)}`);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.culprit === "proxy") throw proxyFailed(error, options);
      reasons.push(`${whereIs(mirror)}: ${error.reason}`);
    }
  }
  const message =
    reasons.length === 0
      ? `Cannot fetch ${path}: there is no directory server to ask.`
      : `Cannot fetch ${path}. ${reasons.join("; ")}.`;
  throw new LeekError("LEEK_DOWNLOAD_FAILED", "unavailable", message, { hint: downloadHint(options) });
}
