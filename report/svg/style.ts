/** Colours of the picture for light and dark pages. Plain rules, because some viewers do not support CSS variables. */

interface Palette {
  page: string;
  ink: string;
  soft: string;
  edge: string;
  card: string;
  panel: string;
  free: string;
  wire: string;
  weights: string;
  cache: string;
  compute: string;
  program: string;
  over: string;
  warn: string;
  /** Fills of the runs of layers, which alternate. */
  odd: string;
  even: string;
}

const LIGHT: Palette = {
  page: "#ffffff",
  ink: "#1b2330",
  soft: "#5b6675",
  edge: "#c9d1dc",
  card: "#ffffff",
  panel: "#f4f6f9",
  free: "#e6eaf0",
  wire: "#8492a6",
  weights: "#2f6fde",
  cache: "#12a594",
  compute: "#8e4ec6",
  program: "#a0a9b8",
  over: "#c8233c",
  warn: "#8f5800",
  odd: "#2f6fde",
  even: "#b9d0f8",
};

const DARK: Palette = {
  page: "#0d1117",
  ink: "#e8edf4",
  soft: "#9aa7b8",
  edge: "#384252",
  card: "#161d27",
  panel: "#111820",
  free: "#2a3341",
  wire: "#6b7a8f",
  weights: "#5b93f5",
  cache: "#2cc4b2",
  compute: "#b07ce0",
  program: "#76818f",
  over: "#ff6b7d",
  warn: "#e0a030",
  odd: "#2f66c4",
  even: "#22407a",
};

const FONTS = 'svg{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}';

/** The style sheet. It contains no character that XML has to escape. */
export function styleSheet(): string {
  return `${FONTS}${rules(LIGHT)}@media (prefers-color-scheme:dark){${rules(DARK)}}`;
}

function rules(palette: Palette): string {
  const { edge, over, wire, ink, card, panel, ...fills } = palette;
  const plain = Object.entries({ ...fills, ink, over });
  return [
    ...plain.map(([name, colour]) => `.${name}{fill:${colour}}`),
    `.strong,.on-even{fill:${ink};font-weight:600}`,
    ".on-odd{fill:#ffffff;font-weight:600}",
    `.card{fill:${card};stroke:${edge}}`,
    `.full{fill:${card};stroke:${over};stroke-width:2}`,
    `.panel{fill:${panel};stroke:${edge};stroke-dasharray:6 4}`,
    `.wire{fill:none;stroke:${wire};stroke-width:2}`,
    `.hot{fill:none;stroke:${palette.warn};stroke-width:5;stroke-linecap:square}`,
    `.machine,.spot{fill:${palette.page};stroke:${wire}}`,
    ".spot{stroke-dasharray:3 3}",
    `.tip{fill:${wire}}`,
  ].join("");
}
