import { LeekError } from "../../base/index.js";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;

/**
 * The conversions of strftime(3) that make sense in a file's name, as the C locale has them, in local time. Those that
 * hold a slash or a line end are left out, and those of weeks.
 */
const CONVERSIONS: Readonly<Record<string, (time: Date) => string>> = {
  "%": () => "%",
  a: (time) => DAYS[time.getDay()]!.slice(0, 3),
  A: (time) => DAYS[time.getDay()]!,
  b: (time) => MONTHS[time.getMonth()]!.slice(0, 3),
  B: (time) => MONTHS[time.getMonth()]!,
  C: (time) => pad(Math.floor(time.getFullYear() / 100), 2),
  d: (time) => pad(time.getDate(), 2),
  e: (time) => String(time.getDate()).padStart(2, " "),
  F: (time) => `${time.getFullYear()}-${pad(time.getMonth() + 1, 2)}-${pad(time.getDate(), 2)}`,
  H: (time) => pad(time.getHours(), 2),
  I: (time) => pad(twelveHours(time), 2),
  j: (time) => pad(dayOfYear(time), 3),
  k: (time) => String(time.getHours()).padStart(2, " "),
  l: (time) => String(twelveHours(time)).padStart(2, " "),
  m: (time) => pad(time.getMonth() + 1, 2),
  M: (time) => pad(time.getMinutes(), 2),
  p: (time) => (time.getHours() < 12 ? "AM" : "PM"),
  R: (time) => `${pad(time.getHours(), 2)}:${pad(time.getMinutes(), 2)}`,
  s: (time) => String(Math.floor(time.getTime() / 1000)),
  S: (time) => pad(time.getSeconds(), 2),
  T: (time) => `${pad(time.getHours(), 2)}:${pad(time.getMinutes(), 2)}:${pad(time.getSeconds(), 2)}`,
  u: (time) => String(time.getDay() === 0 ? 7 : time.getDay()),
  w: (time) => String(time.getDay()),
  y: (time) => pad(time.getFullYear() % 100, 2),
  Y: (time) => String(time.getFullYear()),
  z: zoneOffset,
};

/**
 * A file's name from a pattern of strftime(3).
 *
 * @throws {LeekError} LEEK_USAGE for a conversion that is not known.
 */
export function formatTimePattern(pattern: string, time: Date): string {
  return pattern.replace(/%([\s\S]?)/gu, (conversion, letter: string) => {
    const convert = CONVERSIONS[letter];
    if (convert !== undefined) return convert(time);
    throw new LeekError("LEEK_USAGE", "usage", `Cannot make a file name of ${pattern}: ${conversion} is not known.`, {
      hint: "Use conversions such as %Y%m%d-%H%M%S, and %% for a percent sign.",
    });
  });
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

function twelveHours(time: Date): number {
  return time.getHours() % 12 === 0 ? 12 : time.getHours() % 12;
}

function dayOfYear(time: Date): number {
  // In UTC, where each day has 24 hours.
  const day = Date.UTC(time.getFullYear(), time.getMonth(), time.getDate());
  return (day - Date.UTC(time.getFullYear(), 0, 0)) / 86_400_000;
}

function zoneOffset(time: Date): string {
  const minutes = -time.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${pad(Math.floor(size / 60), 2)}${pad(size % 60, 2)}`;
}
