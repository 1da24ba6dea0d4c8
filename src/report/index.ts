export { flowCsv, flowCsvHeader } from "./csv.js";
export { AnalysisJsonWriter } from "./json.js";
export { listingText, minuteText } from "./listing-text.js";
export { flowComment } from "./pcapng-comment.js";
export { packetTag } from "./tags.js";
