// The npm package pcap-parser as a program: reads a capture, counts its packets.

import { createRequire } from "node:module";

/** @type {{ parse(path: string): import("node:events").EventEmitter }} It brings no types of its own. */
const pcapParser = createRequire(import.meta.url)("pcap-parser");

let packets = 0;
const parser = pcapParser.parse(/** @type {string} */ (process.argv[2]));
parser.on("packet", () => packets++);
parser.on("end", () => console.log(packets));
