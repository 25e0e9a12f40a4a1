/** Prints set-up's output: lasting lines, and the current activity (a live line on a terminal, regular lines in a log). */

/** How a step reports its work. */
export interface Report {
  /** A lasting line. */
  say(text: string): void;
  /** The current activity; the next call replaces it. */
  now(text: string): void;
}

/** Output stream; `columns` is undefined if it is not a terminal. */
export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** `42 s`, `3 min 05 s`. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 100) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

/** `98.4 MB`. */
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** Interval of a long step's lines in a log; a terminal's live line is redrawn every second. */
const LOG_EVERY_MS = 15_000;
const REDRAW_EVERY_MS = 1_000;

/** Prints the lines of parallel steps without mixing them. */
export class Terminal {
  private readonly running = new Map<string, { text: string; since: number; loggedAt: number }>();
  private readonly started = Date.now();
  private timer: NodeJS.Timeout | undefined;
  private liveLine = false;
  private readonly output: Output;

  constructor(output: Output = process.stdout) {
    this.output = output;
  }

  /** A lasting line, unchanged. */
  line(text = ""): void {
    this.erase();
    this.output.write(`${text}\n`);
    this.draw();
  }

  /** A lasting line with the time since the start and the step's name. */
  stepLine(name: string, text: string): void {
    const elapsed = `${Math.round((Date.now() - this.started) / 1000)} s`.padStart(6);
    this.line(`[${elapsed}] ${name}: ${text}`);
  }

  /** Starts reporting on a step. */
  open(name: string): Report {
    const now = Date.now();
    this.running.set(name, { text: "started", since: now, loggedAt: now });
    this.timer ??= setInterval(() => this.tick(), REDRAW_EVERY_MS);
    return {
      say: (text) => this.stepLine(name, text),
      now: (text) => {
        const entry = this.running.get(name);
        if (entry) entry.text = text;
      },
    };
  }

  /** Ends the reporting on a step. */
  close(name: string): void {
    this.running.delete(name);
    this.erase();
    if (this.running.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private tick(): void {
    if (this.output.isTTY) {
      this.erase();
      this.draw();
      return;
    }
    const now = Date.now();
    for (const [name, entry] of this.running) {
      if (now - entry.loggedAt < LOG_EVERY_MS) continue;
      entry.loggedAt = now;
      this.stepLine(name, `${entry.text} (${duration(now - entry.since)} so far)`);
    }
  }

  private draw(): void {
    if (!this.output.isTTY || this.running.size === 0) return;
    const now = Date.now();
    const parts = [...this.running].map(([name, { text, since }]) => `${name}: ${text}, ${duration(now - since)}`);
    this.output.write(`  … ${parts.join("  |  ")}`.slice(0, (this.output.columns ?? 80) - 1));
    this.liveLine = true;
  }

  private erase(): void {
    if (this.liveLine) this.output.write("\r\x1b[K");
    this.liveLine = false;
  }
}
