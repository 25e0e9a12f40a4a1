/** A plan as a picture: the front, its network, every backend with its layers and memory. Readable on light and dark pages. */

import { bytes, layerText, percent } from "./format.ts";
import { styleSheet } from "./svg-style.ts";
import { box, element, escaped, line } from "./svg-text.ts";
import type { BackendPlan, ClusterPlan, FrontPlan, LayerRange, MemoryPlan, Severity } from "./types.ts";

const WIDTH = 1120;
const MARGIN = 32;
const INNER = WIDTH - 2 * MARGIN;
const PADDING = 24;
const GAP = 12;
const RAIL = 20;
const CARD_HEIGHT = 118;
const MOST_CARD_WIDTH = 340;
/** Narrower cards have smaller letters. */
const NARROW = 210;
const FRONT_WIDTH = 340;
const HEAD = 92;
/** Room above each row of backends for the line that feeds it. */
const FEED = 36;

const PARTS = [
  { key: "weightsBytes", label: "weights", style: "weights" },
  { key: "kvCacheBytes", label: "KV cache", style: "cache" },
  { key: "computeBytes", label: "compute", style: "compute" },
  { key: "reserveBytes", label: "program", style: "program" },
] as const;

/** Renders a plan as an SVG document: the same plan gives the same text. */
export function svgPlan(plan: ClusterPlan): string {
  const columns = columnsOf(plan.backends.length);
  const rows = Math.ceil(plan.backends.length / columns);
  const panelTop = HEAD + 52;
  const frontTop = panelTop + 44;
  const gridTop = frontTop + CARD_HEIGHT + 8;
  const stripTop = gridTop + rows * (CARD_HEIGHT + FEED) + 42;
  const panelBottom = stripTop + 46;
  const height = panelBottom + 84;
  const content = [
    element("title", {}, escaped(`${plan.model.name} on ${plan.backends.length} backends`)),
    element("style", {}, styleSheet()),
    box(0, 0, WIDTH, height, "page", 12),
    head(plan),
    box(MARGIN, panelTop, INNER, panelBottom - panelTop, "panel", 14),
    line(MARGIN + PADDING, panelTop + 28, `private network ${plan.network.cidr}`, { size: 13, style: "soft" }),
    clients(plan.front, frontTop),
    wires(plan.backends.length, columns, frontTop + CARD_HEIGHT, gridTop),
    frontCard(plan.front, frontTop),
    ...plan.backends.map((backend, index) =>
      backendCard(backend, cardAt(index, plan.backends.length, columns, gridTop)),
    ),
    strip(plan, stripTop),
    legend(panelBottom + 30),
    findings(plan, panelBottom + 58),
  ];
  const size = { viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height };
  return `${element("svg", { xmlns: "http://www.w3.org/2000/svg", ...size, role: "img" }, `\n${content.join("\n")}\n`)}\n`;
}

function head({ model, target, hourlyUsd }: ClusterPlan): string {
  const slots = model.parallelSlots === 1 ? "1 slot" : `${model.parallelSlots} slots`;
  const cost = hourlyUsd === 0 ? [] : [`$${hourlyUsd.toFixed(2)} per hour`];
  const facts = [
    `${model.architecture} ${model.quantization}`,
    bytes(model.fileBytes),
    `${model.layers} layers`,
    `${model.contextTokens} tokens of context in ${slots}`,
    `target ${target}`,
    ...cost,
  ];
  return [
    line(MARGIN, 48, model.name, { size: 24, style: "strong", room: INNER * 0.85 }),
    line(MARGIN, 76, facts.join("  ·  "), { size: 14, style: "soft", room: INNER }),
  ].join("\n");
}

/** How the cluster is reached: from above, through the front alone. */
function clients({ hostAddress, hostPort }: FrontPlan, frontTop: number): string {
  const middle = WIDTH / 2;
  return [
    line(middle, HEAD + 22, `http://${hostAddress}:${hostPort}`, { size: 14, style: "strong", anchor: "middle" }),
    element("path", { d: `M${middle} ${HEAD + 32}V${frontTop - 8}`, class: "wire" }),
    element("path", { d: `M${middle - 6} ${frontTop - 10}h12l-6 9z`, class: "tip" }),
  ].join("\n");
}

interface Place {
  x: number;
  y: number;
  width: number;
}

function columnsOf(count: number): number {
  if (count <= 4) return Math.max(1, count);
  return count <= 8 ? 4 : 5;
}

/** Where a backend's card is; the cards of each row are centred. */
function cardAt(index: number, count: number, columns: number, gridTop: number): Place {
  const room = INNER - 2 * PADDING - 2 * RAIL;
  const width = Math.min(MOST_CARD_WIDTH, (room - (columns - 1) * GAP) / columns);
  const row = Math.floor(index / columns);
  const inRow = Math.min(columns, count - row * columns);
  const left = (WIDTH - inRow * width - (inRow - 1) * GAP) / 2;
  return { x: left + (index % columns) * (width + GAP), y: gridTop + row * (CARD_HEIGHT + FEED) + FEED, width };
}

/** Lines from the front to every backend: one to the row below it, the further rows fed from the left. */
function wires(count: number, columns: number, from: number, gridTop: number): string {
  const middle = WIDTH / 2;
  const rail = MARGIN + PADDING;
  const rows = Math.ceil(count / columns);
  const paths: string[] = [];
  for (let row = 0; row < rows; row++) {
    const places = Array.from({ length: Math.min(columns, count - row * columns) }, (_, index) =>
      cardAt(row * columns + index, count, columns, gridTop),
    );
    const centres = places.map(({ x, width }) => x + width / 2);
    const y = gridTop + row * (CARD_HEIGHT + FEED) + FEED / 2;
    const start = row === 0 ? Math.min(middle, ...centres, ...(rows > 1 ? [rail] : [])) : rail;
    paths.push(`M${start} ${y}H${Math.max(row === 0 ? middle : start, ...centres)}`);
    paths.push(...centres.map((x) => `M${x} ${y}V${gridTop + row * (CARD_HEIGHT + FEED) + FEED}`));
  }
  paths.push(`M${middle} ${from}V${gridTop + FEED / 2}`);
  if (rows > 1) paths.push(`M${rail} ${gridTop + FEED / 2}V${gridTop + (rows - 1) * (CARD_HEIGHT + FEED) + FEED / 2}`);
  return element("path", { d: paths.join(""), class: "wire" });
}

interface Card {
  name: string;
  device: string;
  address: string;
  holds: string;
  memory: MemoryPlan;
}

function frontCard(front: FrontPlan, y: number): string {
  const own = front.layers === null ? "embeddings" : `embeddings, ${layerText(front.layers)}`;
  const flavour = front.flavour === "cuda" ? "CUDA" : "CPU";
  const address = `${front.address}:${front.port}`;
  const { memory } = front;
  return card(
    { name: "front", device: flavour, address, holds: own, memory },
    { x: (WIDTH - FRONT_WIDTH) / 2, y, width: FRONT_WIDTH },
  );
}

function backendCard(
  { name, device, flavour, address, port, layers, holdsOutput, memory }: BackendPlan,
  place: Place,
): string {
  const holds = layers.count === 0 ? "no layers" : `${layerText(layers)}${holdsOutput ? ", output" : ""}`;
  const said = `${device} · ${flavour === "cuda" ? "CUDA" : "CPU"}`;
  return card({ name, device: said, address: `${address}:${port}`, holds, memory }, place);
}

function card({ name, device, address, holds, memory }: Card, { x, y, width }: Place): string {
  const isOver = memory.totalBytes > memory.capacityBytes;
  const style = isOver ? "over" : "soft";
  const size = width < NARROW ? 11 : 12;
  const margin = width < NARROW ? 10 : 14;
  const [left, right] = [x + margin, x + width - margin];
  const room = width - 2 * margin;
  const deviceRoom = device.length * 7 + 8;
  return [
    box(x, y, width, CARD_HEIGHT, isOver ? "full" : "card", 10),
    line(left, y + 25, name, { size: 15, style: "strong", room: (room - deviceRoom) * 0.88, keep: "end" }),
    line(right, y + 25, device, { size, style: "soft", anchor: "end" }),
    line(left, y + 45, address, { size, style: "soft", room }),
    line(left, y + 66, holds, { size: size + 1, style: "ink", room }),
    memoryBar(memory, left, y + 76, room),
    line(left, y + 106, `${bytes(memory.totalBytes)} of ${bytes(memory.capacityBytes)}`, {
      size,
      style,
      room: room - 34,
    }),
    line(right, y + 106, percent(memory).trim(), { size, style, anchor: "end" }),
  ].join("\n");
}

function memoryBar(memory: MemoryPlan, x: number, y: number, width: number): string {
  const scale = width / Math.max(memory.capacityBytes, memory.totalBytes, 1);
  let from = x;
  const parts = PARTS.map(({ key, style }) => {
    const length = memory[key] * scale;
    const part = length < 0.05 ? "" : box(from, y, length, 12, style);
    from += length;
    return part;
  });
  return [box(x, y, width, 12, "free"), ...parts].filter((part) => part !== "").join("\n");
}

/** All layers in a row, as the tokens pass through them. */
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
  return [line(x, y - 8, `the way of a token: ${model.layers} layers`, { size: 12, style: "soft" }), ...segments].join(
    "\n",
  );
}

function legend(y: number): string {
  let x = MARGIN;
  return [...PARTS, { label: "free", style: "free" }]
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

/** What the planner has to say, by name: the sentences are in the plan's text. The worst alone if there is much. */
function findings(plan: ClusterPlan, y: number): string {
  const worst = SEVERITIES.find(({ severity }) => plan.findings.some((finding) => finding.severity === severity));
  if (worst === undefined) return line(MARGIN, y, "nothing to object to", { size: 13, style: "soft" });
  const named = plan.findings.map(({ severity, number, code }) => `${severity} ${number} ${code}`);
  return line(MARGIN, y, named.join("  ·  "), { size: 13, style: worst.style, room: INNER });
}
