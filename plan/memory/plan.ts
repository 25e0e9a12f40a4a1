/** The memory of one device, and which layers it holds. */

/** Memory of one device, each part in bytes. */
export interface MemoryPlan {
  weightsBytes: number;
  kvCacheBytes: number;
  computeBytes: number;
  /** Memory of the program besides the model: code, buffers of the runtime, copies for the socket. */
  reserveBytes: number;
  /** Sum of the parts above. */
  totalBytes: number;
  /** Memory that the device has for the model and the program. */
  capacityBytes: number;
}

/** Consecutive repeating layers; `last` is included. */
export interface LayerRange {
  first: number;
  last: number;
  count: number;
}
