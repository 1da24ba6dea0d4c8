import { MAX_SNAPLEN } from "../../base/index.js";
import type { SourceInfo } from "../packet-source.js";
import { parsePcapHeader } from "../pcap-header.js";
import { PcapReader } from "../pcap-reader.js";
import { JoinedSource, type LiveReader, type LiveSource, updateCounters } from "./joined-source.js";
import type { LiveBytes } from "./live-bytes.js";
import { LiveInterface } from "./live-interface.js";
import type { LiveOptions } from "./live-options.js";

/**
 * Captures from interfaces. When the promise is settled, whatever takes rights has been done.
 *
 * Packets of one interface come in its order; across interfaces, in the order in which the kernel hands them over.
 * `infos` holds one source for each interface, and `interfaceIndex` counts them.
 *
 * @throws {LeekError} see openLiveHandle; LEEK_CAP_MISSING for the backend `cap`. Then no interface stays open.
 */
export async function openLive(options: LiveOptions): Promise<LiveSource> {
  if (options.interfaces.length === 0) throw new RangeError("no interface was named");
  if (options.snaplen < 1 || options.snaplen > MAX_SNAPLEN) throw new RangeError(`bad snaplen: ${options.snaplen}`);
  const opened = await Promise.allSettled(options.interfaces.map((name) => openBytes(name, options)));
  const sources = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  try {
    for (const one of opened) if (one.status === "rejected") throw one.reason;
    const readers = sources.map((bytes, i) => openReader(bytes, options.interfaces[i]!));
    return new JoinedSource(readers);
  } catch (error) {
    await Promise.all(sources.map((bytes) => bytes.close()));
    throw error;
  }
}

async function openBytes(name: string, options: LiveOptions): Promise<LiveBytes> {
  if (options.backend === "libpcap") return LiveInterface.open(name, options);
  const { openCap } = await import("./cap-interface.js");
  return openCap(name, options);
}

/** The packets of one interface. */
export function openReader(bytes: LiveBytes, name: string): LiveReader {
  const { window } = bytes;
  const info: SourceInfo = {
    name,
    format: "live",
    compression: undefined,
    interfaces: [],
    packets: 0,
    bytes: 0,
    bytesRead: 0,
    totalBytes: undefined,
    damage: undefined,
    anomalies: new Map(),
  };
  const reader = new PcapReader(bytes, window, parsePcapHeader(window.view, window.position, name), info);
  info.format = "live";
  info.interfaces[0] = { ...info.interfaces[0]!, name };
  updateCounters(info, bytes);
  return { bytes, reader, info };
}
