export type { Credentials } from "./authenticate.js";
export {
  formatSocketAddress,
  parseControlAddress,
  type SocketAddress,
  type TcpAddress,
  type UnixAddress,
} from "./control-address.js";
export { ControlConnection, type ControlOptions, type ListedEndpoints } from "./control-connection.js";
export type { LinkOptions } from "./control-link.js";
export type { EntryGuard, EntryGuardStatus } from "./entry-guard.js";
export type { OrConnection, OrConnectionLine, OrConnectionStatus, OrEndpoint } from "./or-connection.js";
