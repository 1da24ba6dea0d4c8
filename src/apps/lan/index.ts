export { dhcp } from "./dhcp.js";
export { dhcpv6 } from "./dhcpv6.js";
export { natPmp } from "./nat-pmp.js";
export { pcp } from "./pcp.js";
