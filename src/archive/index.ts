export {
  type Addition,
  Archive,
  type ArchiveOptions,
  type Kept,
  type KeptCertificate,
  type KeptConsensus,
  type KeptDocument,
} from "./archive.js";
export {
  ArchiveIndex,
  type ArchiveIndexOptions,
  type ListedRun,
  type RelayHistory,
  type RelayState,
  stateAt,
} from "./archive-index.js";
export { MAX_DOCUMENT_BYTES, readDocument } from "./document-file.js";

export {
  type ImportCount,
  type ImportProblem,
  type ImportProgress,
  type ImportReport,
  importFiles,
} from "./import-files.js";
export type { DocumentKind } from "./layout.js";
export type { IndexedDocument } from "./month-index.js";
export { type PruneReport, pruneArchive } from "./prune.js";
export {
  type ArchiveStatus,
  archiveStatus,
  type CertificateStatus,
  type DocumentProblem,
  type Gap,
  type KindStatus,
} from "./status.js";
export type { Writer } from "./write-aside.js";
