export { bittorrentDht } from "./dht.js";
export { bittorrent } from "./handshake.js";
export { udpTracker } from "./udp-tracker.js";
export { utp } from "./utp.js";
