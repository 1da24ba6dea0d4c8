export { type HostInterface, type InterfaceAddress, listInterfaces } from "./interfaces.js";
export { ProcessFinder, type ProcessFinderOptions, type ProcessMatch } from "./process-finder.js";
export type { HostProcess } from "./process-info.js";
export type { ProcessQuery } from "./socket-finder.js";
