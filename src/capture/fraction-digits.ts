import type { FractionDigits } from "../base/index.js";
import type { SourceInfo } from "./packet-source.js";

/** The digits of a second that times from these sources need: those of the finest interface known so far. */
export function fractionDigitsOf(sources: readonly SourceInfo[]): FractionDigits {
  return sources.some((source) => source.interfaces.some((face) => face.fractionDigits === 9)) ? 9 : 6;
}
