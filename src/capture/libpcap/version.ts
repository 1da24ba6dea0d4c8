import { loadLibpcap } from "./library.js";

/**
 * libpcap's own words about its version, for problem reports: `libpcap version 1.10.3 (with TPACKET_V3)`.
 *
 * @throws {LeekError} LEEK_LIBPCAP_MISSING.
 */
export function libpcapVersion(): string {
  return loadLibpcap().pcap_lib_version();
}
