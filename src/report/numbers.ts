const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** `1,234,567`. */
export function count(value: number): string {
  return WHOLE.format(value);
}

/** A share as `12.3 %`; `-` of nothing. */
export function share(part: number, whole: number): string {
  return whole === 0 ? "-" : `${((part / whole) * 100).toFixed(1)} %`;
}

const UNITS = ["", "k", "M", "G", "T"];

/** A value with a decimal unit prefix and three significant digits: `1.23 Mbit/s`. */
export function withUnit(value: number, unit: string): string {
  let scaled = value;
  let prefix = 0;
  while (scaled >= 1000 && prefix < UNITS.length - 1) {
    scaled /= 1000;
    prefix++;
  }
  const digits = scaled >= 100 || prefix === 0 ? 0 : scaled >= 10 ? 1 : 2;
  return `${scaled.toFixed(digits)} ${UNITS[prefix]}${unit}`;
}

/** `1 packet`, `2 packets`. */
export function plural(value: number, word: string): string {
  return `${count(value)} ${word}${value === 1 ? "" : "s"}`;
}

/** Seconds as `0.123 s`, `12.3 s`, `4 min 5 s`, `3 h 2 min`. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${seconds.toFixed(3)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
