export { fractionDigitsOf } from "./fraction-digits.js";
export { mergeByTime } from "./merge.js";
export { type OpenCaptureOptions, openCapture, openCaptures } from "./open-capture.js";
export type { CaptureDamage, CaptureInterface, PacketSource, SourceInfo } from "./packet-source.js";
