import { type Command, InvalidArgumentError } from "commander";
import { LeekError } from "../../base/index.js";
import type { CaptureFileOptions } from "../live/capture-file.js";
import { positive } from "./quantities.js";

interface RecordingArguments {
  readonly w?: string;
  readonly C?: number;
  readonly G?: number;
  readonly W?: number;
}

/** tcpdump(1): without a suffix, millions of bytes; k, m, g and KiB to GiB since 4.99. */
const BYTES_OF_UNIT: Readonly<Record<string, number>> = {
  "": 1e6,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
};

/** Adds the options that keep packets in files, with tcpdump's letters. */
export function recordingOptions(command: Command): void {
  command
    .option("-w <file>", "keep the packets in this file, as pcapng; - for standard output")
    .option("-C <size>", "with -w: a new file after so many million bytes (or with k, m, g behind it)", fileBytes)
    .option("-G <seconds>", "with -w: a new file after so many seconds; the name is a pattern of strftime(3)", positive)
    .option("-W <count>", "with -C: so many files, used in turn; with -G: stop after so many", positive);
}

/** @throws {LeekError} LEEK_USAGE. */
export function captureFileOptions({ w, C, G, W }: RecordingArguments): CaptureFileOptions | undefined {
  if (w !== undefined) return { path: w, rotateBytes: C, rotateSeconds: G, maxFiles: W };
  if (C === undefined && G === undefined && W === undefined) return undefined;
  throw new LeekError("LEEK_USAGE", "usage", "-C, -G and -W need a file to write.", { hint: "Name it with -w FILE." });
}

function fileBytes(text: string): number {
  const [, number = "", unit = ""] = /^(\d+)([kmg]?)(?:ib)?$/i.exec(text) ?? [];
  const bytes = Number(number) * (BYTES_OF_UNIT[unit.toLowerCase()] ?? Number.NaN);
  if (number === "" || !(bytes > 0) || !Number.isSafeInteger(bytes)) {
    throw new InvalidArgumentError("it must be a size such as 100 (million bytes), 512k or 1g.");
  }
  return bytes;
}
