import { LeekError, type LeekErrorDetails, systemErrorCode } from "../base/index.js";
import { formatSocketAddress, type SocketAddress } from "./control-address.js";
import { quote, type Reply } from "./reply-parser.js";

// Every error of this room. Each names the control port in question and the next step.

const ENABLE_HINT =
  'Start tor, or add "ControlPort 9051" and "CookieAuthentication 1" to its torrc and restart it; name another port or socket if it listens elsewhere.';

const PERMISSION_HINT =
  'Run with sudo, or join the group of tor ("sudo usermod -aG debian-tor $USER" on Debian, then log in again).';

const NOT_TOR_HINT =
  "Name the control port, usually 9051 (Tor Browser 9151) or /run/tor/control; 9050 and 9150 are for SOCKS.";

/** The socket could not be connected. */
export function connectError(where: SocketAddress, error: unknown): LeekError {
  const name = formatSocketAddress(where);
  const code = systemErrorCode(error);
  if (code === "EACCES" || code === "EPERM") {
    return new LeekError("LEEK_TOR_CONTROL_PERMISSION", "permission", `Cannot open ${name}: permission denied.`, {
      cause: error,
      hint: PERMISSION_HINT,
    });
  }
  const reason = code === undefined ? undefined : CONNECT_REASONS[code];
  return unreachable(where, reason ?? `the connection failed (${code ?? quote(String(error))})`, error);
}

const CONNECT_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ENOENT: "there is no such socket",
  ENOTDIR: "there is no such socket",
  ENOTSOCK: "it is no socket",
  ETIMEDOUT: "it cannot be reached (time-out)",
  ENETUNREACH: "it cannot be reached (no route)",
  EHOSTUNREACH: "it cannot be reached (no route)",
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "its name cannot be looked up now",
};

export function connectTimeout(where: SocketAddress, timeoutMs: number): LeekError {
  return unreachable(where, `it did not answer within ${timeoutMs / 1000} s`);
}

function unreachable(where: SocketAddress, reason: string, cause?: unknown): LeekError {
  const message = `Cannot reach tor's control port at ${formatSocketAddress(where)}: ${reason}.`;
  return new LeekError("LEEK_TOR_CONTROL_UNREACHABLE", "unavailable", message, { cause, hint: ENABLE_HINT });
}

export function replyTimeout(where: SocketAddress, timeoutMs: number): LeekError {
  const message = `tor's control port at ${formatSocketAddress(where)} gave no full answer within ${timeoutMs / 1000} s.`;
  return new LeekError("LEEK_TOR_CONTROL_TIMEOUT", "unavailable", message, {
    hint: `Try again when tor is less busy. ${NOT_TOR_HINT}`,
  });
}

/** The connection ended where an answer was due. */
export function closedError(where: SocketAddress, cause?: unknown): LeekError {
  const message = `The control port at ${formatSocketAddress(where)} closed the connection in the middle.`;
  return new LeekError("LEEK_TOR_CONTROL_CLOSED", "unavailable", message, {
    cause,
    hint: `See in tor's log whether it stopped, then try again. ${NOT_TOR_HINT}`,
  });
}

/** The very first answer is not one of tor's. */
export function notTorError(where: SocketAddress, problem: string, cause?: unknown): LeekError {
  const message = `What listens at ${formatSocketAddress(where)} is not tor's control port: ${problem}.`;
  return new LeekError("LEEK_TOR_CONTROL_NOT_TOR", "unavailable", message, { cause, hint: NOT_TOR_HINT });
}

/** An answer that leek cannot read. */
export function malformedError(where: SocketAddress, problem: string, cause?: unknown): LeekError {
  const message = `Cannot read what tor's control port at ${formatSocketAddress(where)} answered: ${problem}.`;
  return new LeekError("LEEK_TOR_CONTROL_MALFORMED", "bad-data", message, {
    cause,
    hint: "Check that really tor listens there; if so, report this with tor's version.",
  });
}

/** tor understood, and does not do it. */
export function refusedError(where: SocketAddress, command: string, reply: Reply): LeekError {
  const message = `tor at ${formatSocketAddress(where)} refused ${quote(command)}: ${refusal(reply)}.`;
  return new LeekError("LEEK_TOR_CONTROL_REFUSED", "unavailable", message, {
    hint: "Use the control port of tor itself, of version 0.4.3 or later; a filter before it may forbid the question.",
  });
}

/** @param kind - `permission` where another user or secret would help. */
export function authenticationError(
  where: SocketAddress,
  problem: string,
  hint: string,
  kind: "permission" | "configuration" = "permission",
  details: Pick<LeekErrorDetails, "cause"> = {},
): LeekError {
  const message = `Cannot authenticate to tor's control port at ${formatSocketAddress(where)}: ${problem}.`;
  return new LeekError("LEEK_TOR_CONTROL_AUTHENTICATION", kind, message, { ...details, hint });
}

export function cookiePermissionError(where: SocketAddress, cookieFile: string, cause: unknown): LeekError {
  const problem = `no permission to read its cookie ${quotePath(cookieFile)}`;
  return authenticationError(where, problem, PERMISSION_HINT, "permission", { cause });
}

/** tor's own words: `515 Authentication failed: ...`, without a full stop. */
export function refusal(reply: Reply): string {
  return `${reply.status} ${quote(reply.lines.at(-1)?.text ?? "")}`.replace(/\.+$/, "");
}

const MAX_PATH_CHARACTERS = 200;

/** A path from a stranger: longer than other quotations, for it must be found. */
export function quotePath(path: string): string {
  return quote(path, MAX_PATH_CHARACTERS);
}
