export { fractionDigitsOf } from "./fraction-digits.js";
export { type FrameSender, openFrameSender } from "./libpcap/index.js";
export type { LiveSource } from "./live/joined-source.js";
export type { LiveEvent, LiveOptions } from "./live/live-options.js";
export { openLive } from "./live/open-live.js";
export { mergeByTime } from "./merge.js";
export { type OpenCaptureOptions, openCapture, openCaptures } from "./open-capture.js";
export type { CaptureDamage, CaptureInterface, CaptureStatistics, PacketSource, SourceInfo } from "./packet-source.js";
export {
  type BlockTime,
  type InterfaceDetails,
  type NameRecord,
  PcapngWriter,
  type SectionDetails,
  type StatisticsDetails,
} from "./pcapng-writer.js";
