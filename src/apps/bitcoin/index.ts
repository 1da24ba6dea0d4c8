export { bitcoin } from "./bitcoin.js";
export { bitcoinV2 } from "./v2.js";
