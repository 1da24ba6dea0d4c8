import type { ProtocolSet } from "./application-tracker.js";
import { bitcoin, bitcoinV2 } from "./bitcoin/index.js";
import { bittorrent, bittorrentDht, udpTracker, utp } from "./bittorrent/index.js";
import { dnsOverTcp, dnsOverUdp, llmnr, mdns, netbiosDgm, netbiosNs } from "./dns/index.js";
import { dtls } from "./dtls/index.js";
import { electrum } from "./electrum.js";
import { http } from "./http/index.js";
import { icmp } from "./icmp.js";
import { irc } from "./irc.js";
import { dhcp, dhcpv6, natPmp, pcp } from "./lan/index.js";
import { lightning } from "./lightning.js";
import { monero } from "./monero/index.js";
import { ntp } from "./ntp.js";
import { quic } from "./quic/index.js";
import { smtp } from "./smtp.js";
import { socks4, socks5 } from "./socks/index.js";
import { ssdp } from "./ssdp.js";
import { ssh } from "./ssh.js";
import { stun } from "./stun.js";
import { tls } from "./tls/index.js";

/**
 * All that leek recognises, in the order in which it is tried: what is said first, the common before the rare; what only
 * has a shape or a port last.
 */
export const PROTOCOL_SET: ProtocolSet = {
  streams: [
    tls,
    http,
    bitcoin,
    socks5,
    socks4,
    ssh,
    dnsOverTcp,
    smtp,
    irc,
    electrum,
    monero,
    bittorrent,
    lightning,
    bitcoinV2,
  ],
  datagrams: [
    icmp,
    mdns,
    llmnr,
    netbiosNs,
    netbiosDgm,
    dnsOverUdp,
    quic,
    stun,
    dtls,
    dhcp,
    ssdp,
    udpTracker,
    bittorrentDht,
    utp,
    ntp,
    dhcpv6,
    natPmp,
    pcp,
  ],
};
