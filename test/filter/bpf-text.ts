import type { BpfInstruction } from "../../src/capture/libpcap/index.js";

/** Reads what `tcpdump -ddd` prints: a count, then `code jt jf k` in decimal, by line or separated by `|`. */
export function parseBpfText(text: string): BpfInstruction[] {
  const [count, ...lines] = text
    .split(/[\n|]/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (Number(count) !== lines.length) throw new Error(`${count} announced, ${lines.length} given`);
  return lines.map((line) => {
    const [code, jt, jf, k] = line.split(/\s+/).map(Number);
    return { code: code!, jt: jt!, jf: jf!, k: k! };
  });
}

/** `tcp port 9001` on Ethernet, by tcpdump 4.99.3 with libpcap 1.10.3. */
export const TCP_PORT_9001 = `20
  40 0 0 12 | 21 0 6 34525 | 48 0 0 20 | 21 0 15 6 | 40 0 0 54 | 21 12 0 9001 | 40 0 0 56 | 21 10 11 9001
  21 0 10 2048 | 48 0 0 23 | 21 0 8 6 | 40 0 0 20 | 69 6 0 8191 | 177 0 0 14 | 72 0 0 14 | 21 2 0 9001
  72 0 0 16 | 21 0 1 9001 | 6 0 0 262144 | 6 0 0 0`;
