export { packetLine } from "../packet-line.js";
export { type ExplainedPacket, explainFlow } from "./explain.js";
