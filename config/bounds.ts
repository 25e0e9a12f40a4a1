/** Bounds that the schema, the rules and the planner share. */

/** The most RPC devices that llama.cpp serves (`GGML_RPC_MAX_SERVERS` is 16; its own documentation counts the front). */
export const MAX_BACKENDS = 15;

/** llama.cpp rounds the context of each slot up to 256 tokens (`src/llama-context.cpp`, `GGML_PAD(n_ctx_seq, 256)`). */
export const CONTEXT_STEP_TOKENS = 256;

/** Port of this machine at which the front of target docker answers if the stack file names none. */
export const DEFAULT_HOST_PORT = 8080;

/** Offset of the first backend's address in the private network; the front has the address before it. */
export const FIRST_BACKEND_OFFSET = 11;

/** Addresses in the block of each pool: as many as there can be backends, and one more. The first block is the front's. */
export const POOL_ADDRESSES = 16;
