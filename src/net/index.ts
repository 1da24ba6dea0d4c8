export {
  type Endpoint,
  formatAddress,
  formatEndpoint,
  formatIpAddress,
  type IpAddress,
  parseAddress,
  parseEndpoint,
} from "./address.js";
export { formatIpv4, type Ipv4, parseIpv4 } from "./ipv4.js";
export { EtherType, etherTypeName, IpProtocol, ipProtocolName } from "./protocols.js";
export { embedsIpv4, type LocalRange, localRange } from "./special-ranges.js";
