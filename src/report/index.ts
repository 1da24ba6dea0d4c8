export { flowCsv, flowCsvHeader } from "./csv.js";
export { AnalysisJsonWriter } from "./json.js";
export { packetTag } from "./tags.js";
