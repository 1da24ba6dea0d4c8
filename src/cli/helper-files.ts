import { fileURLToPath } from "node:url";

// Where the build puts what runs beside the main thread, as seen from this folder: all that is bundled lies there.

export const CAPTURE_WORKER = new URL("../capture/live/libpcap-worker.js", import.meta.url);
export const PROCESS_HELPER = fileURLToPath(new URL("./processes/process-helper.js", import.meta.url));
