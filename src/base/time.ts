/** Fractional digits that a capture's time stamps carry. */
export type FractionDigits = 6 | 9;

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

/** Fraction of a second as text without the dot; digits beyond `digits` are cut, as tcpdump does. */
export function formatFraction(nanoseconds: number, digits: FractionDigits): string {
  return digits === 9 ? pad(nanoseconds, 9) : pad(Math.floor(nanoseconds / 1000), 6);
}

/**
 * A moment as ISO 8601 in UTC with all its digits: `2026-11-22T10:00:00.123456Z`.
 *
 * @param seconds - Whole seconds since 1970-01-01 UTC; may be far outside the years that Date can hold.
 */
export function formatIsoTime(seconds: number, nanoseconds: number, digits: FractionDigits): string {
  const date = new Date(seconds * 1000);
  // Hostile time stamps reach past the year 275760, where Date ends; show the number rather than fail.
  if (Number.isNaN(date.getTime())) return `@${seconds}.${formatFraction(nanoseconds, digits)}`;
  return `${date.toISOString().slice(0, -5)}.${formatFraction(nanoseconds, digits)}Z`;
}

/** Whole seconds as `2026-11-22T10:00:00Z`, the form for document times; beyond what Date holds, as `@SECONDS`. */
export function formatIsoSeconds(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `@${seconds}` : date.toISOString().replace(".000Z", "Z");
}

const UTC_TIME = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?)?\s*Z?$/;

/**
 * Reads `YYYY-MM-DD[ HH:MM[:SS]]`, with `T` or a space between and an optional `Z`, always as UTC.
 *
 * @returns Whole seconds since 1970-01-01 UTC, or undefined when the text is no such time.
 */
export function parseUtcTime(text: string): number | undefined {
  const match = UTC_TIME.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0));
  const date = new Date(Date.UTC(2000, month! - 1, 1, hour!, minute!, second!));
  // Not by Date.UTC: it takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(year!, month! - 1, day!);
  // Date.UTC carries 31 April into May; a document that says so is wrong, not early.
  const carried = date.getUTCMonth() !== month! - 1 || date.getUTCDate() !== day! || hour! > 23 || minute! > 59;
  return carried || second! > 60 ? undefined : date.getTime() / 1000;
}

/**
 * `2026-11-22 10:00` for `2026-11-22T10:00:00Z`; with seconds where there are some: documents of the public network begin
 * on the hour, those of a private one at any second.
 */
export function minuteText(time: string): string {
  return time.replace("T", " ").replace(/(?::00)?Z$/, "");
}
