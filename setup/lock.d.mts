/** What `acquire` hands out: call `release` when done. */
export interface Lock {
  release(): void;
}
/** Takes the lock file, or answers null and the holder's process id. A lock whose process is gone is taken over. */
export function tryAcquire(path: string): { lock: Lock } | { holder: number };
/** Takes away the lock of a holder that is gone, and leaves one that somebody else has taken meanwhile. */
export function takeAway(path: string, holder: number): void;
/** Waits for the lock; `onWait` is told who holds it, at once and then every 15 seconds. */
export function acquire(
  path: string,
  onWait: (holder: number, waitedSeconds: number) => void,
  signal?: AbortSignal,
): Promise<Lock>;
