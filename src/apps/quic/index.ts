export { quic } from "./quic.js";
