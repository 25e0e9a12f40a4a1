// Entry point of every npm script. It runs on Node 20 with nothing installed, installs node_modules, and starts main.ts
// with the project's own Node 24. So it is plain JavaScript without dependencies.
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { acquire } from "../setup/lock.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const bin = path.join(root, "node_modules", ".bin");
const OLDEST_NODE = 20;
const OWN_NODE = 24;
/** Tools are dev dependencies and our Node is an optional one; NODE_ENV=production and npm's `omit` would skip them. */
const WHOLE = ["--include=dev", "--include=optional"];

/** @param {string} sentence */
function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

/** @param {string} version such as 24.21.0 */
const major = (version) => Number(version.split(".")[0]);

/** @param {string} file */
function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

/**
 * Why node_modules does not match package-lock.json; null if it does. npm copies the lock file into node_modules at the end
 * of an installation, so an interrupted installation has no copy.
 */
function missingModules() {
  const wanted = readJson(path.join(root, "package-lock.json"));
  if (!wanted) return "package-lock.json can't be read";
  const have = readJson(path.join(root, "node_modules", ".package-lock.json"));
  if (!have) return "node_modules is missing or incomplete";
  for (const [name, entry] of Object.entries(wanted.packages)) {
    if (name === "" || entry.optional) continue;
    const version = have.packages[name]?.version;
    if (version !== entry.version)
      return `${name.replace("node_modules/", "")} is ${version || "missing"}, but ${entry.version} is needed`;
  }
  const own = wanted.packages[`node_modules/node-${process.platform}-${process.arch}`];
  if (own && major(process.versions.node) < OWN_NODE && !fs.existsSync(path.join(bin, "node")))
    return "the project's own Node is missing";
  return null;
}

/**
 * Runs a program on this terminal, forwards signals and returns its exit code.
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>}
 */
function run(program, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env, stdio: "inherit" });
    const pass = (signal) => {
      // If both share a terminal, Ctrl-C reaches the child by itself, and a second signal would interrupt its cleanup.
      if (signal === "SIGINT" && process.stdin.isTTY) return;
      child.kill(signal);
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, pass);
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(signal ? 128 + os.constants.signals[signal] : (code ?? 1)));
  });
}

/**
 * Runs npm and prints the time now and then; returns its exit code and its output.
 * @param {string[]} args
 * @returns {Promise<{ code: number, output: string }>}
 */
function npm(args) {
  // npm passes its own path to the scripts that it runs. Without npm (node cli/bootstrap.mjs) it must be on PATH.
  const own = process.env.npm_execpath;
  const [program, ...first] = own && /\.c?js$/.test(own) ? [process.execPath, own] : ["npm"];
  const started = Date.now();
  return new Promise((resolve, reject) => {
    const all = [...first, ...args, "--loglevel=error", "--no-audit", "--no-fund"];
    const child = spawn(program, all, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    const beat = setInterval(() => {
      process.stderr.write(
        `npm ${args[0]}: ${Math.round((Date.now() - started) / 1000)} s so far, usually about 1 min\n`,
      );
    }, 15_000);
    const stop = (signal) => {
      child.kill(signal);
      child.on("exit", () => process.exit(128 + os.constants.signals[signal]));
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearInterval(beat);
      for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.off(name, stop);
      resolve({ code: signal ? 1 : (code ?? 1), output });
    });
  });
}

/** @param {string} reason */
async function install(reason) {
  const started = Date.now();
  process.stderr.write(`npm ci: ${reason}\n`);
  let result = { code: 0, output: "" };
  try {
    result = await npm(["ci", ...WHOLE]);
    if (result.code !== 0 && /npm ci` can only install/.test(result.output)) {
      // npm ci also refuses if a registry lacks an optional package of another platform. npm install uses the same versions
      // and hashes, and skips such a package.
      const missing = result.output.match(/Missing: \S+/g) || [];
      process.stderr.write(
        `npm ci: refused (${missing.slice(0, 3).join(", ")}); running npm install with the same lock file instead\n`,
      );
      result = await npm(["install", "--no-save", ...WHOLE]);
    }
  } catch (error) {
    fail(
      `npm can't be run (${error.code}). It comes with Node (https://nodejs.org) or as Debian's package npm: install it and run this again.`,
    );
  }
  const lacking = result.code === 0 ? missingModules() : null;
  if (result.code !== 0 || lacking) {
    // Cut npm's list of all its options.
    const output = result.output.split("Clean install a project")[0].trim();
    fail(
      `${output}\nnpm ended with code ${result.code}${lacking ? `, but ${lacking}` : ""}. ` +
        "It needs the npm registry (npm config get registry). Fix that and run this again.",
    );
  }
  process.stderr.write(`npm ci: done in ${Math.round((Date.now() - started) / 1000)} s\n`);
}

function ownNode() {
  const own = path.join(bin, "node");
  if (fs.existsSync(own)) return own;
  if (major(process.versions.node) >= OWN_NODE) return process.execPath;
  return fail(
    `There is no packaged Node for ${process.platform}-${process.arch}, and this is Node ${process.versions.node}: ` +
      `install Node ${OWN_NODE} or newer (https://nodejs.org) and run this again.`,
  );
}

async function main() {
  if (major(process.versions.node) < OLDEST_NODE) {
    fail(
      `Node ${OLDEST_NODE} or newer is needed, but this is Node ${process.versions.node}: install a newer one (https://nodejs.org) and run this again.`,
    );
  }
  if (missingModules()) {
    const lock = await acquire(path.join(root, ".toolchain", "npm.lock"), (holder) =>
      process.stderr.write(`npm ci: waiting for another run (process ${holder})\n`),
    );
    const reason = missingModules(); // the other run may have installed it
    if (reason) await install(reason);
    lock.release();
  }
  const node = ownNode();
  // Pulumi's language host uses the first `node` on PATH, so put this Node first if the package is missing.
  const nodeFolder = node === process.execPath ? [path.dirname(node)] : [];
  const env = {
    ...process.env,
    PATH: [bin, path.join(root, ".toolchain", "bin"), ...nodeFolder, process.env.PATH].join(path.delimiter),
    // Our own downloads also use the operating system's certificates and the proxy settings.
    NODE_USE_SYSTEM_CA: process.env.NODE_USE_SYSTEM_CA ?? "1",
    NODE_USE_ENV_PROXY: process.env.NODE_USE_ENV_PROXY ?? "1",
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? path.join(root, ".toolchain", "compile-cache"),
  };
  process.exit(await run(node, [path.join(root, "cli", "main.ts"), ...process.argv.slice(2)], env));
}

await main();
