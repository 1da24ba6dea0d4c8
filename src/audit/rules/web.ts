import type { FlowFacts, Protocol } from "../../apps/index.js";
import { hitIf, type Rule } from "../rule.js";

const PROXY_REMEDY =
  "Give the program tor's SOCKS port as its proxy (socks5h://127.0.0.1:9050), or run it with torsocks; and let the firewall refuse " +
  "what is not tor's (nftables: meta skuid debian-tor accept, else only the sets of leek relays list --nftables).";

/** Names of servers from which systems and programs of nodes get updates. */
const UPDATE_SERVERS =
  /(?:^|\.)(?:deb\.debian\.org|security\.debian\.org|ftp\.[a-z]{2}\.debian\.org|archive\.ubuntu\.com|security\.ubuntu\.com|ports\.ubuntu\.com|api\.snapcraft\.io|archive\.raspberrypi\.(?:org|com)|raspbian\.raspberrypi\.org|mirrors\.fedoraproject\.org|dl-cdn\.alpinelinux\.org|registry-1\.docker\.io|auth\.docker\.io|production\.cloudflare\.docker\.com|ghcr\.io|api\.github\.com|github\.com|objects\.githubusercontent\.com|raw\.githubusercontent\.com|registry\.npmjs\.org|pypi\.org|files\.pythonhosted\.org|bitcoincore\.org|registry\.start9\.com|apps\.umbrel\.com|api\.umbrel\.com)$/i;

/** Which system and programs run here, and how old they are. */
export const updateServer: Rule = {
  name: "update-server",
  severity: "leak",
  title: "Updates or packages are fetched outside of Tor.",
  remedy:
    "Fetch them through Tor: apt-transport-tor (tor+http://), docker's and git's proxies set to socks5h://127.0.0.1:9050; or allow them in " +
    "the policy, with the reason.",
  match: ({ isClearnet, record, facts }) =>
    hitIf(isClearnet && isWeb(facts?.protocol) && record.names.some((name) => UPDATE_SERVERS.test(name))),
};

function isWeb(protocol: Protocol | undefined): boolean {
  return protocol === "http" || protocol === "tls" || protocol === "quic";
}

export const http: Rule = {
  name: "http",
  severity: "leak",
  title: "Plain HTTP outside of Tor: server, page and program can be read by everybody on the path.",
  remedy: PROXY_REMEDY,
  match: ({ isClearnet, facts }) =>
    hitIf(isClearnet && (facts?.protocol === "http" || facts?.protocol === "http-connect")),
};

/** Without a document a relay could not have been told from another server: that is said as a reason. */
export const tls: Rule = {
  name: "tls",
  severity: "leak",
  title: "TLS to something that is no relay: its address and mostly its name can be read by everybody on the path.",
  remedy: PROXY_REMEDY,
  match: ({ isClearnet, isUnjudged, facts, record }) =>
    hitIf(
      isClearnet &&
        facts?.protocol === "tls" &&
        // Its relay was known, its time was not: still to be judged.
        !(isUnjudged && record.flow.transport === "tcp"),
    ),
};

/** Where a proxy hands requests on is not seen here: to Tor, or to the internet as they are. */
export const lanProxy: Rule = {
  name: "lan-proxy",
  severity: "warning",
  title: "A proxy on the LAN is asked for others: whether it hands that to Tor cannot be seen here.",
  remedy:
    "Use tor's SOCKS port on this machine; or, if the proxy is tor on another one, say so in the policy (allow, with its address) and audit that " +
    "machine too.",
  discloses: ["proxy-target", "onion-name", "http-host"],
  match: ({ isLan, direction, facts }) =>
    hitIf(isLan && direction !== "inbound" && facts?.protocol !== undefined && isProxied(facts)),
};

function isProxied({ protocol, details }: FlowFacts): boolean {
  if (protocol === "socks4" || protocol === "socks5" || protocol === "http-connect") return true;
  return protocol === "http" && details.get("viaProxy") === true;
}

export const quic: Rule = {
  name: "quic",
  severity: "leak",
  title: "QUIC outside of Tor, which carries no UDP: server's address and name can be read by everybody on the path.",
  remedy: `Turn HTTP/3 off in the program. ${PROXY_REMEDY}`,
  match: ({ isClearnet, facts, record, remote }) =>
    hitIf(
      isClearnet &&
        (facts?.protocol === "quic" ||
          (facts?.protocol === undefined && record.flow.transport === "udp" && remote.port === 443)),
    ),
};
