/** Of 64-bit systems: seconds and microseconds, eight bytes each. */
const TIME_BYTES = 16;
const MICROSECONDS = 1_000_000;
/** What must be there to tell a pattern from chance. */
const MIN_PATTERN = 16;
/** As much of a pattern is looked at. */
const MAX_BYTES = 96;
const LETTER_A = 0x61;
/** Windows fills with a to w, and begins anew. */
const WINDOWS_LETTERS = 23;
const WINDOWS_BYTES = 32;

/**
 * The program that fills an echo request, or whose filling a reply gives back: a heuristic, which speaks only of what no
 * other common program sends. iputils (Linux, Android) counts bytes up and puts the time over the first 16, where
 * microseconds are below a million; BSD and macOS put it over 8, GNU inetutils counts from behind it, busybox sends zeros.
 * `ping` of Windows sends letters.
 *
 * @param start - Offset of the first byte of data.
 * @param end - Just past the last captured one.
 */
export function pingProgram(view: DataView, start: number, end: number): string | undefined {
  const length = Math.min(end - start, MAX_BYTES);
  if (length >= WINDOWS_BYTES && isAlphabet(view, start, length)) return "Windows ping";
  if (length >= TIME_BYTES + MIN_PATTERN && isCount(view, start, length) && hasMicroseconds(view, start + 8)) {
    return "iputils ping";
  }
  return undefined;
}

function isAlphabet(view: DataView, start: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (view.getUint8(start + i) !== LETTER_A + (i % WINDOWS_LETTERS)) return false;
  return true;
}

function isCount(view: DataView, start: number, length: number): boolean {
  for (let i = TIME_BYTES; i < length; i++) if (view.getUint8(start + i) !== i) return false;
  return true;
}

/** In the sender's byte order, either. */
function hasMicroseconds(view: DataView, at: number): boolean {
  const little = view.getUint32(at + 4) === 0 && view.getUint32(at, true) < MICROSECONDS;
  const big = view.getUint32(at) === 0 && view.getUint32(at + 4) < MICROSECONDS;
  return little || big;
}
