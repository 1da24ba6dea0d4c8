export { monero } from "./monero.js";
