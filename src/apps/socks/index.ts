export { socks4 } from "./socks4.js";
export { socks5 } from "./socks5.js";
