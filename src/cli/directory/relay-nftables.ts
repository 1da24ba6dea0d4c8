import { parseAddress } from "../../net/index.js";
import type { ConsensusRelay } from "../../relays/index.js";

/**
 * The relays' OR ports as two sets for `nft -f`, loaded all or nothing. Making the sets again keeps rules that use them
 * and replaces what they hold. Names do not appear: nothing in it comes from a stranger but numbers.
 *
 * @param comment - One line, without control characters.
 */
export function relayNftables(relays: readonly ConsensusRelay[], comment: string): string {
  const ipv4 = new Set<string>();
  const ipv6 = new Set<string>();
  for (const { address, orPort, orAddresses } of relays) {
    for (const endpoint of [{ address, port: orPort }, ...orAddresses]) {
      if (endpoint.port === 0) continue;
      const set = parseAddress(endpoint.address)?.version === 6 ? ipv6 : ipv4;
      set.add(`${endpoint.address} . ${endpoint.port}`);
    }
  }
  return `# ${comment}
add table inet leek
add set inet leek relays_ipv4 { type ipv4_addr . inet_service; }
add set inet leek relays_ipv6 { type ipv6_addr . inet_service; }
flush set inet leek relays_ipv4
flush set inet leek relays_ipv6
${elements("relays_ipv4", ipv4)}${elements("relays_ipv6", ipv6)}`;
}

function elements(set: string, endpoints: ReadonlySet<string>): string {
  // nft takes no empty list.
  if (endpoints.size === 0) return "";
  return `add element inet leek ${set} {\n\t${[...endpoints].join(",\n\t")}\n}\n`;
}
