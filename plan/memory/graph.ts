/**
 * A graph of computations and the memory that its results need at once. It is a port of ggml's graph allocator, because
 * the plan has to round, reuse and leave gaps exactly where llama.cpp does.
 * Source at the pinned commit: `ggml_gallocr_alloc_graph_impl`, `ggml_gallocr_allocate_node` and `ggml_dyn_tallocr_alloc`
 * in `ggml/src/ggml-alloc.c`.
 */

import { at } from "../../config/collections.ts";

/** Alignment of a buffer on the CPU (`TENSOR_ALIGNMENT` in `ggml/src/ggml-impl.h`). */
const ALIGNMENT_BYTES = 32;

/** A result that has its own bytes, a view of another result, or a value outside the buffer (weights, cache, inputs). */
export interface Value {
  readonly bytes: number;
  readonly root: Value | null;
  readonly isOutside: boolean;
}

interface Node {
  value: Value;
  sources: readonly Value[];
  /** Whether the result may overwrite a source that no other node needs (`ggml_op_can_inplace`). */
  inPlace: boolean;
}

/** The computations of one device, in the order in which they run. */
export class Graph {
  private readonly nodes: Node[] = [];

  /** A value outside the compute buffer. */
  outside(): Value {
    return { bytes: 0, root: null, isOutside: true };
  }

  /** A computation whose result needs its own memory. */
  compute(bytes: number, ...sources: Value[]): Value {
    return this.add(bytes, sources, false);
  }

  /** A computation that may overwrite its source. */
  update(bytes: number, ...sources: Value[]): Value {
    return this.add(bytes, sources, true);
  }

  /** The same bytes in another shape, or a part of them. */
  view(source: Value): Value {
    const root = source.root ?? source;
    const value = { bytes: source.bytes, root, isOutside: root.isOutside };
    this.nodes.push({ value, sources: [source], inPlace: false });
    return value;
  }

  /** A computation that writes outside the compute buffer, for example to the cache. */
  store(...sources: Value[]): void {
    const value = { bytes: 0, root: this.outside(), isOutside: true };
    this.nodes.push({ value, sources, inPlace: false });
  }

  /** The most bytes in use at once. */
  peakBytes(): number {
    return new Allocation(this.nodes).peakBytes;
  }

  private add(bytes: number, sources: readonly Value[], inPlace: boolean): Value {
    const value = { bytes, root: null, isOutside: false };
    this.nodes.push({ value, sources, inPlace });
    return value;
  }
}

/** The allocator's record of one result. */
interface Holding {
  children: number;
  views: number;
  /** Offset in the buffer; null if the result has no memory of its own, or it has been freed. */
  offset: number | null;
}

class Allocation {
  readonly peakBytes: number;
  private readonly holdings = new Map<Value, Holding>();
  private readonly memory = new Memory();

  constructor(nodes: readonly Node[]) {
    for (const { value, sources } of nodes) {
      if (value.root !== null) this.of(value.root).views += 1;
      for (const source of sources) this.of(source).children += 1;
    }
    for (const node of nodes) {
      this.place(node);
      for (const source of node.sources) this.release(source);
    }
    this.peakBytes = this.memory.peakBytes;
  }

  private of(value: Value): Holding {
    let holding = this.holdings.get(value);
    if (holding === undefined) {
      holding = { children: 0, views: 0, offset: null };
      this.holdings.set(value, holding);
    }
    return holding;
  }

  private place({ value, sources, inPlace }: Node): void {
    if (value.root !== null || value.isOutside) return;
    const holding = this.of(value);
    const replaced = inPlace ? sources.find((source) => this.canBeReplaced(source, value)) : undefined;
    if (replaced !== undefined) {
      const old = this.of(replaced);
      holding.offset = old.offset;
      old.offset = null;
      return;
    }
    holding.offset = this.memory.take(value.bytes);
  }

  private canBeReplaced(source: Value, value: Value): boolean {
    const { children, views, offset } = this.of(source);
    return offset !== null && source.bytes === value.bytes && children === 1 && views === 0;
  }

  private release(source: Value): void {
    const holding = this.of(source);
    holding.children -= 1;
    if (holding.children > 0 || holding.views > 0) return;
    if (source.root === null) {
      this.free(source, holding);
      return;
    }
    const root = this.of(source.root);
    root.views -= 1;
    if (root.views === 0 && root.children === 0) this.free(source.root, root);
  }

  private free(value: Value, holding: Holding): void {
    if (holding.offset === null) return;
    this.memory.give(holding.offset, value.bytes);
    holding.offset = null;
  }
}

interface Gap {
  offset: number;
  bytes: number;
}

/** Memory that is allocated by best fit. The last gap has no end. */
class Memory {
  peakBytes = 0;
  private readonly gaps: Gap[] = [{ offset: 0, bytes: Number.POSITIVE_INFINITY }];

  take(wanted: number): number {
    const bytes = alignedBytes(wanted);
    const last = this.gaps.length - 1;
    let best = last;
    this.gaps.forEach((gap, index) => {
      if (index < last && gap.bytes >= bytes && gap.bytes <= at(this.gaps, best).bytes) best = index;
    });
    const gap = at(this.gaps, best);
    const { offset } = gap;
    gap.offset += bytes;
    gap.bytes -= bytes;
    if (gap.bytes === 0) this.gaps.splice(best, 1);
    this.peakBytes = Math.max(this.peakBytes, offset + bytes);
    return offset;
  }

  give(offset: number, given: number): void {
    const bytes = alignedBytes(given);
    if (bytes === 0) return;
    const after = this.gaps.findIndex((gap) => gap.offset > offset);
    this.gaps.splice(after, 0, { offset, bytes });
    this.join(after);
    this.join(after - 1);
  }

  /** Joins a gap with the next one if they touch. */
  private join(index: number): void {
    const [gap, next] = [this.gaps[index], this.gaps[index + 1]];
    if (gap === undefined || next === undefined || gap.offset + gap.bytes !== next.offset) return;
    gap.bytes += next.bytes;
    this.gaps.splice(index + 1, 1);
  }
}

/** Bytes that a result takes, rounded up to the alignment. */
export function alignedBytes(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}
