import { hitIf, type Rule, type Subject } from "../rule.js";

const RESOLVER_REMEDY =
  "Let programs resolve names through Tor: proxy=127.0.0.1:9050 and dns=0 in bitcoin.conf, socks5h:// in " +
  "others, or tor's DNSPort as the machine's only resolver; and refuse port 53 to all but tor (nftables: leek relays list --nftables).";

/** Names asked in the clear, also of the resolver on the LAN: it asks on. */
export const dns: Rule = {
  name: "dns",
  severity: "leak",
  title: "Names are looked up outside of Tor.",
  remedy: RESOLVER_REMEDY,
  discloses: ["dns-question", "dns-answer"],
  match: (subject) => hitIf(isOutside(subject) && (subject.facts?.protocol === "dns" || isSilentOnPort(subject))),
};

/** Names of onion services mean nothing to DNS: whoever sees one knows which service is used. */
export const dnsOnionName: Rule = {
  name: "dns-onion-name",
  severity: "leak",
  title: "The name of an onion service is told outside of Tor.",
  remedy:
    "Give onion names to tor's SOCKS port only (onion=127.0.0.1:9050 in bitcoin.conf, socks5h:// elsewhere); no resolver may get them.",
  discloses: ["onion-name"],
  match: (subject) =>
    hitIf(isOutside(subject) && subject.facts?.disclosures.some(({ kind }) => kind === "onion-name") === true),
};

/** The resolver learns all names, and everybody on the path that there is one. */
export const dnsEncrypted: Rule = {
  name: "dns-encrypted",
  severity: "leak",
  title: "Names are looked up with encryption, but outside of Tor: the resolver learns them with the address.",
  remedy: `Turn DNS over TLS or HTTPS off (DNSOverTLS=no in resolved.conf; the browser's "secure DNS"). ${RESOLVER_REMEDY}`,
  match: (subject) =>
    hitIf(
      isOutside(subject) &&
        (subject.facts?.protocol === "dns-over-tls" || subject.facts?.protocol === "dns-over-https"),
    ),
};

/** To others on the LAN too; what they ask the node is theirs. */
export function isOutside({ isClearnet, isLan, direction }: Subject): boolean {
  return isClearnet || (isLan && direction !== "inbound");
}

/** Nothing was understood, but it is DNS's port; some relays have theirs there. */
function isSilentOnPort({ facts, remote, record, isUnjudged }: Subject): boolean {
  if (facts?.protocol !== undefined || remote.port !== 53) return false;
  const { transport } = record.flow;
  return transport === "udp" || (transport === "tcp" && !isUnjudged);
}
