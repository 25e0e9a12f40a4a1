/** A held lock: call `release` when done. */
export interface Lock {
  release(): void;
}
/** Takes the lock file, or returns null and the holder's process id. It takes over a lock whose process has ended. */
export function tryAcquire(path: string): { lock: Lock } | { holder: number };
/** Removes the lock of a process that has ended, but not one that another process has taken since. */
export function takeAway(path: string, holder: number): void;
/** Waits for the lock; `onWait` gets the holder immediately and then every 15 seconds. */
export function acquire(
  path: string,
  onWait: (holder: number, waitedSeconds: number) => void,
  signal?: AbortSignal,
): Promise<Lock>;
