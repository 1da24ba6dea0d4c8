export { type AddressVisitor, readDnsAnswers } from "./dns-answers.js";
export { dnsOverTcp } from "./dns-over-tcp.js";
export { dnsOverUdp } from "./dns-over-udp.js";
export { llmnr } from "./llmnr.js";
export { mdns } from "./mdns.js";
export { netbiosDgm } from "./netbios-dgm.js";
export { netbiosNs } from "./netbios-ns.js";
