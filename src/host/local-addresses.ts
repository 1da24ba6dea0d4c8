import { formatAddress } from "../net/index.js";
import { readText } from "./read-text.js";

/** The local addresses stand last; those of a machine with more routes than that stay unknown. */
const MAX_TABLE_BYTES = 1 << 23;

/**
 * The addresses of a network namespace, as packets to it have them.
 *
 * @param folder - Its /proc/PID/net.
 */
export function readLocalAddresses(folder: string): ReadonlySet<string> {
  return new Set([
    ...parseFibTrie(readText(`${folder}/fib_trie`, MAX_TABLE_BYTES) ?? ""),
    ...parseIfInet6(readText(`${folder}/if_inet6`, MAX_TABLE_BYTES) ?? ""),
  ]);
}

/** @param text - Of /proc/net/fib_trie: a tree, with `|-- ADDRESS` above `/32 host LOCAL` for each address. */
export function parseFibTrie(text: string): string[] {
  return [...text.matchAll(/^ *\|-- (\d{1,3}(?:\.\d{1,3}){3})\n(?: +\/\d+ .*\n)*? +\/32 host LOCAL$/gm)].map(
    (match) => match[1]!,
  );
}

/** @param text - Of /proc/net/if_inet6: an address a line, 32 digits in network order, then index, prefix length, ... */
export function parseIfInet6(text: string): string[] {
  return [...text.matchAll(/^([0-9a-f]{8})([0-9a-f]{8})([0-9a-f]{8})([0-9a-f]{8}) /gm)].map(([, ...words]) => {
    const [a, b, c, d] = words.map((word) => Number.parseInt(word, 16) | 0) as [number, number, number, number];
    return formatAddress(6, a, b, c, d);
  });
}
