export { flowCsv, flowCsvHeader } from "./csv.js";
export { AnalysisJsonWriter } from "./json.js";
export { flowComment } from "./pcapng-comment.js";
export { packetTag } from "./tags.js";
