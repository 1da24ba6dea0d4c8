export { flowCsv, flowCsvHeader } from "./csv.js";
export { AnalysisJsonWriter } from "./json.js";
export { listingText } from "./listing-text.js";
export { flowComment } from "./pcapng-comment.js";
export { packetTag } from "./tags.js";
