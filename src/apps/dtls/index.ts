export { dtls } from "./dtls.js";
