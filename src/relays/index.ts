export type { Authority } from "./authorities.js";
export { type Bridge, formatBridge, parseBridge } from "./bridge-line.js";
export type { Consensus, ConsensusRelay, EndpointSource, OrPort, RelayIdentity } from "./consensus.js";
export type { ConsensusAnomalies } from "./consensus-body.js";
export {
  ConsensusDocument,
  parseConsensus,
  reachFrom,
  reachUntil,
} from "./consensus-document.js";
export {
  type ConsensusFile,
  type ConsensusFiles,
  findConsensusFiles,
  findLocalConsensus,
  type LoadedCertificates,
  type LoadedConsensuses,
  type LoadNote,
  loadCertificates,
  loadConsensusFiles,
  readConsensus,
  type Trust,
  torDataDirectories,
} from "./consensus-files.js";
export {
  type ConsensusFlavor,
  type ConsensusPreamble,
  looksLikeConsensus,
  parsePreamble,
} from "./consensus-preamble.js";
export type { Coverage, TimeSpan } from "./coverage.js";
export {
  type ExitAddress,
  type ExitList,
  looksLikeExitList,
  MAX_EXIT_LIST_BYTES,
  parseExitList,
} from "./exit-list.js";
export { type GeoIp, MAX_GEOIP_BYTES, parseGeoIp } from "./geoip.js";
export type { FallbackDirectory, TorConnection } from "./known-relays.js";
export type { DocumentHour, ListingSpan, SpanEdge } from "./listing-span.js";
export { listingSpans } from "./listing-span.js";
export {
  type DirectoryChanges,
  type DocumentSummary,
  type FormerDocument,
  formerDocument,
  RelayDirectory,
  type RelayDirectoryOptions,
} from "./relay-directory.js";
export {
  type KnownListing,
  type ListingDocument,
  type LookedUpExit,
  type LookedUpRelay,
  type LookupAnswer,
  lookupRelay,
  type Neighbour,
  type RelayLookup,
  RelayLookups,
} from "./relay-lookup.js";
export type { DocumentEvidence, Freshness, Listing, RelayMatch } from "./relay-match.js";
export { exitAt, type TorExit } from "./tor-exit.js";
export { MAX_TORRC_BYTES, parseAuthority, parseTorrc, type Torrc } from "./torrc.js";
export { AuthoritySet, type Voter } from "./verify/authority-set.js";
export {
  type KeyCertificate,
  type KeyCertificates,
  looksLikeKeyCertificate,
  parseKeyCertificates,
} from "./verify/key-certificate.js";
export { type Verification, verificationText } from "./verify/verification.js";
export { verifyConsensus } from "./verify/verify-consensus.js";
