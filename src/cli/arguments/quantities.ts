import { InvalidArgumentError } from "commander";

const SECONDS_OF_UNIT: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** A whole number from 1 on, for commander. */
export function positive(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError("it must be a whole number from 1 on.");
  }
  return value;
}

/** `90`, `90s`, `10m`, `2h`, `1.5d`: seconds, for commander. */
export function durationSeconds(text: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text) ?? [];
  const seconds = Number(number) * (SECONDS_OF_UNIT[unit] ?? Number.NaN);
  // setTimeout takes 31 bits of milliseconds.
  if (number === "" || !(seconds > 0) || seconds * 1000 >= 2 ** 31) {
    throw new InvalidArgumentError("it must be a time such as 30s, 10m or 2h, and at most 24 days.");
  }
  return seconds;
}
