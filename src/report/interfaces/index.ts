export { interfacesJson, renderInterfaces } from "./interfaces.js";
