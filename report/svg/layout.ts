/** Positions of everything in the picture: machines around their backends, in rows under the front. No colours. */

import type { ClusterPlan } from "../../plan/plan.ts";
import type { BackendPlan, MachinePlan } from "../../plan/resources/plans.ts";
import { rented } from "../../plan/resources/rented.ts";

export const WIDTH = 1120;
export const MARGIN = 32;
export const INNER = WIDTH - 2 * MARGIN;
export const PADDING = 24;
export const RAIL = 20;
export const CARD_HEIGHT = 118;
/** Room above each row for the line that feeds it. */
export const FEED = 36;
/** Space between the edge of a machine and its backends, and space above them for the machine's description. */
export const FRAME = 10;
export const FRAME_HEAD = 48;
const GAP = 12;
const MOST_CARD_WIDTH = 340;
const FRONT_WIDTH = 340;
const ROOM = INNER - 2 * PADDING - 2 * RAIL;

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The end of one line from the front: a rented machine with its backends, or a single backend. */
export interface Unit {
  machine: MachinePlan | null;
  backends: BackendPlan[];
  area: Rectangle;
  /** The card of each backend, in order. */
  cards: Rectangle[];
}

export interface Layout {
  /** The front's machine or, without one, its card. */
  front: Rectangle;
  frontCard: Rectangle;
  rows: Unit[][];
  /** Lower edge of the last row. */
  bottom: number;
}

/** Lays out the front from `top` on, and all units under it. The units of each row are centred. */
export function layoutOf(plan: ClusterPlan, top: number): Layout {
  const isFramed = plan.machines.length > 0;
  const head = isFramed ? FRAME_HEAD : 0;
  const edge = isFramed ? FRAME : 0;
  const frontCard = { x: (WIDTH - FRONT_WIDTH) / 2, y: top + head, width: FRONT_WIDTH, height: CARD_HEIGHT };
  const front = around(frontCard, head, edge, top);
  const count = plan.backends.length;
  const columns = isFramed ? Math.min(4, Math.max(1, count)) : columnsOf(count);
  const cardWidth = Math.min(MOST_CARD_WIDTH, (ROOM - (columns - 1) * GAP) / columns - 2 * edge);
  const sized = membersOf(plan).map((members) => {
    const abreast = Math.min(columns, members.backends.length);
    const stacked = Math.ceil(members.backends.length / abreast);
    const width = abreast * cardWidth + (abreast - 1) * GAP + 2 * edge;
    const height = stacked * CARD_HEIGHT + (stacked - 1) * GAP + head + edge;
    return { ...members, abreast, width, height };
  });
  let y = front.y + front.height + 8 + (isFramed ? 8 : 0);
  const rows = shelves(sized).map((row) => {
    y += FEED;
    const total = row.reduce((sum, { width }) => sum + width, 0) + (row.length - 1) * GAP;
    let x = (WIDTH - total) / 2;
    const units = row.map(({ machine, backends, abreast, width, height }): Unit => {
      const area = { x, y, width, height };
      const cards = backends.map((_, index) => ({
        x: area.x + edge + (index % abreast) * (cardWidth + GAP),
        y: area.y + head + Math.floor(index / abreast) * (CARD_HEIGHT + GAP),
        width: cardWidth,
        height: CARD_HEIGHT,
      }));
      x += width + GAP;
      return { machine, backends, area, cards };
    });
    y += Math.max(...row.map(({ height }) => height));
    return units;
  });
  return { front, frontCard, rows, bottom: y };
}

/** Lines from the front to every unit: straight down to the first row, and along the left edge to the further rows. */
export function wirePath({ front, rows }: Layout): string {
  const middle = WIDTH / 2;
  const rail = MARGIN + PADDING;
  const feeds = rows.map((row) => (row[0]?.area.y ?? 0) - FEED / 2);
  const paths = rows.flatMap((row, index) => {
    const y = feeds[index] ?? 0;
    const centres = row.map(({ area }) => area.x + area.width / 2);
    const isFirst = index === 0;
    const start = isFirst ? Math.min(middle, ...centres, ...(rows.length > 1 ? [rail] : [])) : rail;
    return [
      `M${start} ${y}H${Math.max(isFirst ? middle : start, ...centres)}`,
      ...centres.map((x) => `M${x} ${y}V${y + FEED / 2}`),
    ];
  });
  const first = feeds[0] ?? 0;
  paths.push(`M${middle} ${front.y + front.height}V${first}`);
  if (rows.length > 1) paths.push(`M${rail} ${first}V${feeds.at(-1) ?? first}`);
  return paths.join("");
}

function membersOf(plan: ClusterPlan): Pick<Unit, "machine" | "backends">[] {
  return [...(rented(plan)?.others ?? plan.backends.map((backend) => ({ machine: null, backends: [backend] })))];
}

function columnsOf(count: number): number {
  if (count <= 4) return Math.max(1, count);
  return count <= 8 ? 4 : 5;
}

/** Fills rows from left to right, in order. */
function shelves<Sized extends { width: number }>(units: readonly Sized[]): Sized[][] {
  const rows: Sized[][] = [];
  let used = 0;
  for (const unit of units) {
    const row = rows.at(-1);
    // The widths are fractions of the room, so their sum may differ from it by a rounding error.
    if (row !== undefined && used + GAP + unit.width <= ROOM + 0.01) {
      row.push(unit);
      used += GAP + unit.width;
    } else {
      rows.push([unit]);
      used = unit.width;
    }
  }
  return rows;
}

function around({ x, width, height }: Rectangle, head: number, edge: number, y: number): Rectangle {
  return { x: x - edge, y, width: width + 2 * edge, height: head + height + edge };
}
