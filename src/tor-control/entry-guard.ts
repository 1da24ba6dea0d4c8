import { parseUtcTime } from "../base/index.js";
import { parseRelayName } from "./relay-name.js";

const STATUSES = ["up", "never-connected", "down", "unusable", "unlisted"] as const;

export type EntryGuardStatus = (typeof STATUSES)[number];

/** What tor writes for a bridge that it does not know yet. */
const UNKNOWN = "0".repeat(40);

/** A relay of tor's sample of entry guards; it uses some of those that are `up`. With bridges, these are the bridges. */
export interface EntryGuard {
  /** 40 upper-case hex digits; undefined for a bridge whose line has none and that tor has not reached yet. */
  readonly fingerprint: string | undefined;
  readonly nickname: string | undefined;
  readonly status: EntryGuardStatus;
  /** Since when it is down or unlisted, in seconds since 1970-01-01 UTC; mostly undefined. tor blurs such times. */
  readonly since: number | undefined;
}

/**
 * Reads one line of `GETINFO entry-guards`.
 *
 * Source: control-spec 3.9.
 *
 * @returns undefined when the line has another form.
 */
export function parseEntryGuard(line: string): EntryGuard | undefined {
  // LongName SP Status [SP ISOTime]
  // $0123456789ABCDEF0123456789ABCDEF01234567~example down 2026-11-22 10:00:00
  const [longName = "", word, ...time] = line.split(" ");
  const name = parseRelayName(longName);
  const status = STATUSES.find((known) => known === word);
  if (name === undefined || status === undefined) return undefined;
  const fingerprint = name.fingerprint === UNKNOWN ? undefined : name.fingerprint;
  return {
    fingerprint,
    nickname: name.nickname,
    status,
    since: time.length === 0 ? undefined : parseUtcTime(time.join(" ")),
  };
}
