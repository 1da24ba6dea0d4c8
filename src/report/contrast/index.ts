export { renderContrast } from "./contrast.js";
