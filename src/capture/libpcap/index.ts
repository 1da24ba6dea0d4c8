export {
  type BpfInstruction,
  type CompileOptions,
  checkExpression,
  checkExpressionOfAnyVersion,
  compileExpression,
} from "./compile.js";
export { type FrameSender, openFrameSender } from "./frame-sender.js";
export { captureFailed, noPermission } from "./live-errors.js";
export {
  LAST_BLOCK_MS,
  type LiveHandle,
  type LiveHandleOptions,
  type LiveStatistics,
  openLiveHandle,
} from "./live-handle.js";
export { libpcapVersion } from "./version.js";
