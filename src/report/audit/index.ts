export { auditDocument, auditJson, findingJson } from "./json.js";
export { auditJunit } from "./junit.js";
export { auditMarkdown } from "./markdown.js";
export { auditSarif } from "./sarif.js";
export { auditText } from "./text.js";
