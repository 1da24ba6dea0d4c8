export { Analysis, type AnalysisOptions, type AnalysisResult, type FrameTotal, spanOf } from "./analysis.js";
export { ClassTotals, isBefore } from "./class-totals.js";
export type { DisclosedTotal } from "./disclosed-totals.js";
export { type EndpointTotal, EndpointTotals, type PortTotal } from "./endpoint-totals.js";
export type { CarriedBy, Carries, FlowRecord, Remote } from "./flow-record.js";
export { type ProgramTotal, ProgramTotals, type ProgramTraffic } from "./program-totals.js";
export type { Specimen } from "./specimen.js";
