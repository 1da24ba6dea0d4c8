export { auditDocument, auditJson, findingJson } from "./json.js";
export { auditText } from "./text.js";
