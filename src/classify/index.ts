export { type Classification, type Evidence, FLOW_CLASSES, type FlowClass } from "./classification.js";
export { Classifier, knowsMore, type Opener } from "./classifier.js";
