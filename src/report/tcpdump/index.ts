export { type ConversationEnd, formatPacketText, TcpdumpFormatter, type TcpdumpOptions } from "./formatter.js";
export { LineBuffer } from "./line-buffer.js";
export type { TimeStyle } from "./time-text.js";
