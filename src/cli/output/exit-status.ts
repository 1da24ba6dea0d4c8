import type { ErrorKind } from "../../base/index.js";

/** Exit statuses from sysexits.h, so that scripts can tell what to do next. */
export const ExitStatus = {
  Ok: 0,
  NotListed: 1,
  NoData: 2,
  /** Of `audit`. */
  Leak: 1,
  Inconclusive: 2,
  /** Of `relays verify`. */
  Invalid: 1,
  Unverified: 2,
  Usage: 64,
  BadData: 65,
  NoInput: 66,
  Unavailable: 69,
  Software: 70,
  Io: 74,
  Permission: 77,
  Configuration: 78,
  /** As a shell reports a program that SIGPIPE ended. */
  BrokenPipe: 141,
} as const;

const BY_KIND: Readonly<Record<ErrorKind, number>> = {
  usage: ExitStatus.Usage,
  "bad-data": ExitStatus.BadData,
  "no-input": ExitStatus.NoInput,
  unavailable: ExitStatus.Unavailable,
  software: ExitStatus.Software,
  io: ExitStatus.Io,
  permission: ExitStatus.Permission,
  configuration: ExitStatus.Configuration,
};

export function exitStatusOf(kind: ErrorKind): number {
  return BY_KIND[kind];
}
