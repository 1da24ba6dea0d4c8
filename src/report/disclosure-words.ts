import type { DisclosureKind, RecognisedBy } from "../apps/index.js";

/** What anybody on the path learns, for people: "the server name www.example.org". */
export const DISCLOSURE_WORDS: Readonly<Record<DisclosureKind, string>> = {
  "server-name": "the name of the server",
  "certificate-name": "a name in the server's certificate",
  alpn: "the protocol inside TLS",
  "tls-fingerprint": "the fingerprint of the TLS software",
  "dns-question": "a name that is looked up",
  "dns-answer": "the answer to a name that is looked up",
  "onion-name": "the name of an onion service",
  "http-host": "the web site",
  "http-path": "the page",
  "user-agent": "the program that asks",
  software: "the software in use",
  "host-name": "the name of the machine",
  "user-name": "a user's name",
  "mac-address": "the address of a network card",
  "service-name": "a service that is offered or looked for",
  "proxy-target": "what the proxy is asked for",
  "peer-address": "the address of another peer",
  "public-address": "the public address of this machine or of its peer",
  "info-hash": "what is shared by BitTorrent",
  "bitcoin-chain": "the block chain",
  "bitcoin-services": "the services of a Bitcoin node",
  "bitcoin-height": "the height of a node's block chain",
  "bitcoin-command": "a kind of Bitcoin message",
  "mail-address": "an address of mail",
  "wallet-query": "what a wallet asks about",
};

/** How sure an application is. */
export const RECOGNISED_WORDS: Readonly<Record<RecognisedBy, string>> = {
  content: "by what is said",
  shape: "by the sizes and the look of what is said; nothing of it can be read",
  port: "by its port alone",
};
