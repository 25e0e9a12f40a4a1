/** Bounds that the schema, the rules and the planner share. */

/** llama.cpp serves at most so many RPC devices (`GGML_RPC_MAX_SERVERS` is 16; its own documentation counts the front). */
export const MAX_BACKENDS = 15;

/** llama.cpp rounds the context of each slot up to 256 tokens (`src/llama-context.cpp`, `GGML_PAD(n_ctx_seq, 256)`). */
export const CONTEXT_STEP_TOKENS = 256;

/** Offset of the first backend's address in the private network; the front has the one before. */
export const FIRST_BACKEND_OFFSET = 11;

/** Each pool has a block of so many addresses, as many as there can be backends and one; the first block is the front's. */
export const POOL_ADDRESSES = 16;
