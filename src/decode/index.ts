export { DecodeStatus, Fragment, NoEtherType, PacketHeaders, TcpFlag } from "./headers.js";
export { decodePacket } from "./packet.js";
