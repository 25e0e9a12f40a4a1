import { describe, expect, test } from "vitest";
import { configurationWith } from "../../bench/support/configurations.ts";
import { smallModelFacts } from "../../bench/support/models.ts";
import { parseCluster } from "../../config/parse.ts";
import { planCluster } from "../../plan/index.ts";
import { tokensPerSecond } from "../../plan/speed/estimate.ts";
import { shortUsd, speedRange, usd } from "../../report/amounts.ts";
import { bar, hanging, painter, wrap } from "../../report/layout.ts";
import { formatPlan } from "../../report/text.ts";
import { awsPlan, MIXED, PUBLISHED_CLUSTER, tooSmall } from "../support/aws-plans.ts";

const planWith = (values: Readonly<Record<string, unknown>>) =>
  planCluster(parseCluster(configurationWith({ "model.contextTokens": 2048, ...values })), smallModelFacts(), {
    stack: "local",
  });

const refused = planWith({ "backends[0].memory": "100 MiB", "front.memory": "256 MiB", "model.contextTokens": 16_000 });

/** What the planner finds is left to its own tests. */
const withoutFindings = (values: Parameters<typeof awsPlan>[0]) => ({ ...awsPlan(values), findings: [] });
const mixed = withoutFindings(MIXED);

describe("the plan in the terminal", () => {
  test("shows the model, each device with its layers and memory, and the flags", () => {
    expect(
      `\n${formatPlan(planWith({ "backends[0].memory": "512 MiB", "front.arguments": ["--temp", "0.7"] }))}\n`,
    ).toMatchInlineSnapshot(`
      "
      Smollm2 135M 8k Lc100K Mix1 Ep2
      llama, Q4_1, 94 MiB, 30 layers, 2048 tokens of context in 1 slot
      target docker, private network 10.2.67.0/24

      front  CPU       10.2.67.10:8080   embeddings            ░░··············   213 MiB of 2 GiB    10 %
      cpu-0  RPC0 CPU  10.2.67.11:50052  layers 0-18           █▓▒░░···········   171 MiB of 512 MiB  33 %
      cpu-1  RPC1 CPU  10.2.67.12:50052  layers 19-29, output  ██▒░░···········   171 MiB of 512 MiB  33 %
      █ weights   ▓ KV cache   ▒ compute   ░ program   · free

      Your own machine costs nothing per hour. Its speed is not estimated, because the planner does not
      know its memory bandwidth.

      endpoint        http://127.0.0.1:8080
      --rpc           10.2.67.11:50052,10.2.67.12:50052
      --tensor-split  19,12
      front           APP_GPU_LAYERS=31 APP_THREADS=2 LLAMA_ARG_CTX_SIZE=2048 LLAMA_ARG_N_PARALLEL=1
                      LLAMA_ARG_BATCH=2048 LLAMA_ARG_UBATCH=512 LLAMA_ARG_FLASH_ATTN=auto
                      LLAMA_ARG_CACHE_TYPE_K=f16 LLAMA_ARG_CACHE_TYPE_V=f16
      arguments       --temp 0.7

      advice   One backend of pool cpu can hold the whole model: alone, it saves each token one trip over
               the network and frees 512 MiB. Set backends[0].count to 1.
               backends[0].count, F12 one-backend-is-enough
      "
    `);
  });

  test("shows what does not fit, why, and what to do", () => {
    expect(`\n${formatPlan(refused, { width: 80 })}\n`).toMatchInlineSnapshot(`
      "
      Smollm2 135M 8k Lc100K Mix1 Ep2
      llama, Q4_1, 94 MiB, 30 layers, 16000 tokens of context in 1 slot
      target docker, private network 10.2.67.0/24

      front  CPU       embeddings            ██▒▒▒░░░░░░░░░   268 MiB of 256 MiB 105 %
      cpu-0  RPC0 CPU  layers 0-15           █████▓▓▓▓▓▓▓▓▓   380 MiB of 100 MiB 379 %
      cpu-1  RPC1 CPU  layers 16-29, output  ████████▓▓▓▓▓▓   381 MiB of 100 MiB 380 %
      █ weights   ▓ KV cache   ▒ compute   ░ program   · free

      Your own machine costs nothing per hour. Its speed is not estimated, because the
      planner does not know its memory bandwidth.

      endpoint        http://127.0.0.1:8080
      --rpc           10.2.67.11:50052,10.2.67.12:50052
      --tensor-split  16,15
      front           APP_GPU_LAYERS=31 APP_THREADS=2 LLAMA_ARG_CTX_SIZE=16000
                      LLAMA_ARG_N_PARALLEL=1 LLAMA_ARG_BATCH=2048 LLAMA_ARG_UBATCH=512
                      LLAMA_ARG_FLASH_ATTN=auto LLAMA_ARG_CACHE_TYPE_K=f16
                      LLAMA_ARG_CACHE_TYPE_V=f16

      error    The model does not fit: with the best split, cpu-1 needs 381 MiB and
               has 100 MiB. Set backends[0].memory to at least 384 MiB.
               backends[0].memory, F01 model-does-not-fit
      error    The front needs 268 MiB and has 256 MiB. Set front.memory to at least
               320 MiB.
               front.memory, F02 front-memory-too-small
      warning  Each slot has a context of 16128 tokens, but the model was trained with
               8192: answers beyond that get worse. Set model.contextTokens to at most
               8192.
               model.contextTokens, F06 context-longer-than-trained
      advice   The context of each slot must be a multiple of 256 tokens: llama.cpp
               uses 16128 tokens in total instead of 16000. Set model.contextTokens to
               16128.
               model.contextTokens, F09 context-rounded
      "
    `);
  });

  test("leaves the bars out where there is no room for them", () => {
    expect(`\n${formatPlan(planWith({}), { width: 66 })}\n`).toMatchInlineSnapshot(`
      "
      Smollm2 135M 8k Lc100K Mix1 Ep2
      llama, Q4_1, 94 MiB, 30 layers, 2048 tokens of context in 1 slot
      target docker, private network 10.2.67.0/24

      front  CPU       10.2.67.10:8080   embeddings             213 MiB of 2 GiB  10 %
      cpu-0  RPC0 CPU  10.2.67.11:50052  layers 0-18            171 MiB of 1 GiB  17 %
      cpu-1  RPC1 CPU  10.2.67.12:50052  layers 19-29, output   171 MiB of 1 GiB  17 %

      Your own machine costs nothing per hour. Its speed is not
      estimated, because the planner does not know its memory bandwidth.

      endpoint        http://127.0.0.1:8080
      --rpc           10.2.67.11:50052,10.2.67.12:50052
      --tensor-split  19,12
      front           APP_GPU_LAYERS=31 APP_THREADS=2
                      LLAMA_ARG_CTX_SIZE=2048 LLAMA_ARG_N_PARALLEL=1
                      LLAMA_ARG_BATCH=2048 LLAMA_ARG_UBATCH=512
                      LLAMA_ARG_FLASH_ATTN=auto
                      LLAMA_ARG_CACHE_TYPE_K=f16
                      LLAMA_ARG_CACHE_TYPE_V=f16

      advice   One backend of pool cpu can hold the whole model: alone,
               it saves each token one trip over the network and frees 1
               GiB. Set backends[0].count to 1.
               backends[0].count, F12 one-backend-is-enough
      advice   The backends use 341 MiB of their 2 GiB: even the fullest
               is more than half empty. Set backends[0].memory to 256
               MiB. Or use the free memory for a longer context.
               backends[0].memory, F14 memory-unused
      "
    `);
  });

  test.each(
    [60, 80, 100, 120, 200].flatMap((width) => [[width, "docker", refused] as const, [width, "aws", mixed] as const]),
  )("keeps its prose within %i columns with target %s", (width, _, plan) => {
    const lines = formatPlan(plan, { width }).split("\n");
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

describe("the plan of rented machines in the terminal", () => {
  test("shows the machines, the speed with its reasons, and what is paid, by part", () => {
    expect(`\n${formatPlan(mixed)}\n`).toMatchInlineSnapshot(`
      "
      Llama Hf
      llama, Q4_0, 213.14 GiB, 126 layers, 4096 tokens of context in 1 slot
      target aws in us-east-1, private network 10.72.35.0/24

      front     1 × c8g.4xlarge   16 vCPUs of Graviton4, 32 GiB, on-demand, 0.64 US dollars per hour
      pool gpu  2 × g6e.12xlarge  4 × L40S of 44.7 GiB, 48 vCPUs of EPYC Milan, 384 GiB, spot, 2.31–10.49
                                  US dollars per hour each
      pool arm  1 × c8g.8xlarge   32 vCPUs of Graviton4, 64 GiB, on-demand, 1.28 US dollars per hour

        front  CPU        embeddings              █░░·······················  3.07 GiB  of 30.04 GiB  10 %
      ┌ gpu-0  RPC0 L40S  layers 0-13             ███████████████░··········  26.24 GiB of 41.57 GiB  63 %
      │ gpu-1  RPC1 L40S  layers 14-27            ███████████████░··········  26.24 GiB of 41.57 GiB  63 %
      │ gpu-2  RPC2 L40S  layers 28-41            ███████████████░··········  26.24 GiB of 41.57 GiB  63 %
      └ gpu-3  RPC3 L40S  layers 42-55            ███████████████░··········  26.24 GiB of 41.57 GiB  63 %
      ┌ gpu-4  RPC4 L40S  layers 56-69            ███████████████░··········  26.24 GiB of 41.57 GiB  63 %
      │ gpu-5  RPC5 L40S  layers 70-83            ███████████████░··········  26.24 GiB of 41.57 GiB  63 %
      │ gpu-6  RPC6 L40S  layers 84-97            ███████████████░··········  26.24 GiB of 41.57 GiB  63 %
      └ gpu-7  RPC7 L40S  layers 98-111           ███████████████░··········  26.24 GiB of 41.57 GiB  63 %
        arm-0  RPC8 CPU   layers 112-125, output  ███████████░··············  27.4 GiB  of 61.08 GiB  45 %
      █ weights   ▓ KV cache   ▒ compute   ░ program   · free

      decode  about 1.9 tokens per second (1.4–2.6)
              █████████████████████████████████████████████████████████░░░
              █ memory 95 %   ▓ network 1 %   ▒ compute 0 %   ░ overhead 4 %
      prompt  about 11 tokens per second (7–18)
      load    Loading takes about 243 s, because the front fills one backend after the other, and the
              slowest connection sustains 938 MB/s.
      why     A token takes 518 ms: 95 % is reading weights and KV cache from memory, 1 % is the network
              between front and backends. Each token waits for 9 backends, one after the other. A prompt
              is bound by multiplying; its micro batches overlap on the devices.

      US dollars                                      per hour        per month
      machines       1 × c8g.4xlarge                      0.64           138.63
                     2 × g6e.12xlarge (spot)        4.62–20.99  1003.05–4559.30
                     1 × c8g.8xlarge                      1.28           277.26
      disks          1 × gp3 of 265 GB, 1000 MiB/s        0.08            61.20
                     2 × gp3 of 303 GB, 125 MiB/s         0.07            48.48
                     1 × gp3 of 98 GB, 125 MiB/s          0.01             7.84
      endpoints      3 interface endpoints                0.03            21.90
      addresses      2 public IPv4 addresses              0.01             7.30
      load balancer  1 load balancer                      0.03            22.27
      alarms         2 alarms                            <0.01             0.20
      registry       2 GB of images                      <0.01             0.20
      model bucket   213.1 GB of model files              0.01             4.90
      total                                         6.77–23.14  1593.23–5149.48
      A million generated tokens cost 797.71–4558.32 US dollars at 1.4–2.6 tokens per second, one answer
      at a time.
      The machines run 217 of the 730 hours of a month; everything else is paid for all 730.
      Prices as of 2026-07-20. Spot prices move daily; the high end is the on-demand price, which they
      never exceed. Data through interface endpoints costs 0.01 USD per GB more. Generating without pause
      would send 1 GB a month to the Internet, of which 100 GB are free. Taxes, discounts and requests to
      the bucket and the registry are not included.

      endpoint        a load balancer on the Internet
      --rpc           10.72.35.16:50052,10.72.35.16:50053,10.72.35.16:50054,10.72.35.16:50055,
                      10.72.35.17:50052,10.72.35.17:50053,10.72.35.17:50054,10.72.35.17:50055,
                      10.72.35.32:50052
      --tensor-split  14,14,14,14,14,14,14,14,15
      front           APP_GPU_LAYERS=127 APP_THREADS=16 LLAMA_ARG_CTX_SIZE=4096 LLAMA_ARG_N_PARALLEL=1
                      LLAMA_ARG_BATCH=2048 LLAMA_ARG_UBATCH=512 LLAMA_ARG_FLASH_ATTN=auto
                      LLAMA_ARG_CACHE_TYPE_K=f16 LLAMA_ARG_CACHE_TYPE_V=f16
      "
    `);
  });

  test("puts the amounts under what they are for where there is no room beside it", () => {
    expect(`\n${formatPlan(withoutFindings(PUBLISHED_CLUSTER), { width: 64 })}\n`).toMatchInlineSnapshot(`
      "
      Llama Hf
      llama, Q4_0, 213.14 GiB, 126 layers, 4096 tokens of context in 1
      slot
      target aws in us-east-1, private network 10.72.35.0/24

      front     1 × c8g.16xlarge  64 vCPUs of Graviton4, 128 GiB,
                                  on-demand, 2.55 US dollars per hour
      pool arm  2 × c8g.16xlarge  64 vCPUs of Graviton4, 128 GiB,
                                  on-demand, 2.55 US dollars per hour
                                  each

      front  CPU       10.72.35.10:8080   embeddings, layers 0-26  48.84 GiB of 123.16 GiB  40 %
      arm-0  RPC0 CPU  10.72.35.16:50052  layers 27-76             86.31 GiB of 123.16 GiB  70 %
      arm-1  RPC1 CPU  10.72.35.17:50052  layers 77-125, output    86.23 GiB of 123.16 GiB  70 %

      decode  about 1.5 tokens per second (1.1–1.9)
              ███████████████████████████████████████████████████████░
              █ memory 99 %   ▓ network 0 %   ▒ compute 0 %   ░
              overhead 1 %
      prompt  about 2.6 tokens per second (1.6–4.1)
      load    Loading takes about 218 s, because the volume of the
              model gives 1000 MiB/s.
      why     A token takes 681 ms: 99 % is reading weights and KV
              cache from memory, 0 % is the network between front and
              backends. Each token waits for 2 backends, one after the
              other. A prompt is bound by multiplying.

      US dollars                                   per hour  per month
      machines      3 × c8g.16xlarge                   7.66    5589.58
      disks         1 × gp3 of 265 GB, 1000 MiB/s      0.08      61.20
                    2 × gp3 of 166 GB, 125 MiB/s       0.04      26.56
      endpoints     4 interface endpoints              0.04      29.20
      registry      0.3 GB of images                  <0.01       0.03
      model bucket  213.1 GB of model files            0.01       4.90
      total                                            7.82    5711.47
      A million generated tokens cost 1132.55–1935.98 US dollars at
      1.1–1.9 tokens per second, one answer at a time.
      The machines run all 730 hours of a month.
      Prices as of 2026-07-20. Data through interface endpoints costs
      0.01 USD per GB more. Generating without pause would send 1 GB a
      month to the Internet, of which 100 GB are free. Taxes,
      discounts and requests to the bucket and the registry are not
      included.

      endpoint        port 8080 of the front, through your SSM
                      session; no port is open to the network
      --rpc           10.72.35.16:50052,10.72.35.17:50052
      --tensor-split  50,50
      front           APP_GPU_LAYERS=100 APP_THREADS=64
                      LLAMA_ARG_CTX_SIZE=4096 LLAMA_ARG_N_PARALLEL=1
                      LLAMA_ARG_BATCH=2048 LLAMA_ARG_UBATCH=512
                      LLAMA_ARG_FLASH_ATTN=auto
                      LLAMA_ARG_CACHE_TYPE_K=f16
                      LLAMA_ARG_CACHE_TYPE_V=f16
      "
    `);
  });

  test("never names the loopback address, and says how the front is reached", () => {
    const allowedCidrs = ["203.0.113.0/24"];
    const texts = [
      { mode: "ssm" },
      { mode: "private", allowedCidrs },
      { mode: "public", allowedCidrs, domain: "llm.example.com" },
    ].map((access) => formatPlan(awsPlan({ ...PUBLISHED_CLUSTER, access })));
    for (const text of texts) expect(text).not.toContain("127.0.0.1");
    expect(texts.map((text) => /^endpoint +(.*)$/m.exec(text)?.[1])).toEqual([
      "port 8080 of the front, through your SSM session; no port is open to the network",
      "an internal load balancer for your networks, not reachable from the Internet",
      "a load balancer on the Internet",
    ]);
  });

  test("gives no speed and no price of a token for a model that does not fit, but what the machines cost", () => {
    const text = formatPlan(tooSmall(mixed));
    expect(text).toContain("No speed is estimated for a model that does not fit.");
    expect(text).not.toMatch(/tokens per second|A million/);
    expect(text).toMatch(/^total +\d/m);
  });

  test("says which machine has no price in the region", () => {
    const text = formatPlan(
      awsPlan({ aws: { region: "eu-west-1" }, backends: [{ name: "gpu", machine: "g5g.xlarge" }] }, smallModelFacts()),
    );
    expect(text).toContain("No cost: eu-west-1 does not sell g5g.xlarge on demand.");
    expect(text).toMatch(/^pool gpu +1 × g5g\.xlarge .*, no price$/m);
  });

  test("says each amount as exactly as it is known", () => {
    expect([0.5575, 9.06, 43.7, 214, 3097].map(tokensPerSecond)).toEqual(["0.56", "9.1", "44", "210", "3100"]);
    expect(speedRange({ tokensPerSecond: 1, low: 0.43, high: 2.26 })).toBe("0.43–2.3");
    expect(usd({ low: 0.0004, high: 0.0004 })).toBe("<0.01");
    expect(usd({ low: 0, high: 4.6016 })).toBe("0.00–4.60");
    expect(shortUsd({ low: 9.5, high: 99.994 })).toBe("$9.50–99.99");
    expect(shortUsd({ low: 9.5, high: 4889.9 })).toBe("$10–4890");
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
