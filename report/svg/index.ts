/** Draws a plan: machines, the front, its network, every backend with its layers and memory. For light and dark pages. */

import type { Access, Severity } from "../../config/words.ts";
import type { LayerRange } from "../../plan/memory/plan.ts";
import type { ClusterPlan } from "../../plan/plan.ts";
import type { FrontPlan } from "../../plan/resources/plans.ts";
import { rented } from "../../plan/resources/rented.ts";
import { tokensPerSecond } from "../../plan/speed/estimate.ts";
import { bytes, shortUsd, slots, speedRange } from "../amounts.ts";
import { fits } from "../text-performance.ts";
import { backendCard, frontCard, MEMORY_PARTS, machineFrame } from "./card.ts";
import { INNER, type Layout, layoutOf, MARGIN, PADDING, RAIL, type Unit, WIDTH, wirePath } from "./layout.ts";
import { styleSheet } from "./style.ts";
import { box, element, escaped, line } from "./text.ts";

/** Renders a plan as an SVG document. The same plan gives the same text. */
export function svgPlan(plan: ClusterPlan): string {
  const summary = summaryOf(plan);
  const headBottom = summary === "" ? 92 : 118;
  const panelTop = headBottom + 52;
  const layout = layoutOf(plan, panelTop + 44);
  const stripTop = layout.bottom + 42;
  const panelBottom = stripTop + 46;
  const height = panelBottom + 84;
  const content = [
    element("title", {}, escaped(`${plan.model.name} on ${plan.backends.length} backends`)),
    element("style", {}, styleSheet()),
    box(0, 0, WIDTH, height, "page", 12),
    head(plan, summary),
    box(MARGIN, panelTop, INNER, panelBottom - panelTop, "panel", 14),
    line(MARGIN + PADDING, panelTop + 28, `private network ${plan.network.cidr}`, { size: 13, style: "soft" }),
    clients(plan.front, headBottom, layout.front.y),
    wires(plan, layout),
    front(plan, layout),
    ...layout.rows.flat().map((unit) => drawn(plan, unit)),
    strip(plan, stripTop),
    legend(panelBottom + 30),
    findings(plan, panelBottom + 58),
  ];
  const size = { viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height };
  return `${element("svg", { xmlns: "http://www.w3.org/2000/svg", ...size, role: "img" }, `\n${content.join("\n")}\n`)}\n`;
}

function head({ model, target, region }: ClusterPlan, summary: string): string {
  const facts = [
    `${model.architecture} ${model.quantization}`,
    bytes(model.fileBytes),
    `${model.layers} layers`,
    `${model.contextTokens} tokens of context in ${slots(model.parallelSlots)}`,
    `target ${region === null ? target : `${target} in ${region}`}`,
  ];
  return [
    line(MARGIN, 48, model.name, { size: 24, style: "strong", room: INNER * 0.85 }),
    line(MARGIN, 76, facts.join("  ·  "), { size: 14, style: "soft", room: INNER }),
    ...(summary === "" ? [] : [line(MARGIN, 102, summary, { size: 15, style: "strong", room: INNER })]),
  ].join("\n");
}

/** Speed and price in one line; empty if neither is known. */
function summaryOf(plan: ClusterPlan): string {
  const { speed, cost } = plan;
  const decode =
    speed === null || !fits(plan)
      ? []
      : [`about ${tokensPerSecond(speed.decode.tokensPerSecond)} tokens per second (${speedRange(speed.decode)})`];
  const price =
    cost === null ? [] : [`${shortUsd(cost.usdPerHour)} per hour`, `${shortUsd(cost.usdPerMonth)} per month`];
  return [...decode, ...price].join("  ·  ");
}

/** How clients reach the cluster: from above, and only through the front. */
function clients({ access, hostAddress, hostPort }: FrontPlan, top: number, frontTop: number): string {
  const endpoints: Readonly<Record<Access, string>> = {
    loopback: `http://${hostAddress}:${hostPort}`,
    ssm: "your SSM session",
    private: "a load balancer in your networks",
    public: "a load balancer on the Internet",
  };
  const middle = WIDTH / 2;
  return [
    line(middle, top + 22, endpoints[access], { size: 14, style: "strong", anchor: "middle" }),
    element("path", { d: `M${middle} ${top + 32}V${frontTop - 8}`, class: "wire" }),
    element("path", { d: `M${middle - 6} ${frontTop - 10}h12l-6 9z`, class: "tip" }),
  ].join("\n");
}

/** The network between front and backends and its share of the time. Thick lines if the network limits the speed. */
function wires(plan: ClusterPlan, layout: Layout): string {
  const { speed } = plan;
  const path = (style: string) => element("path", { d: wirePath(layout), class: style });
  if (speed === null || !fits(plan)) return path("wire");
  const { decode, prompt } = speed;
  const share = Math.round((decode.parts.network / decode.secondsPerToken) * 100);
  const boundsPrompts = prompt.boundBy === "network";
  const isBound = boundsPrompts || decode.boundBy === "network";
  const text = `network: ${share} % of a token's time${boundsPrompts ? ", and the limit for prompts" : ""}`;
  const bottom = layout.front.y + layout.front.height;
  return [
    path(isBound ? "hot" : "wire"),
    line(WIDTH / 2 + 12, bottom + 18, text, { size: 12, style: isBound ? "warn" : "soft" }),
  ].join("\n");
}

function front(plan: ClusterPlan, layout: Layout): string {
  const machine = rented(plan)?.front;
  const frame = machine === undefined ? [] : [machineFrame(machine, layout.front)];
  return [...frame, frontCard(plan.front, layout.frontCard)].join("\n");
}

function drawn(plan: ClusterPlan, { machine, backends, area, cards }: Unit): string {
  const frame = machine === null ? [] : [machineFrame(machine, area)];
  const inside = backends.flatMap((backend, index) => {
    const card = cards[index];
    return card === undefined ? [] : [backendCard(plan, backend, card)];
  });
  return [...frame, ...inside].join("\n");
}

/** All layers in a row, in the order in which a token passes through them. */
function strip({ model, front, backends }: ClusterPlan, y: number): string {
  const x = MARGIN + PADDING + RAIL;
  const width = INNER - 2 * PADDING - 2 * RAIL;
  const holders: { label: string; layers: LayerRange }[] = [
    ...(front.layers === null ? [] : [{ label: "front", layers: front.layers }]),
    ...backends.flatMap(({ device, layers }) => (layers.count === 0 ? [] : [{ label: device, layers }])),
  ];
  const scale = width / Math.max(1, model.layers);
  const segments = holders.flatMap(({ label, layers }, index) => {
    const [from, length] = [x + layers.first * scale, layers.count * scale];
    const isFirst = index % 2 === 0;
    const hasRoom = length > label.length * 7.5 + 4;
    return [
      box(from, y, Math.max(0.5, length - 1.5), 22, isFirst ? "odd" : "even"),
      ...(hasRoom
        ? [
            line(from + length / 2, y + 15.5, label, {
              size: 12,
              style: isFirst ? "on-odd" : "on-even",
              anchor: "middle",
            }),
          ]
        : []),
    ];
  });
  return [line(x, y - 8, `token path: ${model.layers} layers`, { size: 12, style: "soft" }), ...segments].join("\n");
}

function legend(y: number): string {
  let x = MARGIN;
  return [...MEMORY_PARTS, { label: "free", style: "free" }]
    .map(({ label, style }) => {
      const entry = [box(x, y - 11, 14, 12, style), line(x + 20, y, label, { size: 13, style: "soft" })].join("\n");
      x += 20 + label.length * 7.5 + 26;
      return entry;
    })
    .join("\n");
}

const SEVERITIES: readonly { severity: Severity; style: string }[] = [
  { severity: "error", style: "over" },
  { severity: "warning", style: "warn" },
  { severity: "advice", style: "soft" },
];

/** The codes of the findings in one line; the text of the plan has their sentences. The colour is that of the worst. */
function findings(plan: ClusterPlan, y: number): string {
  const worst = SEVERITIES.find(({ severity }) => plan.findings.some((finding) => finding.severity === severity));
  if (worst === undefined) return line(MARGIN, y, "no findings", { size: 13, style: "soft" });
  const named = plan.findings.map(({ severity, number, code }) => `${severity} ${number} ${code}`);
  return line(MARGIN, y, named.join("  ·  "), { size: 13, style: worst.style, room: INNER });
}
