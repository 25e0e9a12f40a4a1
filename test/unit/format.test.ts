import { describe, expect, test } from "vitest";
import { parseCluster } from "../../config/parse.ts";
import { formatPlan } from "../../plan/format.ts";
import { planCluster } from "../../plan/index.ts";
import { bar, hanging, painter, wrap } from "../../plan/terminal.ts";
import { configurationWith } from "../support/configurations.ts";
import { smallModelFacts } from "../support/models.ts";

const planWith = (values: Readonly<Record<string, unknown>>) =>
  planCluster(parseCluster(configurationWith({ "model.contextTokens": 2048, ...values })), smallModelFacts(), {
    stack: "local",
  });

const refused = planWith({ "backends[0].memory": "100 MiB", "front.memory": "256 MiB", "model.contextTokens": 16_000 });

describe("the plan in the terminal", () => {
  test("shows the model, each device with its layers and memory, and the flags", () => {
    expect(
      `\n${formatPlan(planWith({ "backends[0].memory": "512 MiB", "front.arguments": ["--temp", "0.7"] }))}\n`,
    ).toMatchInlineSnapshot(`
      "
      Smollm2 135M 8k Lc100K Mix1 Ep2
      llama, Q4_1, 94 MiB, 30 layers, 2048 tokens of context in 1 slot
      target docker, private network 10.2.67.0/24, costs nothing per hour

      front  CPU   10.2.67.10:8080   embeddings            ░░··················   213 MiB of 2 GiB    10 %
      cpu-0  RPC0  10.2.67.11:50052  layers 0-18           ██▓▒░░░·············   171 MiB of 512 MiB  33 %
      cpu-1  RPC1  10.2.67.12:50052  layers 19-29, output  ██▓▒░░░·············   171 MiB of 512 MiB  33 %
      █ weights   ▓ KV cache   ▒ compute   ░ program   · free

      endpoint        http://127.0.0.1:8080
      --rpc           10.2.67.11:50052,10.2.67.12:50052
      --tensor-split  19,12
      front           APP_GPU_LAYERS=31 APP_THREADS=2 LLAMA_ARG_CTX_SIZE=2048 LLAMA_ARG_N_PARALLEL=1
                      LLAMA_ARG_BATCH=2048 LLAMA_ARG_UBATCH=512 LLAMA_ARG_FLASH_ATTN=auto
                      LLAMA_ARG_CACHE_TYPE_K=f16 LLAMA_ARG_CACHE_TYPE_V=f16
      arguments       --temp 0.7

      advice   One backend of pool cpu holds the whole model: it would save every token one trip over the
               network and leave 512 MiB to others. Set backends[0].count to 1.
               backends[0].count, F12 one-backend-is-enough
      "
    `);
  });

  test("shows what does not fit, why, and what to do", () => {
    expect(`\n${formatPlan(refused, { width: 80 })}\n`).toMatchInlineSnapshot(`
      "
      Smollm2 135M 8k Lc100K Mix1 Ep2
      llama, Q4_1, 94 MiB, 30 layers, 16000 tokens of context in 1 slot
      target docker, private network 10.2.67.0/24, costs nothing per hour

      front  CPU   10.2.67.10:8080   embeddings             268 MiB of 256 MiB 105 %
      cpu-0  RPC0  10.2.67.11:50052  layers 0-15            380 MiB of 100 MiB 379 %
      cpu-1  RPC1  10.2.67.12:50052  layers 16-29, output   381 MiB of 100 MiB 380 %

      endpoint        http://127.0.0.1:8080
      --rpc           10.2.67.11:50052,10.2.67.12:50052
      --tensor-split  16,15
      front           APP_GPU_LAYERS=31 APP_THREADS=2 LLAMA_ARG_CTX_SIZE=16000
                      LLAMA_ARG_N_PARALLEL=1 LLAMA_ARG_BATCH=2048 LLAMA_ARG_UBATCH=512
                      LLAMA_ARG_FLASH_ATTN=auto LLAMA_ARG_CACHE_TYPE_K=f16
                      LLAMA_ARG_CACHE_TYPE_V=f16

      error    The model does not fit: with the best split, cpu-1 needs 381 MiB of its
               100 MiB. Set backends[0].memory to at least 384 MiB.
               backends[0].memory, F01 model-does-not-fit
      error    The front needs 268 MiB and has 256 MiB. Set front.memory to at least
               320 MiB.
               front.memory, F02 front-memory-too-small
      warning  Each slot has a context of 16128 tokens, and the model was trained with
               8192: answers beyond that get worse. Set model.contextTokens to at most
               8192.
               model.contextTokens, F06 context-longer-than-trained
      advice   The context of each slot is rounded up to 256 tokens: llama.cpp uses
               16128 instead of 16000. Set model.contextTokens to 16128.
               model.contextTokens, F09 context-rounded
      "
    `);
  });

  test("leaves the bars out where there is no room for them", () => {
    expect(`\n${formatPlan(planWith({}), { width: 66 })}\n`).toMatchInlineSnapshot(`
      "
      Smollm2 135M 8k Lc100K Mix1 Ep2
      llama, Q4_1, 94 MiB, 30 layers, 2048 tokens of context in 1 slot
      target docker, private network 10.2.67.0/24, costs nothing per
      hour

      front  CPU   10.2.67.10:8080   embeddings             213 MiB of 2 GiB  10 %
      cpu-0  RPC0  10.2.67.11:50052  layers 0-18            171 MiB of 1 GiB  17 %
      cpu-1  RPC1  10.2.67.12:50052  layers 19-29, output   171 MiB of 1 GiB  17 %

      endpoint        http://127.0.0.1:8080
      --rpc           10.2.67.11:50052,10.2.67.12:50052
      --tensor-split  19,12
      front           APP_GPU_LAYERS=31 APP_THREADS=2
                      LLAMA_ARG_CTX_SIZE=2048 LLAMA_ARG_N_PARALLEL=1
                      LLAMA_ARG_BATCH=2048 LLAMA_ARG_UBATCH=512
                      LLAMA_ARG_FLASH_ATTN=auto
                      LLAMA_ARG_CACHE_TYPE_K=f16
                      LLAMA_ARG_CACHE_TYPE_V=f16

      advice   One backend of pool cpu holds the whole model: it would
               save every token one trip over the network and leave 1
               GiB to others. Set backends[0].count to 1.
               backends[0].count, F12 one-backend-is-enough
      advice   The backends use 341 MiB of their 2 GiB: even the fullest
               is more than half empty. Set backends[0].memory to 256
               MiB, or use the room for a longer context.
               backends[0].memory, F14 memory-unused
      "
    `);
  });

  test.each([60, 80, 100, 120, 200])("keeps its prose within %i columns", (width) => {
    const lines = formatPlan(refused, { width }).split("\n");
    const prose = lines.filter((line) => line.includes(" ") && !/RPC\d|front +CPU|^--|ARG|_/.test(line));
    const longest = Math.max(...prose.map((line) => line.length));
    expect(longest).toBeLessThanOrEqual(width);
  });

  test("has no colours unless they are asked for, and the same text with them", () => {
    const esc = String.fromCharCode(27);
    const plain = formatPlan(refused);
    const coloured = formatPlan(refused, { colour: true });
    expect(plain).not.toContain(esc);
    expect(coloured).toContain(`${esc}[31m`);
    expect(coloured.replaceAll(new RegExp(`${esc}\\[\\d+m`, "g"), "").replaceAll(/ +$/gm, "")).toBe(plain);
  });
});

describe("a bar", () => {
  const paint = painter(false);
  const parts = (...amounts: number[]) =>
    amounts.map((amount, index) => ({ amount, character: "abc".charAt(index), style: "dim" as const }));

  test("is as full as it should be, whatever the parts", () => {
    expect(bar(parts(25, 25), 100, 8, paint)).toBe("aabb····");
    expect(bar(parts(33, 33, 34), 100, 10, paint)).toBe("aaabbbbccc");
    expect(bar(parts(0, 50), 100, 4, paint)).toBe("bb··");
  });

  test("ends where its room ends", () => expect(bar(parts(80, 80), 100, 10, paint)).toBe("aaaaaaaabb"));
});

describe("a long text", () => {
  test("is broken at spaces, a long word left whole", () => {
    expect(wrap("one two three four", 9)).toEqual(["one two", "three", "four"]);
    expect(wrap("averylongwordindeed x", 5)).toEqual(["averylongwordindeed", "x"]);
  });

  test("goes on under its beginning", () =>
    expect(hanging("ab  ", "one two three four five six", 24)).toEqual(["ab  one two three four", "    five six"]));
});
