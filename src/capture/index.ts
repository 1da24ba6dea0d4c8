export type { CaptureDamage, CaptureInterface, PacketSource, SourceInfo } from "./packet-source.js";
