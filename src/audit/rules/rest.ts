import { hitIf, type Rule, type Subject } from "../rule.js";
import { isIcmpError } from "./system.js";

const FIREWALL_REMEDY =
  "Give the program tor's SOCKS port as its proxy, or turn it off; and let the firewall refuse all that is not tor's (leek relays list " +
  "--nftables prints the sets).";

/** The inside may be anything; the outside is seen as protocol 4, 41, 47, or as its own UDP. */
export const tunnel: Rule = {
  name: "tunnel",
  severity: "leak",
  title: "A tunnel crosses the internet outside of Tor, and its inside can be read.",
  remedy: "Take the tunnel down (ip tunnel, Teredo, 6to4), or run it over Tor.",
  match: ({ isClearnet, isRefused, record }) =>
    hitIf(
      isClearnet &&
        !isRefused &&
        (record.flow.tunnel !== undefined || record.classification.evidence[0]?.kind === "tunnel"),
    ),
};

/**
 * Where no document reaches, a TCP connection may be a link to a relay, unless it says what a link does not: then a reason
 * tells, not a finding.
 */
export const otherTcp: Rule = {
  name: "other-tcp",
  severity: "leak",
  title: "A TCP connection goes around Tor.",
  remedy: FIREWALL_REMEDY,
  match: (subject) =>
    hitIf(subject.isClearnet && subject.record.flow.transport === "tcp" && !(subject.isUnjudged && mayBeLink(subject))),
};

/** tor itself never uses UDP. */
export const otherUdp: Rule = {
  name: "other-udp",
  severity: "leak",
  title: "UDP leaves the site: Tor carries none.",
  remedy: FIREWALL_REMEDY,
  match: ({ isClearnet, record }) => hitIf(isClearnet && record.flow.transport === "udp"),
};

export const otherIp: Rule = {
  name: "other-ip",
  severity: "leak",
  title: "Another IP protocol leaves the site: Tor carries TCP only.",
  remedy: FIREWALL_REMEDY,
  match: ({ isClearnet, record }) =>
    hitIf(isClearnet && record.flow.transport !== "tcp" && record.flow.transport !== "udp"),
};

/** A proxy or firewall that was set up for IPv4 alone. */
export const ipv6: Rule = {
  name: "ipv6",
  severity: "leak",
  title: "IPv6 goes around Tor.",
  remedy:
    "Turn IPv6 off where Tor does not use it (sysctl net.ipv6.conf.all.disable_ipv6=1), or let the firewall refuse it as it does IPv4.",
  match: (subject) =>
    hitIf(subject.isClearnet && subject.record.flow.ipVersion === 6 && isOwn(subject) && !subject.isUnjudged),
};

const OVER_TOR =
  "Somebody who is hidden by Tor, behind one of its exits, reaches a service of this machine by its address: the address " +
  "is known, and it is not hidden.";

/** Somebody reached the machine by its own address. Where it did not answer, somebody only tried. */
export const inbound: Rule = {
  name: "inbound",
  severity: "leak",
  title: "Somebody on the internet reaches a service of this machine by its address.",
  remedy:
    "Let the service listen on 127.0.0.1 alone (bind=127.0.0.1 in bitcoin.conf) behind a HiddenServicePort, and let the firewall refuse what comes in.",
  match: (subject) => {
    const { isClearnet, direction, isRefused, isUnjudged, role, record, exit } = subject;
    if (isIcmpError(record.flow, subject.facts)) return undefined;
    if (isClearnet && isRefused) {
      const title = "Somebody on the internet tried to reach this machine, and got no service.";
      return { severity: "note", variant: "refused", title };
    }
    if (!isClearnet || direction !== "inbound") return undefined;
    // What relays are asked for, and links of which no document tells, or of which only the middle was seen.
    if (role !== "client" && isDirPort(subject)) return undefined;
    const mayBeExpected = role !== "client" || record.flow.originatorGuessed;
    if (isUnjudged && mayBeExpected && record.flow.transport === "tcp" && mayBeLink(subject)) return undefined;
    return exit === undefined ? {} : { variant: "tor-exit", title: OVER_TOR };
  },
};

function isOwn({ direction }: Subject): boolean {
  return direction === "outbound" || direction === "foreign";
}

/** Links of Tor's are TLS; bridges' look like nothing. */
function mayBeLink({ facts }: Subject): boolean {
  return facts?.protocol === undefined || facts.protocol === "tls" || facts.by !== "content";
}

function isDirPort({ record }: Subject): boolean {
  return record.classification.evidence.some(({ kind }) => kind === "dir-port");
}
