export type { Flow, Moment, PerSide, TcpState, Tunnel } from "./flow.js";
export { FlowTable, type FlowTableOptions } from "./flow-table.js";
export { SIZE_BUCKET_BOUNDS, SIZE_BUCKETS, sizeBucket } from "./row-layout.js";
