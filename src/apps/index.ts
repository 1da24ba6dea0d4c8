export { type ApplicationLimits, ApplicationTracker, type ProtocolSet } from "./application-tracker.js";
export {
  type DetailValue,
  DISCLOSURE_KINDS,
  type Disclosure,
  type DisclosureKind,
  type FlowFacts,
  PROTOCOLS,
  type Protocol,
  type ProxyRequest,
  type RecognisedBy,
} from "./flow-facts.js";
export { PassiveNames } from "./passive-names.js";
export {
  type DatagramProtocol,
  type DatagramReader,
  type FlowContext,
  Match,
  type StreamProtocol,
  type StreamReader,
} from "./protocol-reader.js";
export { PROTOCOL_SET } from "./protocols.js";
export type { CellShape, CellShapeFigures } from "./tor/cell-shape.js";
export { isTorServerName } from "./tor/link-names.js";
