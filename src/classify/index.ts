export { type Classification, type Evidence, FLOW_CLASSES, type FlowClass } from "./classification.js";
export { Classifier, type Opener } from "./classifier.js";
