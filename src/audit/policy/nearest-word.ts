/** Longer words are no slips of the finger, and take time. */
const MAX_LENGTH = 40;

/** The word that was most likely meant; undefined when none is near: a third of its letters may be wrong. */
export function nearestWord(text: string, words: readonly string[]): string | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const wanted = plain(text);
  let nearest: string | undefined;
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const word of words) {
    const distance = editDistance(wanted, plain(word));
    if (distance < least) {
      least = distance;
      nearest = word;
    }
  }
  return nearest;
}

/** `min_duration` and `MinDuration` are one word. */
function plain(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** Letters to put in, leave out, exchange, or swap with their neighbour (optimal string alignment). */
function editDistance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, i) => i);
  for (let i = 1; i <= left.length; i++) {
    const row = [i];
    for (let j = 1; j <= right.length; j++) {
      const isSame = left[i - 1] === right[j - 1];
      const isSwap = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      row.push(
        Math.min(
          last[j - 1]! + (isSame ? 0 : 1),
          last[j]! + 1,
          row[j - 1]! + 1,
          isSwap ? beforeLast[j - 2]! + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    beforeLast = last;
    last = row;
  }
  return last[right.length]!;
}
