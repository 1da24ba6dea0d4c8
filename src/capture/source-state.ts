import type { CaptureDamage, SourceInfo } from "./packet-source.js";

/** Most that libpcap lets a record hold (MAXIMUM_SNAPLEN); a greater length is taken for garbage, as there. */
export const MAX_CAPTURED_BYTES = 262144;

/** What a file says of its packets that does not stop the reading; counted in `SourceInfo.anomalies`. */
export type Anomaly =
  | "captured-exceeds-snaplen"
  | "captured-exceeds-original"
  | "fraction-exceeds-second"
  | "reserved-link-type-bits"
  | "statistics-for-unknown-interface";

export function countAnomaly(info: SourceInfo, code: Anomaly): void {
  info.anomalies.set(code, (info.anomalies.get(code) ?? 0) + 1);
}

/** The damage that a capture which stops in the middle of something shows, or one whose packing is broken. */
export function endDamage(
  what: "record" | "block",
  record: number,
  offset: number,
  present: number,
  corruption: string | undefined,
): CaptureDamage {
  if (corruption !== undefined) {
    const message = `Unpacking stopped at ${what} ${record}, byte ${offset} of the unpacked capture: ${corruption}.`;
    return { code: "bad-compression", record, offset, message };
  }
  const message = `The capture is cut short at byte ${offset + present}, inside ${what} ${record}, which begins at byte ${offset}.`;
  return { code: "cut-short", record, offset, message };
}
