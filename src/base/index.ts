export { CapturedPacket, MAX_SNAPLEN } from "./captured-packet.js";
export { type ErrorKind, fileError, LeekError, type LeekErrorDetails, systemErrorCode } from "./errors.js";
export { escapeCsv, escapeText } from "./escape.js";
export { grown } from "./grown.js";
export { LinkType, linkTypeName } from "./link-type.js";
export {
  type FractionDigits,
  formatFraction,
  formatIsoSeconds,
  formatIsoTime,
  minuteText,
  parseUtcTime,
} from "./time.js";
