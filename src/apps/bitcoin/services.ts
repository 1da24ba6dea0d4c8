/** By bit, as Bitcoin Core's protocol.cpp writes them. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [0, "NETWORK"],
  [2, "BLOOM"],
  [3, "WITNESS"],
  [6, "COMPACT_FILTERS"],
  [10, "NETWORK_LIMITED"],
  [11, "P2P_V2"],
]);

/** The names of services, lowest bit first; bits without a name as `UNKNOWN[2^7]`. */
export function serviceNames(services: bigint): string[] {
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if (((services >> BigInt(bit)) & 1n) === 1n) names.push(NAMES.get(bit) ?? `UNKNOWN[2^${bit}]`);
  }
  return names;
}
