export { AddressPseudonyms } from "./address-pseudonyms.js";
export { type Claim, type Claims, readClaims } from "./claims.js";
export {
  type ComparedFinding,
  type Comparison,
  compareFindings,
  stateOf,
  type Unchecked,
  type VerificationState,
} from "./compare.js";
export { Derivation, type DerivedFlow } from "./derived-flows.js";
export { EvidenceRedaction } from "./evidence-redaction.js";
export { FindingFlows, findingKey, needsProof } from "./finding-flows.js";
export { FlowNumbers } from "./flow-numbers.js";
export {
  type FileDigest,
  type Manifest,
  type ManifestConsensus,
  type ManifestFault,
  type ManifestFinding,
  type ManifestOptions,
  manifestText,
  readManifest,
  sha256Of,
} from "./manifest.js";
export { NamePseudonyms } from "./name-pseudonyms.js";
export { PacketNumbers } from "./packet-numbers.js";
export { redactDocument } from "./redact-document.js";
export { isRedactable } from "./redact-link.js";
export { redactPacket } from "./redact-packet.js";
