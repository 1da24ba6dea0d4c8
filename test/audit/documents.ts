import {
  AuthoritySet,
  parseConsensus,
  parseKeyCertificates,
  RelayDirectory,
  verifyConsensus,
} from "../../src/relays/index.js";
import { microdesc } from "../relays/documents.js";
import { authorityOf, makeAuthority, makeCertificate, signDocument } from "../relays/signed-documents.js";

/** The relay of test/relays/documents.ts. */
export const RELAY = "192.0.2.7";
export const OR_PORT = 9001;
export const DIR_PORT = 9030;
export const RELAY_IPV6 = "2001:db8::7";

const authorities = ["one", "two", "three"].map(makeAuthority);
const network = AuthoritySet.of(authorities.map(authorityOf));
export const certificates = authorities.map((it) => makeCertificate(it)).join("");
/** As the network's torrc has them. */
export const torrc = authorities
  .map((it) => `DirAuthority ${it.nickname} v3ident=${it.v3Identity} 192.0.2.1:80 ${it.v3Identity}\n`)
  .join("");
/** Signed by all three; its relays may be told. */
export const signedConsensus = signDocument(microdesc(), authorities, "sha256");

function directoryOf(text: string): RelayDirectory {
  const bytes = Buffer.from(text, "latin1");
  const keys = parseKeyCertificates(Buffer.from(certificates, "latin1")).certificates;
  const verification = verifyConsensus(bytes, keys, network);
  return new RelayDirectory({
    documents: [parseConsensus(bytes, "signed-consensus", verification)],
    authorities: authorities.map(authorityOf),
    fallbacks: [],
  });
}

/** Of 2026-11-22 10:00 to 13:00 UTC, and a day longer for old clients. */
export const verifiedDirectory = directoryOf(signedConsensus);
/** The same, but that nobody has the authorities' certificates. */
export const unverifiedDirectory = new RelayDirectory({
  documents: [parseConsensus(Buffer.from(microdesc(), "latin1"), "unsigned-consensus")],
  fallbacks: [],
});
export const noDirectory = new RelayDirectory({ fallbacks: [], authorities: [] });
