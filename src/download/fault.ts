import { escapeText, systemErrorCode } from "../base/index.js";

/** Why a server, or the proxy before it, gave nothing. Inside this room only; a LeekError tells it to the user. */
export class Fault extends Error {
  override readonly name: string = "Fault";

  /**
   * @param reason - A clause about the culprit as "it", without a full stop: "it refused the connection".
   * @param culprit - Another server may do better; with a proxy at fault none will.
   * @param isNotFound - The server says that it does not have the document.
   */
  constructor(
    readonly reason: string,
    readonly culprit: "server" | "proxy" = "server",
    cause?: unknown,
    readonly isNotFound = false,
  ) {
    super(reason, cause === undefined ? undefined : { cause });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "it refused the connection",
  ECONNRESET: "it broke off the connection",
  EPIPE: "it broke off the connection",
  ETIMEDOUT: "it cannot be reached (time-out)",
  ENETUNREACH: "it cannot be reached (no route)",
  EHOSTUNREACH: "it cannot be reached (no route)",
  EADDRNOTAVAIL: "it cannot be reached (no route)",
  EACCES: "this machine does not allow the connection",
  EPERM: "this machine does not allow the connection",
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "its name cannot be looked up now",
};

/** What an error of a socket means. */
export function connectionFault(error: unknown, culprit: "server" | "proxy"): Fault {
  if (error instanceof Fault) return error;
  const code = systemErrorCode(error);
  const reason = code === undefined ? undefined : REASONS[code];
  return new Fault(reason ?? `the connection failed (${code ?? quote(String(error))})`, culprit, error);
}

const MAX_QUOTED_CHARACTERS = 80;

/** Text of a stranger, safe and short. */
export function quote(text: string): string {
  const start = text.slice(0, MAX_QUOTED_CHARACTERS);
  return escapeText(start.length < text.length ? `${start}...` : start);
}

/** A time-out in words: `20 s`, `0.3 s`. */
export function seconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toFixed(1))} s`;
}
