import { hitIf, type Rule } from "../rule.js";

/** Whatever else runs on a relay's machine is no Tor. */
export const relayOtherPort: Rule = {
  name: "relay-other-port",
  severity: "leak",
  title: "A relay's address is used on a port that is not the relay's: that is no Tor.",
  remedy: "See what else the program wants there; give it tor's SOCKS port as its proxy.",
  match: ({ isClearnet, record }) =>
    hitIf(isClearnet && record.classification.evidence.some(({ kind }) => kind === "relay-address-other-port")),
};

/** About Tor, but plain HTTP: a client of today asks inside its links. */
export const directoryPort: Rule = {
  name: "directory-port",
  severity: "leak",
  title:
    "Relay documents go in the clear from or to a directory port: that tells everybody on the path that Tor is used here.",
  remedy: "Use a tor of this decade; relays do so by design: audit them with --role relay.",
  match: ({ isClearnet, record, role }) =>
    isClearnet && record.classification.evidence.some(({ kind }) => kind === "dir-port")
      ? role === "client"
        ? {}
        : { severity: "note" }
      : undefined,
};

/** Looks like Tor and is in no list. May be a bridge that leek was not told of, or something that only looks so. */
export const torUnlisted: Rule = {
  name: "tor-unlisted",
  severity: "warning",
  title: "A connection looks like Tor's, but no list has its remote end.",
  remedy: "If it is your bridge, name it: --bridge, --torrc, or --control; leek explain tells more of the flow.",
  match: ({ record }) => hitIf(record.classification.flowClass === "tor-suspected"),
};

/** The program resolved the name itself, by which way is not seen here; or it never had one, as with Bitcoin addresses. */
export const socksAddress: Rule = {
  name: "socks-address",
  severity: "note",
  title: "A program asks Tor for bare addresses: it may have looked their names up elsewhere.",
  remedy:
    "Let the program hand names to the proxy (socks5h, SOCKS 4a, dns=0 in bitcoin.conf); tor warns of it with TestSocks 1.",
  discloses: ["proxy-target"],
  match: ({ facts }) =>
    hitIf(
      (facts?.protocol === "socks5" || facts?.protocol === "socks4" || facts?.protocol === "http-connect") &&
        (facts.details.get("targetKind") === "ipv4" || facts.details.get("targetKind") === "ipv6"),
    ),
};
