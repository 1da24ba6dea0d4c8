export { type AddressVisitor, readDnsAnswers } from "./dns-answers.js";
export { PassiveNames } from "./passive-names.js";
export { readTlsServerName } from "./tls-server-name.js";
