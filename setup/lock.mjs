// One set-up at a time. Plain JavaScript, because bootstrap.mjs uses it on a Node that knows no TypeScript.
import fs from "node:fs";
import path from "node:path";

/** @param {number} pid */
function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: alive, but another user's.
    if (error.code !== "EPERM") return false;
  }
  try {
    // Process ids are reused after a reboot: if the process is not a Node program, it is not the holder.
    return /node|npm|bootstrap/.test(fs.readFileSync(`/proc/${pid}/cmdline`, "utf8"));
  } catch {
    return true; // no /proc (macOS)
  }
}

/** @param {string} file */
export function tryAcquire(file) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  for (;;) {
    try {
      // A complete file appears at once (link fails if the name exists), so no reader sees an incomplete lock.
      const mine = `${file}.${process.pid}`;
      fs.writeFileSync(mine, String(process.pid));
      try {
        fs.linkSync(mine, file);
      } finally {
        fs.rmSync(mine, { force: true });
      }
      const release = () => {
        try {
          if (fs.readFileSync(file, "utf8") === String(process.pid)) fs.rmSync(file, { force: true });
        } catch {
          // Already removed.
        }
        process.removeListener("exit", release);
      };
      process.on("exit", release);
      return { lock: { release } };
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    let holder = 0;
    try {
      holder = Number(fs.readFileSync(file, "utf8"));
    } catch {
      continue; // released in the meantime
    }
    if (isAlive(holder)) return { holder };
    takeAway(file, holder);
  }
}

/**
 * Removes the lock of a process that has ended. If two processes find the same lock, only one can rename it. The other's rename
 * may hit the lock that the first has just taken; it is then put back.
 * @param {string} file
 * @param {number} holder
 */
export function takeAway(file, holder) {
  const stale = `${file}.stale.${process.pid}`;
  try {
    fs.renameSync(file, stale);
    if (Number(fs.readFileSync(stale, "utf8")) !== holder) fs.linkSync(stale, file);
  } catch {
    // The other process was faster.
  } finally {
    fs.rmSync(stale, { force: true });
  }
}

/**
 * @param {string} file
 * @param {(holder: number, waitedSeconds: number) => void} onWait
 * @param {AbortSignal} [signal]
 */
export async function acquire(file, onWait, signal) {
  const start = Date.now();
  let reported = Number.NEGATIVE_INFINITY;
  for (;;) {
    signal?.throwIfAborted();
    const answer = tryAcquire(file);
    if (answer.lock) return answer.lock;
    if (Date.now() - reported >= 15_000) {
      reported = Date.now();
      onWait(answer.holder, Math.round((reported - start) / 1000));
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
