export { DecodeStatus, Fragment, NoEtherType, PacketHeaders, TcpFlag } from "./headers.js";
export { extensionHeaderBytes, isExtensionHeader, MAX_EXTENSION_HEADERS } from "./ipv6.js";
export { decodePacket } from "./packet.js";
