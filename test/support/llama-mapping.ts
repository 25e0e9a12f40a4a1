/** Ports of what llama.cpp decides by itself, to hold the plan against. */

/**
 * Which device each layer and the output layer land on: port of the split in `llama_model_base::load_tensors`
 * (`src/llama-model.cpp` at the pinned commit), 32-bit floating point included. -1 is the CPU.
 */
export function llamaLayerDevices(layers: number, gpuLayers: number, tensorSplit: readonly number[]): number[] {
  const { fround } = Math;
  const splits = tensorSplit.map(fround);
  let sum = 0;
  for (let device = 0; device < splits.length; device++) {
    sum = fround(sum + (splits[device] ?? 0));
    splits[device] = sum;
  }
  const points = splits.map((point) => fround(point / sum));
  const firstOnDevice = Math.max(layers + 1 - gpuLayers, 0);
  const onDevice = Math.min(gpuLayers, layers + 1);
  return Array.from({ length: layers + 1 }, (_, layer) => {
    if (layer < firstOnDevice || layer - firstOnDevice >= onDevice) return -1;
    const share = fround(fround(layer - firstOnDevice) / fround(onDevice));
    return points.findIndex((point) => point > share);
  });
}
