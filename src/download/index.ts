export { type Downloaded, type DownloadOptions, download, type Mirror } from "./download.js";
export { type AnyMirrorOptions, downloadFromAny } from "./download-from-any.js";
export { parseProxy, type SocksProxy } from "./proxy.js";
export { answersSocks } from "./socks-connection.js";
