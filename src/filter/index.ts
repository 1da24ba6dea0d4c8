export { compileFilter, type PacketFilter } from "./packet-filter.js";
