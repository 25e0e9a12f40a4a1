/** The memory of one device, and which layers it holds. */

/** Memory of one device, each part in bytes. */
export interface MemoryPlan {
  weightsBytes: number;
  kvCacheBytes: number;
  computeBytes: number;
  /** What the program itself needs besides the model: code, buffers of the runtime, the socket's copies. */
  reserveBytes: number;
  /** Sum of the parts above. */
  totalBytes: number;
  /** What the stack file declares for this device. */
  capacityBytes: number;
}

/** A consecutive run of repeating layers, `last` included. */
export interface LayerRange {
  first: number;
  last: number;
  count: number;
}
