import { failOpen } from "./fail-open.js";
import { newContact } from "./new-contact.js";
import type { Rule } from "./rule.js";
import { dns, dnsEncrypted, dnsOnionName } from "./rules/dns.js";
import { bitcoinP2p, dnsSeed, electrum, lightning, moneroP2p } from "./rules/money.js";
import { inbound, ipv6, otherIp, otherTcp, otherUdp, tunnel } from "./rules/rest.js";
import { bittorrent, icmp, lanAnnouncement, mail, ntp, portMapping, ssh, stun } from "./rules/system.js";
import { directoryPort, relayOtherPort, socksAddress, torUnlisted } from "./rules/tor.js";
import { http, lanProxy, quic, tls, updateServer } from "./rules/web.js";
import { startUp } from "./start-up.js";
import { unexpectedApplication } from "./unexpected-application.js";

/** What a flow is found to be: the first that fits, so that each leak is told once, by its best name. */
export const MAIN_RULES: readonly Rule[] = [
  torUnlisted,
  tunnel,
  inbound,
  portMapping,
  lanAnnouncement,
  lanProxy,
  dnsEncrypted,
  dnsSeed,
  dns,
  bitcoinP2p,
  electrum,
  lightning,
  moneroP2p,
  bittorrent,
  directoryPort,
  updateServer,
  relayOtherPort,
  http,
  ssh,
  mail,
  quic,
  stun,
  ntp,
  icmp,
  tls,
  otherTcp,
  otherUdp,
  otherIp,
];

/** What is told beside that. */
export const FURTHER_RULES: readonly Rule[] = [dnsOnionName, socksAddress, ipv6];

/** All that a report can have findings of; those that are made from other rules' findings come last. */
export const ALL_RULES: readonly Rule[] = [
  ...MAIN_RULES,
  ...FURTHER_RULES,
  unexpectedApplication,
  newContact,
  failOpen,
  startUp,
];
