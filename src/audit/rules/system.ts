import type { Protocol } from "../../apps/index.js";
import type { RuleName } from "../finding.js";
import { hitIf, type Rule, type Subject } from "../rule.js";
import { hasOnlyTypes } from "../subject.js";

const LAN_ANNOUNCEMENTS: readonly Protocol[] = ["mdns", "llmnr", "netbios-ns", "netbios-dgm", "ssdp", "dhcp", "dhcpv6"];
const PORT_MAPPINGS: readonly Protocol[] = ["nat-pmp", "pcp"];

/** Each answers a packet, by which the flow that it belongs to is judged (RFC 1122 3.2.2, RFC 4443 2.4). */
const ERRORS: readonly string[] = ["destination-unreachable", "packet-too-big", "time-exceeded", "parameter-problem"];

export function isIcmpError(flow: Subject["record"]["flow"], facts: Subject["facts"]): boolean {
  return (flow.transport === "icmp" || flow.transport === "icmp6") && hasOnlyTypes(flow, facts, ERRORS);
}

/** The clock's server learns when the machine is on, and its software. */
export const ntp: Rule = simple(
  "ntp",
  ["ntp"],
  123,
  "The clock is set outside of Tor: the server learns when this machine runs.",
  "Use a time source that needs no network, or one on the LAN (timedatectl set-ntp false; chrony with a local server).",
);

export const icmp: Rule = {
  name: "icmp",
  severity: "leak",
  title: "ICMP leaves the site: it tells others that and when this machine runs.",
  remedy:
    "Ping nothing on the internet, and refuse outgoing ICMP in the firewall (nftables: meta l4proto { icmp, icmpv6 } drop).",
  match: ({ isClearnet, record: { flow }, facts }) => {
    if (!isClearnet || (flow.transport !== "icmp" && flow.transport !== "icmp6")) return undefined;
    return isIcmpError(flow, facts)
      ? {
          severity: "note",
          variant: "errors",
          title: "ICMP errors cross the internet: somebody sent, or was sent, what nobody wanted.",
        }
      : {};
  },
};

export const stun: Rule = simple(
  "stun",
  ["stun", "dtls"],
  3478,
  "STUN or WebRTC outside of Tor: it exists to find out one's real address.",
  "Turn WebRTC off in the program (media.peerconnection.enabled=false), and refuse UDP in the firewall.",
);

export const ssh: Rule = {
  name: "ssh",
  severity: "leak",
  title: "SSH outside of Tor.",
  remedy:
    "Reach the machine by an onion service (HiddenServicePort 22), and servers through tor's SOCKS port (ProxyCommand).",
  match: ({ isClearnet, direction, facts }) =>
    hitIf(isClearnet && direction !== "inbound" && facts?.protocol === "ssh"),
};

export const mail: Rule = simple(
  "mail",
  ["smtp", "irc"],
  undefined,
  "Mail or chat outside of Tor.",
  "Give the program tor's SOCKS port as its proxy, and use servers that take connections from Tor.",
);

export const bittorrent: Rule = simple(
  "bittorrent",
  ["bittorrent"],
  undefined,
  "BitTorrent outside of Tor: peers and trackers learn the address.",
  "BitTorrent does not belong on a machine whose address is to stay hidden; Tor does not carry its UDP.",
);

/** Whoever answers opens a door in the router; the router learns that there is a service. */
export const portMapping: Rule = {
  name: "port-mapping",
  severity: "warning",
  title: "The router is asked to let connections in: the service can then be reached, and found, outside of Tor.",
  remedy: "upnp=0 and natpmp=0 in bitcoin.conf; turn UPnP off in the router.",
  match: ({ facts, isLan, isClearnet, direction }) =>
    hitIf(
      ((isLan && direction !== "inbound") || isClearnet) &&
        facts?.protocol !== undefined &&
        (PORT_MAPPINGS.includes(facts.protocol) || isSoap(facts.details)),
    ),
};

/** Stays on the LAN, but names the machine to everybody there. */
export const lanAnnouncement: Rule = {
  name: "lan-announcement",
  severity: "note",
  title: "The machine announces itself to everybody on the LAN.",
  remedy:
    "Stop what announces: avahi-daemon, LLMNR=no and MulticastDNS=no in resolved.conf, nmbd; send no host name with DHCP (SendHostname=no).",
  match: ({ facts, isLan, isClearnet, direction, record }) =>
    facts?.protocol === undefined || !LAN_ANNOUNCEMENTS.includes(facts.protocol)
      ? undefined
      : isClearnet
        ? isLease(facts.protocol)
          ? { variant: "lease", title: "The machine tells its provider its name, or more, to get an address." }
          : { severity: "leak", variant: "internet", title: "The machine announces itself beyond the LAN." }
        : hitIf(isLan && facts.disclosures.length > 0 && hasSpoken(direction, record)),
};

/** What others answer to a question to everybody tells of them: those are flows of their own. */
function hasSpoken(direction: Subject["direction"], { flow }: Subject["record"]): boolean {
  return flow.packets[direction === "inbound" ? "responder" : "originator"] > 0;
}

/** A provider's server may have an internet address; leases are renewed with it directly. */
function isLease(protocol: Protocol): boolean {
  return protocol === "dhcp" || protocol === "dhcpv6";
}

/** Of WANIPConnection and WANPPPConnection; whoever lists or removes what is there opens nothing. */
const ASKS_FOR_WAY_IN = /^(?:Add(?:Any)?PortMapping|(?:Add|Update)Pinhole)$/i;

/** Over IPv6 there is nothing to map: the router's firewall gets a pinhole (UPnP WANIPv6FirewallControl:1). */
function isSoap(details: ReadonlyMap<string, unknown>): boolean {
  const actions = details.get("soapActions");
  return Array.isArray(actions) && actions.some((action) => ASKS_FOR_WAY_IN.test(action));
}

function simple(
  name: RuleName,
  protocols: readonly Protocol[],
  port: number | undefined,
  title: string,
  remedy: string,
): Rule {
  return {
    name,
    severity: "leak",
    title,
    remedy,
    match: (subject) => hitIf(subject.isClearnet && (speaks(subject, protocols) || isSilentOn(subject, port))),
  };
}

function speaks({ facts }: Subject, protocols: readonly Protocol[]): boolean {
  return facts?.protocol !== undefined && protocols.includes(facts.protocol);
}

/** UDP of which nothing was understood, on the protocol's own port. */
function isSilentOn({ facts, record, remote }: Subject, port: number | undefined): boolean {
  return port !== undefined && facts?.protocol === undefined && record.flow.transport === "udp" && remote.port === port;
}
